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

# --- from logits: Σₖ pₖ (log pₖ + peak − zₖ) + P log1p(s) ---


def _measure_logits(xp: Namespace, logits: Array, target: Array, axis: int) -> ce.Score:
    softmax, d = m.exact_normaliser(xp, logits, axis)
    log_ratio = m.log_or_zero(xp, target) - d
    score = xp.sum(m.scaled(xp, target, log_ratio), axis=axis, keepdims=True)
    return ce.Score(softmax, xp.sum(target, axis=axis, keepdims=True), score)


def _target_gradient_logits(
    xp: Namespace, logits: Array, target: Array, s: ce.Score, w: Array, axis: int
) -> Array:
    d = xp.shifted(logits, s.softmax.peak)
    log_q = d - xp.log1p(m.limited(xp, s.softmax))
    return m.scaled(xp, w, _log_ratio(xp, target, log_q) + 1)


FROM_LOGITS = Kernel(
    _measure_logits,
    ce.merge_scores,
    ce.FROM_LOGITS.value,
    ce.gradient_logits,
    _target_gradient_logits,
)
KERNELS = {"logits": FROM_LOGITS, "probs": FROM_PROBS, "log_probs": FROM_LOG_PROBS}
