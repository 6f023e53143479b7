"""Kullback–Leibler divergence D(p‖q) = Σₖ pₖ log(pₖ / qₖ), without the difference H(p, q) − H(p)."""

from __future__ import annotations

from typing import NamedTuple

from xent import _math as m
from xent._kernel import Kernel, add, itself
from xent._typing import Array, Namespace
from xent.losses import _distributions as ce

# --- from probabilities ---


class Terms(NamedTuple):
    """The terms' excess over pₖ − qₖ where p is near q, the whole terms elsewhere; Σ(pₖ − qₖ)."""

    excess: Array
    mass: Array


def _measure_probs(xp: Namespace, probs: Array, target: Array, axis: int) -> Terms:
    """Measure p log(p/q) = (p − q) + (p − q) r + 2p (r³/3 + r⁵/5 + …), r = (p − q)/(p + q).

    Near p = q the terms p − q cancel in the sum: they are kept apart, where they add exactly.
    Elsewhere adding and removing them would lose everything when q ≫ p.
    """
    p, q = target, probs
    r = m.contrast(xp, p, q)
    near = m.magnitude(xp, r) < m.NEAR
    nothing = xp.zeros_like(r)
    r = xp.where(near, r, nothing)
    close = (p - q) * r + 2 * p * r * m.odd_tail(xp, r)
    far = m.scaled(xp, p, m.log_ratio(xp, p, q))
    return Terms(
        xp.sum(xp.where(near, close, far), axis=axis, keepdims=True),
        xp.sum(xp.where(near, p - q, nothing), axis=axis, keepdims=True),
    )


def _merge_terms(xp: Namespace, a: Terms, b: Terms) -> Terms:
    return Terms(a.excess + b.excess, a.mass + b.mass)


def _value_probs(xp: Namespace, s: Terms) -> Array:
    return s.excess + s.mass


def _target_gradient_probs(
    xp: Namespace, probs: Array, target: Array, s: Terms, w: Array, axis: int
) -> Array:
    """Return log(p / q) + 1."""
    return m.scaled(xp, w, m.log_ratio(xp, target, probs) + 1)


FROM_PROBS = Kernel(
    _measure_probs, _merge_terms, _value_probs, ce.gradient_probs, _target_gradient_probs
)

# --- from log-probabilities ---


def _log_ratio(xp: Namespace, p: Array, log_q: Array) -> Array:
    """Return log p − log q, 0 where both probabilities are 0."""
    neither = (p == 0) & (log_q == -xp.inf)
    one, nothing = xp.ones_like(p), xp.zeros_like(log_q)
    return xp.log(xp.where(neither, one, p)) - xp.where(neither, nothing, log_q)


def _measure_log_probs(xp: Namespace, log_probs: Array, target: Array, axis: int) -> Array:
    log_ratio = m.log_or_zero(xp, target) - log_probs
    return xp.sum(m.scaled(xp, target, log_ratio), axis=axis, keepdims=True)


def _target_gradient_log_probs(
    xp: Namespace, log_probs: Array, target: Array, s: Array, w: Array, axis: int
) -> Array:
    return m.scaled(xp, w, _log_ratio(xp, target, log_probs) + 1)


FROM_LOG_PROBS = Kernel(
    _measure_log_probs, add, itself, ce.gradient_log_probs, _target_gradient_log_probs
)

# --- from logits: Σₖ (pₖ log(pₖ / bₖ) − pₖ + bₖ) + P log P, b = P q ---


class Excess(NamedTuple):
    """A row's normaliser, the target's mass P in two parts, and Σ (p log(p/b) − p + b).

    Every term of the sum is ≥ 0, and Σ b is P: an error that the normaliser gives all b alike drops
    out. ``high`` holds the bits of p above one ULP of 1, which add exactly: log P is known where P
    is 1 but for rounding. A target that is nearly the softmax keeps all but two digits for a fifth to a
    third more time than Σ p (log p − log q), which keeps none.
    """

    softmax: m.Normaliser
    high: Array
    low: Array
    excess: Array

    @property
    def mass(self) -> Array:
        """P = Σ p."""
        return self.high + self.low


def _excess(xp: Namespace, p: Array, b: Array, log_b: Array) -> Array:
    """Return p log(p/b) − p + b ≥ 0, from ``log_b`` where b itself may have lost digits.

    As (b − p) − p log1p(x), x = (b − p)/p, near p = b: no better than b is, and in less time than
    the series that two given probabilities deserve.
    """
    absent = p == 0
    some = p + xp.astype(absent, p.dtype)
    x = (b - p) / some
    log_ratio = xp.where(absent | (xp.abs(x) < m.NEAR), xp.log1p(x), log_b - xp.log(some))
    return xp.maximum((b - p) - p * log_ratio, xp.zeros_like(p))


def _measure_logits(xp: Namespace, logits: Array, target: Array, axis: int) -> Excess:
    softmax, d, e = m.exact_normaliser(xp, logits, axis)
    high = xp.settled(1 + target) - 1
    low = xp.sum(target - high, axis=axis, keepdims=True)
    high = xp.sum(high, axis=axis, keepdims=True)
    mass = high + low
    log_b = d + (xp.log(mass) - xp.log1p(softmax.rest))
    terms = _excess(xp, target, e * (mass / (1 + softmax.rest)), log_b)
    return Excess(softmax, high, low, xp.sum(terms, axis=axis, keepdims=True))


def _merge_logits(xp: Namespace, a: Excess, b: Excess) -> Excess:
    """Merge by the chain rule: the blocks' masses and shares are a row of two classes."""
    softmax = m.merge_normalisers(xp, a.softmax, b.softmax)
    merged = Excess(softmax, a.high + b.high, a.low + b.low, a.excess + b.excess)
    mass, excess = merged.mass, merged.excess
    for x in (a, b):
        d = xp.shifted(x.softmax.peak, softmax.peak)
        f = xp.exp(d) * (1 + m.lost_below(xp, x.softmax.peak, softmax.peak, d))
        share = f * (1 + x.softmax.rest) / (1 + softmax.rest)
        log_b = d + (xp.log1p(x.softmax.rest) - xp.log1p(softmax.rest)) + xp.log(mass)
        excess = excess + _excess(xp, x.mass, mass * share, log_b)
    return merged._replace(excess=excess)


def _value_logits(xp: Namespace, s: Excess) -> Array:
    mass, over = s.mass, (s.high - 1) + s.low
    near = m.magnitude(xp, over) < m.NEAR
    beside = xp.log1p(xp.where(near, over, xp.zeros_like(over)))
    log_mass = xp.where(near, beside, m.log_or_zero(xp, mass))
    lost = m.is_lost(xp, s.softmax.peak, 1 + s.softmax.rest)
    return xp.where(lost, xp.full_like(mass, xp.nan), s.excess + mass * log_mass)


def _target_gradient_logits(
    xp: Namespace, logits: Array, target: Array, s: Excess, w: Array, axis: int
) -> Array:
    d = xp.shifted(logits, s.softmax.peak)
    log_q = d - xp.log1p(m.limited(xp, s.softmax))
    return m.scaled(xp, w, _log_ratio(xp, target, log_q) + 1)


FROM_LOGITS = Kernel(
    _measure_logits,
    _merge_logits,
    _value_logits,
    ce.gradient_logits,
    _target_gradient_logits,
)
KERNELS = {"logits": FROM_LOGITS, "probs": FROM_PROBS, "log_probs": FROM_LOG_PROBS}
