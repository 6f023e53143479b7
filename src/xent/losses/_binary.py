"""Cross entropy of two classes, elementwise.

The target is the pair (t, 1 − t) of what each class weighs, smoothing and ``pos_weight`` in it.
"""

from __future__ import annotations

from xent import _math as m
from xent._kernel import Kernel, add, itself
from xent._typing import Array, Namespace

Pair = tuple[Array, Array]

# --- from logits: t log(1 + e⁻ᶻ) + (1 − t) log(1 + eᶻ) ---


def _measure_logits(xp: Namespace, logits: Array, target: Pair, axis: None) -> Array:
    """Return (t + 1 − t) log1p(e^−|z|) + w|z|, w what the class weighs that z speaks against."""
    positive, negative = target
    size = m.magnitude(xp, logits)
    against = xp.where(logits < 0, positive, negative)
    return (positive + negative) * xp.log1p(xp.exp(-size)) + m.scaled(xp, against, size)


def _gradient_logits(
    xp: Namespace, logits: Array, target: Pair, s: Array, w: Array, axis: None
) -> Array:
    """Return (1 − t) σ(z) − t σ(−z) as σ(z) − t, or as (1 − t) − σ(−z) where t > ½.

    What σ is compared with is then given and exact: a hard target leaves σ alone, and a soft one
    that is nearly σ(z) loses no more than σ is off.
    """
    positive, negative = target
    large = positive > negative
    part = (positive + negative) * m.sigmoid(xp, xp.where(large, -logits, logits))
    return w * xp.where(large, negative - part, part - positive)


def _target_gradient_logits(
    xp: Namespace, logits: Array, target: Pair, s: Array, w: Array, axis: None
) -> Pair:
    cost, anti = m.softplus(xp, -logits), m.softplus(xp, logits)
    return m.scaled(xp, w, cost), m.scaled(xp, w, anti)


FROM_LOGITS = Kernel(
    _measure_logits, add, itself, _gradient_logits, _target_gradient_logits, shape="element"
)

# --- from probabilities: −t log p − (1 − t) log(1 − p) ---


def _measure_probs(xp: Namespace, probs: Array, target: Pair, axis: None) -> Array:
    positive, negative = target
    cost = m.scaled(xp, positive, 0 - xp.log(probs))
    return cost + m.scaled(xp, negative, 0 - m.log1m(xp, probs))


def _gradient_probs(
    xp: Namespace, probs: Array, target: Pair, s: Array, w: Array, axis: None
) -> Array:
    """Return (1 − t) / (1 − p) − t / p, over one denominator where both terms are there.

    The difference p − t is then exact where the terms cancel.
    """
    positive, negative = target
    hard = (positive == 0) | (negative == 0)
    one, nothing = xp.ones_like(probs), xp.zeros_like(probs)
    alone = m.quotient(xp, negative, 1 - probs) - m.quotient(xp, positive, probs)
    inner = xp.where(hard, nothing, (positive + negative) * probs - positive)
    both = xp.divide(inner, xp.where(hard, one, probs * (1 - probs)))
    return m.scaled(xp, w, xp.where(hard, alone, both))


def _target_gradient_probs(
    xp: Namespace, probs: Array, target: Pair, s: Array, w: Array, axis: None
) -> Pair:
    return m.scaled(xp, w, 0 - xp.log(probs)), m.scaled(xp, w, 0 - m.log1m(xp, probs))


FROM_PROBS = Kernel(
    _measure_probs, add, itself, _gradient_probs, _target_gradient_probs, shape="element"
)
KERNELS = {"logits": FROM_LOGITS, "probs": FROM_PROBS}
