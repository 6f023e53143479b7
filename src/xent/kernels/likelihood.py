"""Likelihood Σₖ tₖ qₖ of a row, and minus its logarithm, for targets that are distributions.

Of a one-hot target this is the cross entropy. Of a soft one it is not: it is minus the logarithm of a mean,
and by Jensen's inequality at most the mean of the minus logarithms.
"""

from __future__ import annotations

from typing import NamedTuple

from xent import _math as m
from xent._kernel import Kernel
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
        """Return the hit, seen from its own peak."""
        return _hit(xp, log_probs, target, axis), None

    def merge(self, xp: Verbs, a: Hit, b: Hit) -> Hit:
        """Return the hit of a row from those of its halves."""
        return _merge_hits(xp, a, b)

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


def _hit(xp: Verbs, x: Array, target: Array, axis: int) -> Hit:
    """Return the peak among the classes of the target, and the sum that is seen from it."""
    wanted = _wanted(xp, x, target)
    peak = xp.constant(xp.max(wanted, axis=axis, keepdims=True))
    return Hit(peak, xp.sum(target * xp.exp(xp.shifted(wanted, peak)), axis=axis, keepdims=True))


def _merge_hits(xp: Verbs, a: Hit, b: Hit) -> Hit:
    """Return the hit of a row from those of its halves, both seen from the higher peak."""
    peak = xp.maximum(a.peak, b.peak)
    parts = [xp.exp(xp.shifted(x.peak, peak)) * x.total for x in (a, b)]
    return Hit(peak, parts[0] + parts[1])


class Aim(NamedTuple):
    """What a target hits of a row of logits, and what it misses, which is taken by itself.

    Attributes
    ----------
    peak : the largest logit of all classes
    miss : Σ (1 − t) exp(z − peak)
    hit : Σ t exp(z − its own peak)
    """

    peak: Array
    miss: Array
    hit: Hit


class FromLogits(Kernel):
    """Minus the logarithm of the likelihood, from logits: log(hit + miss) − log(hit).

    Near certainty, where the hit has the row's peak, it is log1p(miss / hit): nothing is subtracted.
    """

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Aim, None]:
        """Return hit and miss."""
        peak = xp.constant(xp.max(logits, axis=axis, keepdims=True))
        e = xp.exp(xp.shifted(logits, peak))
        miss = xp.sum((1 - target) * e, axis=axis, keepdims=True)
        return Aim(peak, miss, _hit(xp, logits, target, axis)), None

    def merge(self, xp: Verbs, a: Aim, b: Aim) -> Aim:
        """Return hit and miss of a row from those of its halves."""
        peak = xp.maximum(a.peak, b.peak)
        parts = [xp.exp(xp.shifted(x.peak, peak)) * x.miss for x in (a, b)]
        return Aim(peak, parts[0] + parts[1], _merge_hits(xp, a.hit, b.hit))

    def value(self, xp: Verbs, s: Aim) -> Array:
        """Return log1p(miss / hit) where the hit has the row's peak, log(hit + miss) − log(hit) else."""
        d, total = _odds(xp, s)
        hit = xp.where(d == -xp.inf, xp.ones_like(d), s.hit.total)
        # Not `+ 0 * total`: Inductor takes a product with 0 for 0, NaN or not.
        near = xp.where(xp.isnan(total), total, xp.log1p(s.miss / hit))
        return xp.where(d == 0, near, xp.log(total) - xp.log(hit) - d)

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Aim, made: None, w: Array, axis: int
    ) -> Array:
        """Return (e (1 − t) − t e miss / hit) / (hit + miss), which is a − y without the difference."""
        _, total = _odds(xp, s)
        e = xp.exp(xp.shifted(logits, s.peak))
        r = m.root(xp, xp.shifted(_wanted(xp, logits, target), s.hit.peak))
        aimed = target * (m.quotient(xp, r * s.miss, s.hit.total) * r)
        # A label that is masked has the limit of one that goes to −∞: a − y.
        aimed = xp.where(s.hit.peak == -xp.inf, target * s.miss, aimed)
        return (w / total) * ((1 - target) * e - aimed)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Aim, w: Array, axis: int
    ) -> Array:
        """Return −e / hit."""
        return -w * m.quotient(xp, xp.exp(xp.shifted(logits, s.hit.peak)), s.hit.total)


def _odds(xp: Verbs, s: Aim) -> tuple[Array, Array]:
    """Return how far the hit's peak is below the row's, and hit + miss, NaN without a limit."""
    d = xp.shifted(s.hit.peak, s.peak)
    total = s.miss + s.hit.total * xp.exp(d)
    return d, xp.where(m.is_lost(xp, s.peak, total), xp.full_like(total, xp.nan), total)


LIKELIHOOD = Likelihood()
KERNELS = {"logits": FromLogits(), "probs": FromProbs(), "log_probs": FromLogProbs()}
