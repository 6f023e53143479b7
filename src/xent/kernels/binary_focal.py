"""Focal loss of two classes, elementwise, and the asymmetric loss, whose negative class has a margin.

Both are t f(C₊) + (1 − t) f(C₋), with f of the focal loss, each with its own γ, and C₊ and C₋ what the
classes cost in the cross entropy. From a logit 1 − q = 1 − e^−C is the probability of the other class, and
known to all digits as C is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from xent import _math as m
from xent import _series as series
from xent._kernel import Forms
from xent._typing import Array, Number, Verbs
from xent.kernels import binary
from xent.kernels.binary import Two
from xent.kernels.curves import Focal, FocalOfShares


class TwoClasses(binary.OfPair):
    """A loss of elements that is the sum of what both classes cost, and its gradient that of their slopes."""

    def slopes(self, xp: Verbs, x: Array) -> Two:
        """Return the derivatives of the costs in the prediction."""
        raise NotImplementedError

    def measure(self, xp: Verbs, x: Array, target: binary.Pair, axis: int) -> tuple[Array, None]:
        """Return the sum of both costs, where a class without weight adds nothing (R4)."""
        return self._sum(xp, target, self.costs(xp, x)), None

    def gradient(
        self, xp: Verbs, x: Array, target: binary.Pair, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return the sum of both slopes, likewise."""
        return m.scaled(xp, w, self._sum(xp, target, self.slopes(xp, x)))

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
        (down, up), (positive, negative) = binary.sigmoids(xp, x), binary.costs(xp, x)
        first, second = _of_both(self.f, down, up)
        return first.cost(xp, positive), second.cost(xp, negative)

    def slopes(self, xp: Verbs, x: Array) -> Two:
        """Return −f′(C₊) σ(−z) and f′(C₋) σ(z)."""
        (down, up), (positive, negative) = binary.sigmoids(xp, x), binary.costs(xp, x)
        first, second = _of_both(self.f, down, up)
        return -first.rise(xp, positive), second.rise(xp, negative)


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
        (down, up), (positive, other) = binary.sigmoids(xp, x), binary.costs(xp, x)
        negative = self._beyond(xp, x, down, up)
        of_negative = Focal(self.gamma_negative).given(lambda: (negative.p, negative.q))
        of_positive = Focal(self.gamma_positive).given(lambda: (down, up))
        return of_positive.cost(xp, positive), of_negative.cost(xp, negative.cost(xp, other))

    def slopes(self, xp: Verbs, x: Array) -> Two:
        """Return −f₊′(C₊) σ(−z), and f₋′(C₋) times the derivative of C₋, σ(z) σ(−z) / (σ(−z) + margin)."""
        (down, up), (positive, other) = binary.sigmoids(xp, x), binary.costs(xp, x)
        negative = self._beyond(xp, x, down, up)
        above = negative.p > 0
        slope = xp.where(above, up * xp.where(negative.has, down / negative.rest, 1.0), 0.0)
        p = xp.where(above, negative.p, 1.0)
        f = Focal(self.gamma_negative).given(lambda: (p, negative.q))
        rise = Focal(self.gamma_positive).given(lambda: (down, up)).rise(xp, positive)
        return -rise, f.slope(xp, negative.cost(xp, other)) * slope

    def _beyond(self, xp: Verbs, x: Array, down: Array, up: Array) -> Beyond:
        """Return what is known of a logit beyond the margin.

        Each time less the smaller of both sigmoids, whose rounding is the smaller too.
        """
        margin = xp.number(self.margin, x)
        over = xp.where(x > 0, (1 - margin) - down, up - margin)
        rate = margin * xp.ones_like(x)
        q, has = down + rate, rate > 0
        rest = q if xp.finite else xp.where(has, q, 1.0)  # of which nobody looks at a 0 / 0
        return Beyond(xp.where(over > 0, over, 0.0), q, has, rest)


class Beyond(NamedTuple):
    """A negative class beyond the margin.

    Attributes
    ----------
    p, q : max(σ(z) − margin, 0), and 1 − p where that is not 0
    has, rest : whether there is a margin, and q if there is, else anything
    """

    p: Array
    q: Array
    has: Array
    rest: Array

    def cost(self, xp: Verbs, other: Array) -> Array:
        """Return C₋, 0 up to the margin, just above it −log1p(−p), and farther −log q.

        Without a margin that is ``other``, log(1 + eᶻ): σ(−z) alone may be lost.
        """
        near = self.p < series.NEAR
        inner = self.p if xp.finite else xp.where(near, self.p, 0.0)
        far = xp.where(self.has, -xp.log(self.rest), other)
        return xp.where(near, 0 - xp.log1p(-inner), far)


def _of_both(f: Focal, down: Array, up: Array) -> tuple[FocalOfShares, FocalOfShares]:
    """Return f of the positive and of the negative class, of σ(−z) and σ(z)."""
    return f.given(lambda: (down, up)), f.given(lambda: (up, down))


def kernels(gamma: Number, alpha: Number | None) -> Forms:
    """Return the kernels of the focal loss; ``alpha`` weighs the positive class, and 1 − alpha the other."""
    weights = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    return {"logits": FromLogits(gamma, *weights), "probs": FromProbs(gamma, *weights)}
