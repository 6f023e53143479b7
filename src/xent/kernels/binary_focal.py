"""Focal loss of two classes, elementwise, and the asymmetric loss, whose negative class has a margin.

Both are t f(C₊) + (1 − t) f(C₋), with f of the focal loss, each with its own γ, and C₊ and C₋ what the
classes cost in the cross entropy.
"""

from __future__ import annotations

from dataclasses import dataclass

from xent import _math as m
from xent import _series as series
from xent._kernel import Forms, Kernel
from xent._typing import Array, Number, Verbs
from xent.kernels import binary
from xent.kernels.curves import Focal

Two = tuple[Array, Array]
"""Of the positive and of the negative class."""


class TwoClasses(Kernel):
    """A loss of elements that is linear in the pair (t, 1 − t)."""

    shape = "element"

    def costs(self, xp: Verbs, x: Array) -> Two:
        """Return what each class costs."""
        raise NotImplementedError

    def slopes(self, xp: Verbs, x: Array) -> Two:
        """Return the derivatives of that in the prediction."""
        raise NotImplementedError

    def weighed(self, pair: binary.Pair) -> Two:
        """Return the target times what each class weighs."""
        return pair[0], pair[1]

    def measure(self, xp: Verbs, x: Array, target: binary.Pair, axis: int) -> tuple[Array, None]:
        """Return the sum of both costs, where a class without weight adds nothing (R4)."""
        return self._sum(xp, target, self.costs(xp, x)), None

    def gradient(
        self, xp: Verbs, x: Array, target: binary.Pair, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return the sum of both slopes, likewise."""
        return m.scaled(xp, w, self._sum(xp, target, self.slopes(xp, x)))

    def target_gradient(
        self, xp: Verbs, x: Array, target: binary.Pair, s: Array, w: Array, axis: int
    ) -> binary.Pair:
        """Return what each class costs."""
        weights = self.weighed((w, w))
        parts = zip(weights, self.costs(xp, x), strict=True)
        return *(m.scaled(xp, a, cost) for a, cost in parts), *map(xp.zeros_like, target[2:])

    def _sum(self, xp: Verbs, target: binary.Pair, each: Two) -> Array:
        (a, b), (up, down) = self.weighed(target), each
        return m.scaled(xp, a, up) + m.scaled(xp, b, down)


@dataclass(frozen=True)
class Weighed(TwoClasses):
    """The focal loss with a weight for each class."""

    gamma: float
    positive: float
    negative: float

    @property
    def f(self) -> Focal:
        """What both costs are put through."""
        return Focal(self.gamma)

    def weighed(self, pair: binary.Pair) -> Two:
        """Return the target times what each class weighs."""
        return self.positive * pair[0], self.negative * pair[1]


class FromLogits(Weighed):
    """From logits: C₊ = log(1 + e⁻ᶻ) and C₋ = log(1 + eᶻ), neither of which cancels."""

    def costs(self, xp: Verbs, x: Array) -> Two:
        """Return f(C₊) and f(C₋)."""
        return self.f.cost(xp, m.softplus(xp, -x)), self.f.cost(xp, m.softplus(xp, x))

    def slopes(self, xp: Verbs, x: Array) -> Two:
        """Return −f′(C₊) σ(−z) and f′(C₋) σ(z)."""
        down, up = _sigmoids(xp, x)
        positive = self.f.slope_in_logits(xp, m.softplus(xp, -x))
        return -positive * down, self.f.slope_in_logits(xp, m.softplus(xp, x)) * up


class FromProbs(Weighed):
    """From probabilities: C₊ = −log h and C₋ = −log(1 − h)."""

    def costs(self, xp: Verbs, x: Array) -> Two:
        """Return f(C₊) and f(C₋)."""
        return self.f.cost(xp, 0 - xp.log(x)), self.f.cost(xp, 0 - binary.log1m(xp, x))

    def slopes(self, xp: Verbs, x: Array) -> Two:
        """Return −f′(C₊) / h and f′(C₋) / (1 − h)."""
        positive = self.f.fall(xp, x, 0 - xp.log(x))
        return -positive, self.f.fall(xp, 1 - x, 0 - binary.log1m(xp, x))


@dataclass(frozen=True)
class Asymmetric(TwoClasses):
    """The asymmetric loss from logits: C₋ = −log(1 − max(σ(z) − margin, 0)), and a γ for each class."""

    gamma_negative: float
    gamma_positive: float
    margin: float

    def costs(self, xp: Verbs, x: Array) -> Two:
        """Return f₊(C₊) and f₋(C₋)."""
        negative = Focal(self.gamma_negative).cost(xp, self._negative(xp, x)[0])
        return Focal(self.gamma_positive).cost(xp, m.softplus(xp, -x)), negative

    def slopes(self, xp: Verbs, x: Array) -> Two:
        """Return −f₊′(C₊) σ(−z), and f₋′(C₋) times the derivative of C₋."""
        cost, slope = self._negative(xp, x)
        f = Focal(self.gamma_positive)
        positive = f.slope_in_logits(xp, m.softplus(xp, -x)) * _sigmoids(xp, x)[0]
        return -positive, Focal(self.gamma_negative).slope_in_logits(xp, cost) * slope

    def _negative(self, xp: Verbs, x: Array) -> Two:
        """Return C₋ and its derivative, both 0 up to the margin.

        Just above it C₋ is −log1p(margin − σ(z)), farther −log(σ(−z) + margin), and log(1 + eᶻ) without a
        margin, where σ(−z) alone may be lost. Its derivative is σ(z) σ(−z) / (σ(−z) + margin).
        """
        down, up = _sigmoids(xp, x)
        # Each time less the smaller of both sigmoids, whose rounding is the smaller too.
        margin = xp.number(self.margin, x)
        over = xp.where(x > 0, (1 - margin) - down, up - margin)
        rate = margin * xp.ones_like(x)
        near, above, has = over < series.NEAR, over > 0, rate > 0
        rest = xp.where(has, down + rate, 1.0)
        far = xp.where(has, -xp.log(rest), m.softplus(xp, x))
        cost = xp.where(near, 0 - xp.log1p(-xp.where(near & above, over, 0.0)), far)
        return cost, xp.where(above, up * xp.where(has, down / rest, 1.0), 0.0)


def _sigmoids(xp: Verbs, z: Array) -> Two:
    """Return σ(−z) and σ(z), neither from the other."""
    e_up, e_down = binary.decays(xp, z, None)
    whole = e_up + e_down
    return e_up / whole, e_down / whole


def kernels(gamma: Number, alpha: Number | None) -> Forms:
    """Return the kernels of the focal loss; ``alpha`` weighs the positive class, and 1 − alpha the other."""
    weights = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    return {"logits": FromLogits(gamma, *weights), "probs": FromProbs(gamma, *weights)}
