"""Likelihood Σₖ tₖ qₖ of a row, and minus its logarithm, for targets that are distributions."""

from __future__ import annotations

from typing import NamedTuple

from xent import _math as m
from xent._kernel import Kernel, add, itself
from xent._typing import Array, Namespace

# --- the likelihood itself, from probabilities ---


def _measure_probs(xp: Namespace, probs: Array, target: Array, axis: int) -> Array:
    return xp.sum(target * probs, axis=axis, keepdims=True)


def _gradient_likelihood(
    xp: Namespace, probs: Array, target: Array, s: Array, w: Array, axis: int
) -> Array:
    return w * target


def _target_gradient_likelihood(
    xp: Namespace, probs: Array, target: Array, s: Array, w: Array, axis: int
) -> Array:
    return w * probs


LIKELIHOOD = Kernel(
    _measure_probs, add, itself, _gradient_likelihood, _target_gradient_likelihood, plain=True
)

# --- −log Σₖ tₖ qₖ from probabilities ---


def _value_probs(xp: Namespace, s: Array) -> Array:
    return 0 - xp.log(s)


def _gradient_probs(
    xp: Namespace, probs: Array, target: Array, s: Array, w: Array, axis: int
) -> Array:
    return -m.scaled(xp, w, m.quotient(xp, target, s))


def _target_gradient_probs(
    xp: Namespace, probs: Array, target: Array, s: Array, w: Array, axis: int
) -> Array:
    return -m.scaled(xp, w, m.quotient(xp, probs, s))


FROM_PROBS = Kernel(
    _measure_probs, add, _value_probs, _gradient_probs, _target_gradient_probs, plain=True
)

# --- from log-probabilities: the peak among the classes of the target, and a sum beside it ---


class Hit(NamedTuple):
    """The peak over the classes with t > 0, and Σ t exp(x − peak)."""

    peak: Array
    total: Array


def _hit(xp: Namespace, x: Array, target: Array, axis: int) -> Hit:
    wanted = xp.where(target == 0, xp.full_like(x, -xp.inf), x)
    peak = xp.constant(xp.max(wanted, axis=axis, keepdims=True))
    return Hit(peak, xp.sum(target * xp.exp(xp.shifted(wanted, peak)), axis=axis, keepdims=True))


def _merge_hits(xp: Namespace, a: Hit, b: Hit) -> Hit:
    peak = xp.maximum(a.peak, b.peak)
    parts = [xp.exp(xp.shifted(x.peak, peak)) * x.total for x in (a, b)]
    return Hit(peak, parts[0] + parts[1])


def _measure_log_probs(xp: Namespace, log_probs: Array, target: Array, axis: int) -> Hit:
    return _hit(xp, log_probs, target, axis)


def _value_log_probs(xp: Namespace, s: Hit) -> Array:
    return 0 - s.peak - xp.log(xp.where(s.peak == -xp.inf, xp.ones_like(s.total), s.total))


def _gradient_log_probs(
    xp: Namespace, log_probs: Array, target: Array, s: Hit, w: Array, axis: int
) -> Array:
    wanted = xp.where(target == 0, xp.full_like(log_probs, -xp.inf), log_probs)
    r = m.root(xp, xp.shifted(wanted, s.peak))
    return -w * (m.quotient(xp, target * r, s.total) * r)


def _target_gradient_log_probs(
    xp: Namespace, log_probs: Array, target: Array, s: Hit, w: Array, axis: int
) -> Array:
    return -w * m.quotient(xp, xp.exp(log_probs - s.peak), s.total)


FROM_LOG_PROBS = Kernel(
    _measure_log_probs,
    _merge_hits,
    _value_log_probs,
    _gradient_log_probs,
    _target_gradient_log_probs,
)

# --- from logits: log(hit + miss) − log(hit), the miss Σ (1 − t) e taken by itself ---


class Aim(NamedTuple):
    """The peak of all classes, Σ (1 − t) exp(z − peak) beside it, and the hit."""

    peak: Array
    miss: Array
    hit: Hit


def _measure_logits(xp: Namespace, logits: Array, target: Array, axis: int) -> Aim:
    peak = xp.constant(xp.max(logits, axis=axis, keepdims=True))
    e = xp.exp(xp.shifted(logits, peak))
    miss = xp.sum((1 - target) * e, axis=axis, keepdims=True)
    return Aim(peak, miss, _hit(xp, logits, target, axis))


def _merge_logits(xp: Namespace, a: Aim, b: Aim) -> Aim:
    peak = xp.maximum(a.peak, b.peak)
    parts = [xp.exp(xp.shifted(x.peak, peak)) * x.miss for x in (a, b)]
    return Aim(peak, parts[0] + parts[1], _merge_hits(xp, a.hit, b.hit))


def _odds(xp: Namespace, s: Aim) -> tuple[Array, Array]:
    """Return how far the hit's peak is below the row's, and hit + miss, NaN without a limit."""
    d = xp.shifted(s.hit.peak, s.peak)
    total = s.miss + s.hit.total * xp.exp(d)
    return d, xp.where(m.is_lost(xp, s.peak, total), xp.full_like(total, xp.nan), total)


def _value_logits(xp: Namespace, s: Aim) -> Array:
    d, total = _odds(xp, s)
    hit = xp.where(d == -xp.inf, xp.ones_like(d), s.hit.total)
    # Not `+ 0 * total`: Inductor takes a product with 0 for 0, NaN or not.
    near = xp.where(xp.isnan(total), total, xp.log1p(s.miss / hit))
    return xp.where(d == 0, near, xp.log(total) - xp.log(hit) - d)


def _gradient_logits(
    xp: Namespace, logits: Array, target: Array, s: Aim, w: Array, axis: int
) -> Array:
    """Return (e (1 − t) − t e miss / hit) / (hit + miss), which is a − y without the difference."""
    _, total = _odds(xp, s)
    wanted = xp.where(target == 0, xp.full_like(logits, -xp.inf), logits)
    e = xp.exp(xp.shifted(logits, s.peak))
    r = m.root(xp, xp.shifted(wanted, s.hit.peak))
    aimed = target * (m.quotient(xp, r * s.miss, s.hit.total) * r)
    # A label that is masked has the limit of one that goes to −∞: a − y.
    aimed = xp.where(s.hit.peak == -xp.inf, target * s.miss, aimed)
    return (w / total) * ((1 - target) * e - aimed)


def _target_gradient_logits(
    xp: Namespace, logits: Array, target: Array, s: Aim, w: Array, axis: int
) -> Array:
    return -w * m.quotient(xp, xp.exp(xp.shifted(logits, s.hit.peak)), s.hit.total)


FROM_LOGITS = Kernel(
    _measure_logits, _merge_logits, _value_logits, _gradient_logits, _target_gradient_logits
)
KERNELS = {"logits": FROM_LOGITS, "probs": FROM_PROBS, "log_probs": FROM_LOG_PROBS}
