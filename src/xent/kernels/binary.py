"""Cross entropy of two classes, elementwise.

The target is the pair (t, 1 − t) of what each class weighs, smoothing and ``pos_weight`` in it; of a
soft target also t without the weight, from which to tell what the rounded 1 − t lacks.

No two terms of a cost are subtracted. Those of the equal z − t z + log(1 + e⁻ᶻ) cancel where the prediction
is right: of t = 0 and z = −16 they leave 0 in float32, where the loss is 1.1e−7.
"""

from __future__ import annotations

from xent import _math as m
from xent import _series as series
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs

Pair = tuple[Array, ...]
"""The target: (t, 1 − t), both weighted, and of a soft target t without its weight beside them."""


Two = tuple[Array, Array]
"""Of the positive and of the negative class."""


class OfPair(Kernel):
    """A loss of elements that is linear in the pair (t, 1 − t)."""

    shape = "element"

    def costs(self, xp: Verbs, x: Array) -> Two:
        """Return what each class costs."""
        raise NotImplementedError

    def weighed(self, pair: Pair) -> Two:
        """Return the target times what each class weighs."""
        return pair[0], pair[1]

    def target_gradient(
        self, xp: Verbs, x: Array, target: Pair, s: Array, w: Array, axis: int
    ) -> Pair:
        """Return what each class costs, and 0 of what comes beside the pair: the loss has no other part."""
        weights = self.weighed((w, w))
        parts = zip(weights, self.costs(xp, x), strict=True)
        return *(m.scaled(xp, a, cost) for a, cost in parts), *map(xp.zeros_like, target[2:])


class FromLogits(OfPair):
    """Cross entropy of two classes from one logit, t log(1 + e⁻ᶻ) + (1 − t) log(1 + eᶻ).

    Both logarithms are of e^−|z|, which cannot overflow: log(1 + e^±z) = max(±z, 0) + log1p(e^−|z|). So

        loss = (t + 1 − t) log1p(e^−|z|) + t max(−z, 0) + (1 − t) max(z, 0)

    of which every term is ≥ 0. The sum t + 1 − t is not 1 where the classes are weighted.

    Limits (R5): a logit of ±inf costs 0 where the target agrees, and inf where it does not.
    """

    def measure(self, xp: Verbs, logits: Array, target: Pair, axis: int) -> tuple[Array, None]:
        """Return (t + 1 − t) log1p(e^−|z|) + t max(−z, 0) + (1 − t) max(z, 0).

        A class without weight adds nothing, not even where the other part of the logit is infinite (R4).
        Not by a ``where``, which takes ten times an exponential where the signs are mixed.
        """
        positive, negative, *_ = target
        cost = (positive + negative) * xp.log1p(xp.exp(-xp.abs(logits)))
        cost = cost + m.scaled(xp, positive, xp.clip(-logits, 0.0, None))
        return cost + m.scaled(xp, negative, xp.clip(logits, 0.0, None)), None

    def gradient(
        self, xp: Verbs, logits: Array, target: Pair, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return (1 − t) σ(z) − t σ(−z), both σ over one denominator and neither from the other.

        σ(z) = e^−max(−z, 0) / (e^−max(z, 0) + e^−max(−z, 0)), and σ(−z) the same of the other one.

        Of t just below ½ beside z ≈ 0, what the rounded 1 − t lacks may be most of it. Of a t that is
        σ(z) but for its rounding no digit is left: that would take an exponential of twice the digits.
        """
        positive, negative, *soft = target
        e_up, e_down = decays(xp, logits)
        inner = negative * e_down - positive * e_up
        for t in soft:
            inner = inner + ((1 - negative) - t) * e_down
        return w * (inner / (e_up + e_down))

    def costs(self, xp: Verbs, x: Array) -> Two:
        """Return log(1 + e⁻ᶻ) and log(1 + eᶻ)."""
        return costs(xp, x)


def decays(xp: Verbs, z: Array) -> tuple[Array, Array]:
    """Return e^−max(z, 0) and e^−max(−z, 0), of which one is 1 and the other e^−|z|.

    Two exponentials take less time than to choose where they are 1, but in a compiler's loop.

    They are smooth where z is 0: a library that halves the derivative of a minimum in a tie gives both
    the same half, and the quotients that are made of them do not feel a common factor.
    """
    if xp.alone:  # by one exponential, which is not smooth
        e, below = xp.exp(-xp.abs(z)), z < 0
        return xp.where(below, 1.0, e), xp.where(below, e, 1.0)
    zero = xp.zeros_like(z)
    return xp.exp(xp.minimum(-z, zero)), xp.exp(xp.minimum(z, zero))


def sigmoids(xp: Verbs, z: Array) -> tuple[Array, Array]:
    """Return σ(−z) and σ(z), neither from the other."""
    e_up, e_down = decays(xp, z)
    whole = e_up + e_down
    return e_up / whole, e_down / whole


def costs(xp: Verbs, z: Array) -> tuple[Array, Array]:
    """Return what each class costs, log(1 + e⁻ᶻ) and log(1 + eᶻ), by one logarithm."""
    if xp.finite:
        rest = xp.log1p(xp.exp(-xp.abs(z)))
        return xp.clip(-z, 0.0, None) + rest, xp.clip(z, 0.0, None) + rest
    below, nothing, rest = z < 0, xp.zeros_like(z), xp.log1p(xp.exp(-m.magnitude(xp, z)))
    return xp.where(below, -z, nothing) + rest, xp.where(below, nothing, z) + rest


class FromProbs(OfPair):
    """Cross entropy of two classes from the probability of one, −t log p − (1 − t) log(1 − p).

    Nothing is clipped: p = 0 costs inf where t > 0, and p = 1 where t < 1; a class without weight costs 0.
    """

    def measure(self, xp: Verbs, probs: Array, target: Pair, axis: int) -> tuple[Array, None]:
        """Return −t log p − (1 − t) log(1 − p), 0 for a class without weight.

        The sign is turned by 0 − x, so that a prediction that is certain and right costs +0.
        """
        positive, negative, *_ = target
        cost = m.scaled(xp, positive, 0 - xp.log(probs))
        return cost + m.scaled(xp, negative, 0 - log1m(xp, probs)), None

    def gradient(
        self, xp: Verbs, probs: Array, target: Pair, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return (1 − t) / (1 − p) − t / p, over one denominator where both terms are there.

        The difference p − t is then exact where the terms cancel. A hard target has one term alone, and that
        one is also right where p is 0 or 1.
        """
        positive, negative, *_ = target
        hard = (positive == 0) | (negative == 0)
        one, nothing = xp.ones_like(probs), xp.zeros_like(probs)
        alone = m.quotient(xp, negative, 1 - probs) - m.quotient(xp, positive, probs)
        inner = xp.where(hard, nothing, (positive + negative) * probs - positive)
        both = xp.divide(inner, xp.where(hard, one, probs * (1 - probs)))
        return m.scaled(xp, w, xp.where(hard, alone, both))

    def costs(self, xp: Verbs, x: Array) -> Two:
        """Return −log p and −log(1 − p)."""
        return 0 - xp.log(x), 0 - log1m(xp, x)


def log1m(xp: Verbs, p: Array) -> Array:
    """Return log(1 − p).

    ``log1p`` only below ¼, because XLA's is off by 128 ULP near −0.414. Above it what 1 − p loses,
    up to 1.4 ULP of the logarithm, is added back: log(h + l) = log h + l/h for l so small.
    """
    small = p < series.NEAR
    h = 1 - p
    lost = ((1 - h) - p) / xp.where(h == 0, xp.ones_like(h), h)
    return xp.where(small, xp.log1p(xp.where(small, -p, xp.zeros_like(p))), xp.log(h) + lost)


KERNELS: Forms = {"logits": FromLogits(), "probs": FromProbs()}
