"""Cross entropy of two classes, elementwise.

The target is the pair (t, 1 − t) of what each class weighs, smoothing and ``pos_weight`` in it; of a
soft target also t without the weight, from which to tell what the rounded 1 − t lacks.
"""

from __future__ import annotations

from xent import _math as m
from xent._kernel import Kernel, add, itself
from xent._typing import Array, Namespace

Pair = tuple[Array, ...]

# --- from logits: t log(1 + e⁻ᶻ) + (1 − t) log(1 + eᶻ) ---


def _measure_logits(xp: Namespace, logits: Array, target: Pair, axis: None) -> Array:
    """Return (t + 1 − t) log1p(e^−|z|) + t max(−z, 0) + (1 − t) max(z, 0).

    Not by a ``where``, which takes ten times an exponential where the signs are mixed.
    """
    positive, negative, *_ = target
    cost = (positive + negative) * xp.log1p(xp.decay(logits))
    cost = cost + m.scaled(xp, positive, xp.relu(-logits))
    return cost + m.scaled(xp, negative, xp.relu(logits))


def _gradient_logits(
    xp: Namespace, logits: Array, target: Pair, s: Array, w: Array, axis: None
) -> Array:
    """Return (1 − t) σ(z) − t σ(−z), both σ over one denominator and neither from the other.

    Of t just below ½ beside z ≈ 0, what the rounded 1 − t lacks may be most of it. Of a t that is
    σ(z) but for its rounding no digit is left: that would take an exponential of twice the digits.
    """
    positive, negative, *soft = target
    e_up, e_down = xp.decays(logits)
    inner = negative * e_down - positive * e_up
    for t in soft:
        inner = inner + ((1 - negative) - t) * e_down
    return w * (inner / (e_up + e_down))


def _target_gradient_logits(
    xp: Namespace, logits: Array, target: Pair, s: Array, w: Array, axis: None
) -> Pair:
    return _of_parts(xp, target, w, m.softplus(xp, -logits), m.softplus(xp, logits))


def _of_parts(xp: Namespace, target: Pair, w: Array, cost: Array, anti: Array) -> Pair:
    """Return the gradients of (t, 1 − t); the loss has no other part."""
    none = (xp.zeros_like(t) for t in target[2:])
    return m.scaled(xp, w, cost), m.scaled(xp, w, anti), *none


FROM_LOGITS = Kernel(
    _measure_logits, add, itself, _gradient_logits, _target_gradient_logits, shape="element"
)

# --- from probabilities: −t log p − (1 − t) log(1 − p) ---


def _measure_probs(xp: Namespace, probs: Array, target: Pair, axis: None) -> Array:
    positive, negative, *_ = target
    cost = m.scaled(xp, positive, 0 - xp.log(probs))
    return cost + m.scaled(xp, negative, 0 - m.log1m(xp, probs))


def _gradient_probs(
    xp: Namespace, probs: Array, target: Pair, s: Array, w: Array, axis: None
) -> Array:
    """Return (1 − t) / (1 − p) − t / p, over one denominator where both terms are there.

    The difference p − t is then exact where the terms cancel.
    """
    positive, negative, *_ = target
    hard = (positive == 0) | (negative == 0)
    one, nothing = xp.ones_like(probs), xp.zeros_like(probs)
    alone = m.quotient(xp, negative, 1 - probs) - m.quotient(xp, positive, probs)
    inner = xp.where(hard, nothing, (positive + negative) * probs - positive)
    both = xp.divide(inner, xp.where(hard, one, probs * (1 - probs)))
    return m.scaled(xp, w, xp.where(hard, alone, both))


def _target_gradient_probs(
    xp: Namespace, probs: Array, target: Pair, s: Array, w: Array, axis: None
) -> Pair:
    return _of_parts(xp, target, w, 0 - xp.log(probs), 0 - m.log1m(xp, probs))


FROM_PROBS = Kernel(
    _measure_probs, add, itself, _gradient_probs, _target_gradient_probs, shape="element"
)
KERNELS = {"logits": FROM_LOGITS, "probs": FROM_PROBS}
