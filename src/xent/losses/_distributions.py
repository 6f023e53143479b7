"""Cross entropy of distributions, −Σₖ tₖ log qₖ, from logits, probabilities and log-probabilities.

The target need not sum to 1: class weights and smoothing are already in it.
"""

from __future__ import annotations

from typing import NamedTuple

from xent import _math as m
from xent._kernel import Kernel, add, itself
from xent._typing import Array, Namespace

# --- from logits: Σₖ tₖ (peak − zₖ) + T log1p(s) ---


class Score(NamedTuple):
    """A row's normaliser, the target's mass T = Σ tₖ and its score Σ tₖ (peak − zₖ)."""

    softmax: m.Normaliser
    mass: Array
    score: Array


def _measure_logits(xp: Namespace, logits: Array, target: Array, axis: int) -> Score:
    softmax, d = m.normaliser(xp, logits, axis)
    score = xp.sum(m.scaled(xp, target, -d), axis=axis, keepdims=True)
    return Score(softmax, xp.sum(target, axis=axis, keepdims=True), score)


def merge_scores(xp: Namespace, a: Score, b: Score) -> Score:
    """Return the score of a row from those of its halves, both seen from the higher peak."""
    softmax = m.merge_normalisers(xp, a.softmax, b.softmax)
    parts = [
        x.score + m.scaled(xp, x.mass, -xp.shifted(x.softmax.peak, softmax.peak)) for x in (a, b)
    ]
    return Score(softmax, a.mass + b.mass, parts[0] + parts[1])


def _value_logits(xp: Namespace, s: Score) -> Array:
    return s.score + s.mass * xp.log1p(m.limited(xp, s.softmax))


def gradient_logits(
    xp: Namespace, logits: Array, target: Array, s: Score, w: Array, axis: int
) -> Array:
    """Return T a − t as ((T e − t) − t s) / (1 + s), exact for a target on the peak alone.

    Of a target near the softmax the roundings of e, s and t s are left, κ times over: two units, as
    anywhere. An exact T, exact differences and a fused 1 + s leave no less; t s in two parts would
    double the operations.
    """
    rest = m.limited(xp, s.softmax)
    e = xp.exp(xp.shifted(logits, s.softmax.peak))
    return ((s.mass * e - target) - target * rest) * (w / (1 + rest))


def _target_gradient_logits(
    xp: Namespace, logits: Array, target: Array, s: Score, w: Array, axis: int
) -> Array:
    d = xp.shifted(logits, s.softmax.peak)
    return m.scaled(xp, w, xp.log1p(m.limited(xp, s.softmax)) - d)


FROM_LOGITS = Kernel(
    _measure_logits, merge_scores, _value_logits, gradient_logits, _target_gradient_logits
)

# --- from probabilities: −Σₖ tₖ log qₖ ---


def _measure_probs(xp: Namespace, probs: Array, target: Array, axis: int) -> Array:
    return xp.sum(m.scaled(xp, target, 0 - xp.log(probs)), axis=axis, keepdims=True)


def gradient_probs(
    xp: Namespace, probs: Array, target: Array, s: Array, w: Array, axis: int
) -> Array:
    """Return −t / q, 0 where t is 0."""
    return -m.scaled(xp, w, m.quotient(xp, target, probs))


def _target_gradient_probs(
    xp: Namespace, probs: Array, target: Array, s: Array, w: Array, axis: int
) -> Array:
    return m.scaled(xp, w, 0 - xp.log(probs))


FROM_PROBS = Kernel(_measure_probs, add, itself, gradient_probs, _target_gradient_probs)

# --- from log-probabilities ---


def _measure_log_probs(xp: Namespace, log_probs: Array, target: Array, axis: int) -> Array:
    return xp.sum(m.scaled(xp, target, 0 - log_probs), axis=axis, keepdims=True)


def gradient_log_probs(
    xp: Namespace, log_probs: Array, target: Array, s: Array, w: Array, axis: int
) -> Array:
    """Return −t."""
    return -w * target


def _target_gradient_log_probs(
    xp: Namespace, log_probs: Array, target: Array, s: Array, w: Array, axis: int
) -> Array:
    return m.scaled(xp, w, 0 - log_probs)


FROM_LOG_PROBS = Kernel(
    _measure_log_probs, add, itself, gradient_log_probs, _target_gradient_log_probs
)
KERNELS = {"logits": FROM_LOGITS, "probs": FROM_PROBS, "log_probs": FROM_LOG_PROBS}
