"""Likelihood Σₖ tₖ qₖ of a row, and minus its logarithm, for targets that are distributions.

Of a one-hot target this is the cross entropy. Of a soft one it is not: it is minus the logarithm of a mean,
and by Jensen's inequality at most the mean of the minus logarithms.
"""

from __future__ import annotations

from typing import NamedTuple

from xent import _math as m
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs


class Likelihood(Kernel):
    """The likelihood itself, from probabilities: Σₖ tₖ qₖ."""

    plain = True

    def measure(self, xp: Verbs, probs: Array, target: Array, axis: int) -> tuple[Array, None]:
        """Return Σₖ tₖ qₖ."""
        return xp.sum(target * probs, axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return t."""
        return w * target

    def target_gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return q."""
        return w * probs


class FromProbs(Likelihood):
    """Minus the logarithm of the likelihood, from probabilities: −log Σₖ tₖ qₖ."""

    def value(self, xp: Verbs, s: Array) -> Array:
        """Return minus its logarithm, +0 where it is 1."""
        return 0 - xp.log(s)

    def gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return −t / Σ t q, 0 where t is 0."""
        return -m.scaled(xp, w, m.quotient(xp, target, s))

    def target_gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return −q / Σ t q, 0 where q is 0."""
        return -m.scaled(xp, w, m.quotient(xp, probs, s))


class Hit(NamedTuple):
    """What a target hits of a row of logarithms x.

    Attributes
    ----------
    peak : the largest x among the classes with t > 0
    total : Σ t exp(x − peak)
    """

    peak: Array
    total: Array


class FromLogProbs(Kernel):
    """Minus the logarithm of the likelihood, from log-probabilities: −log Σₖ tₖ exp(log qₖ).

    The peak is the largest among the classes of the target: no other may silence what is hit.
    """

    def measure(self, xp: Verbs, log_probs: Array, target: Array, axis: int) -> tuple[Hit, None]:
        """Return the peak among the classes of the target, and the sum that is seen from it."""
        wanted = _wanted(xp, log_probs, target)
        peak = xp.constant(xp.max(wanted, axis=axis, keepdims=True))
        e = xp.exp(xp.shifted(wanted, peak))
        return Hit(peak, xp.sum(target * e, axis=axis, keepdims=True)), None

    def merge(self, xp: Verbs, a: Hit, b: Hit) -> Hit:
        """Return the hit of a row from those of its halves, both seen from the higher peak."""
        peak = xp.maximum(a.peak, b.peak)
        parts = [xp.exp(xp.shifted(x.peak, peak)) * x.total for x in (a, b)]
        return Hit(peak, parts[0] + parts[1])

    def value(self, xp: Verbs, s: Hit) -> Array:
        """Return −peak − log Σ t exp(x − peak)."""
        return 0 - s.peak - xp.log(xp.where(s.peak == -xp.inf, xp.ones_like(s.total), s.total))

    def gradient(
        self, xp: Verbs, log_probs: Array, target: Array, s: Hit, made: None, w: Array, axis: int
    ) -> Array:
        """Return −t q / Σ t q, each product in two steps."""
        r = m.root(xp, xp.shifted(_wanted(xp, log_probs, target), s.peak))
        return -w * (m.quotient(xp, target * r, s.total) * r)

    def target_gradient(
        self, xp: Verbs, log_probs: Array, target: Array, s: Hit, w: Array, axis: int
    ) -> Array:
        """Return −q / Σ t q."""
        return -w * m.quotient(xp, xp.exp(log_probs - s.peak), s.total)


def _wanted(xp: Verbs, x: Array, target: Array) -> Array:
    """Return ``x``, −inf where the target is 0: what the hit is made of."""
    return xp.where(target == 0, xp.full_like(x, -xp.inf), x)


_HIT = FromLogProbs()
"""What measures the hit of logits too, which is one of any row of numbers."""


class Aim(NamedTuple):
    """What a target hits of a row of logits, and what it misses, which is taken by itself.

    Attributes
    ----------
    peak : the largest logit of all classes
    place : where that is among the classes of the block, −1 after a merge
    miss : Σ (1 − t) exp(z − peak)
    own : the target t at the peak
    gap : Σ (tₖ − t) exp(zₖ − peak)
    hit : Σ t exp(z − its own peak)
    """

    peak: Array
    place: Array
    miss: Array
    own: Array
    gap: Array
    hit: Hit


class FromLogits(Kernel):
    """Minus the logarithm of the likelihood, from logits: log(hit + miss) − log(hit).

    Near certainty, where the hit has the row's peak, it is log1p(miss / hit): nothing is subtracted.
    """

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Aim, None]:
        """Return hit and miss."""
        place = xp.first_peak(logits, axis)
        peak = xp.pick(logits, place, axis)
        e, own = xp.exp(xp.shifted(logits, peak)), xp.pick(target, place, axis)
        miss, gap = (xp.sum(x * e, axis=axis, keepdims=True) for x in (1 - target, target - own))
        return Aim(peak, place, miss, own, gap, _HIT.measure(xp, logits, target, axis)[0]), None

    def merge(self, xp: Verbs, a: Aim, b: Aim) -> Aim:
        """Return hit and miss of a row from those of its halves."""
        peak, own = xp.maximum(a.peak, b.peak), xp.where(a.peak >= b.peak, a.own, b.own)
        scales = [xp.exp(xp.shifted(x.peak, peak)) for x in (a, b)]
        miss = scales[0] * a.miss + scales[1] * b.miss
        gaps = [x.gap + m.scaled(xp, x.own - own, _mass(xp, x)[1]) for x in (a, b)]
        gap = m.scaled(xp, scales[0], gaps[0]) + m.scaled(xp, scales[1], gaps[1])
        place, hit = xp.full_like(a.place, -1), _HIT.merge(xp, a.hit, b.hit)
        return Aim(peak, place, miss, own, gap, hit)

    def value(self, xp: Verbs, s: Aim) -> Array:
        """Return log1p(miss / hit) where the hit's peak is about the row's, log(hit + miss) − log(hit) else.

        About, because a compiler that makes the logits anew may have an ULP between the two; and else where a
        target is so small that the ratio is no number.
        """
        d, total = _odds(xp, s)
        hit, near = xp.where(d == -xp.inf, xp.ones_like(d), s.hit.total), d > -1
        odds = s.miss / (hit * xp.exp(xp.where(near, d, xp.zeros_like(d))))
        # Not `+ 0 * total`: Inductor takes a product with 0 for 0, NaN or not.
        close = xp.where(xp.isnan(total), total, xp.log1p(odds))
        return xp.where(near & (odds < xp.inf), close, xp.log(total) - xp.log(hit) - d)

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Aim, made: None, w: Array, axis: int
    ) -> Array:
        """Return (e (1 − t) − t e miss / hit) / (hit + miss), which is a − y without the difference.

        At the peak, where both are nearly 1, it is Σ (tₖ − t) eₖ / (hit (hit + miss)).
        """
        d, total = _odds(xp, s)
        e = xp.exp(xp.shifted(logits, s.peak))
        r = m.root(xp, xp.shifted(_wanted(xp, logits, target), s.hit.peak))
        lift = m.lift(xp, s.hit.total)
        aimed = (lift * target) * (m.quotient(xp, r * s.miss, lift * s.hit.total) * r)
        # A label that is masked has the limit of one that goes to −∞: a − y.
        aimed = xp.where(s.hit.peak == -xp.inf, target * s.miss, aimed)
        inner, near = (1 - target) * e - aimed, d > -1
        hit = xp.where(near, s.hit.total, xp.ones_like(d)) * xp.exp(xp.where(near, d, 0.0))
        top = s.gap / hit
        if xp.anywhere(lambda: s.place < 0):  # After a merge no block knows whose peak it is.
            at_peak = near & (s.place < 0) & (logits == s.peak) & (target == s.own)
            inner = xp.where(at_peak, top, inner)
        top = xp.where(near, top, xp.at_label(inner, s.place, axis))
        return (w / total) * xp.put(inner, s.place, top, axis)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Aim, w: Array, axis: int
    ) -> Array:
        """Return −e / hit."""
        return -w * m.quotient(xp, xp.exp(xp.shifted(logits, s.hit.peak)), s.hit.total)


def _mass(xp: Verbs, s: Aim) -> tuple[Array, Array]:
    """Return how far the hit's peak is below the row's, and hit + miss."""
    d = xp.shifted(s.hit.peak, s.peak)
    return d, s.miss + s.hit.total * xp.exp(d)


def _odds(xp: Verbs, s: Aim) -> tuple[Array, Array]:
    """Return the same, of which hit + miss is NaN without a limit."""
    d, total = _mass(xp, s)
    return d, xp.where(m.is_lost(xp, s.peak, total), xp.full_like(total, xp.nan), total)


LIKELIHOOD = Likelihood()
KERNELS: Forms = {"logits": FromLogits(), "probs": FromProbs(), "log_probs": _HIT}
