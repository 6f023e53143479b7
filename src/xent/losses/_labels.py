"""Cross entropy of class labels, −log q_y, from logits, probabilities and log-probabilities."""

from __future__ import annotations

from typing import NamedTuple

from xent import _math as m
from xent._kernel import Kernel, itself
from xent._typing import Array, Namespace

# --- from logits: log Σⱼ exp zⱼ − z_y ---


class Rivals(NamedTuple):
    """A row's peak, the exponentials beside the label's own, and the label's logit."""

    peak: Array
    rest: Array
    label: Array


def _measure_logits(xp: Namespace, logits: Array, label: Array, axis: int) -> Rivals:
    peak = xp.constant(xp.max(logits, axis=axis, keepdims=True))
    rest = xp.rest(logits, peak, label, axis)
    return Rivals(peak, rest, m.at_label(xp, logits, label, axis))


def _merge_logits(xp: Namespace, a: Rivals, b: Rivals) -> Rivals:
    peak = xp.maximum(a.peak, b.peak)
    fa, fb = xp.exp(xp.shifted(a.peak, peak)), xp.exp(xp.shifted(b.peak, peak))
    return Rivals(peak, a.rest * fa + b.rest * fb, m.either(xp, a.label, b.label))


def _parts(xp: Namespace, s: Rivals) -> tuple[Array, Array]:
    """Return d = z_y − peak and s = Σ_{j≠y} exp(zⱼ − peak), NaN without a limit."""
    if not xp.maybe(lambda: xp.isinf(s.peak)):
        return s.label - s.peak, s.rest
    d = xp.where(xp.isnan(s.label), s.label, xp.shifted(s.label, s.peak))
    lost = m.is_lost(xp, s.peak, s.rest + xp.exp(d))
    return d, xp.where(lost, xp.full_like(d, xp.nan), s.rest)


def _value_logits(xp: Namespace, s: Rivals) -> Array:
    """Return log(s + exp d) − d, the label taken out of the sum before it can drown the rest.

    As log1p(s + (exp d − 1)) − d: where the label is the peak, d is 0 and this log1p s; elsewhere the
    peak is in s, so s ≥ 1, and the loss is at least log 2: there is nothing to lose.
    """
    d, rest = _parts(xp, s)
    return xp.log1p(rest + (xp.exp(d) - 1)) - d


def _gradient_logits(
    xp: Namespace, logits: Array, label: Array, s: Rivals, w: Array, axis: int
) -> Array:
    """Return a − y without the difference: −s / (s + exp d) at the label."""
    d, rest = _parts(xp, s)
    scale = w / (rest + xp.exp(d))
    g = xp.times(xp.beside(logits, s.peak, label, axis), scale)
    return xp.put(g, label, -rest * scale, axis)


FROM_LOGITS = Kernel(_measure_logits, _merge_logits, _value_logits, _gradient_logits)

# --- from probabilities: −log q_y ---


def _measure(xp: Namespace, prediction: Array, label: Array, axis: int) -> Array:
    return m.at_label(xp, prediction, label, axis)


def _value_probs(xp: Namespace, q: Array) -> Array:
    return 0 - xp.log(q)


def _gradient_probs(
    xp: Namespace, probs: Array, label: Array, q: Array, w: Array, axis: int
) -> Array:
    return xp.put(xp.zeros_like(probs), label, -m.quotient(xp, w, q), axis)


FROM_PROBS = Kernel(_measure, m.either, _value_probs, _gradient_probs)

# --- the likelihood itself, q_y ---


def _gradient_likelihood(
    xp: Namespace, probs: Array, label: Array, q: Array, w: Array, axis: int
) -> Array:
    return xp.put(xp.zeros_like(probs), label, w, axis)


LIKELIHOOD = Kernel(_measure, m.either, itself, _gradient_likelihood)

# --- from log-probabilities ---


def _value_log_probs(xp: Namespace, log_q: Array) -> Array:
    return 0 - log_q


def _gradient_log_probs(
    xp: Namespace, log_probs: Array, label: Array, log_q: Array, w: Array, axis: int
) -> Array:
    return xp.put(xp.zeros_like(log_probs), label, -w, axis)


FROM_LOG_PROBS = Kernel(_measure, m.either, _value_log_probs, _gradient_log_probs)
KERNELS = {"logits": FROM_LOGITS, "probs": FROM_PROBS, "log_probs": FROM_LOG_PROBS}
