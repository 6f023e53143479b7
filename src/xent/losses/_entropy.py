"""Entropy −Σₖ pₖ log pₖ, from probabilities, log-probabilities and logits."""

from __future__ import annotations

from math import e, exp
from typing import NamedTuple

from xent import _math as m
from xent._kernel import Kernel, add, itself
from xent._typing import Array, Namespace

_LOW = 64.0
"""Minus the log-probability below which p is made exp(_LOW) times larger, and p log p smaller:
p itself is subnormal where p log p is not.
"""

_PEAK = tuple(
    map(float.fromhex, ("0x1.78b564p-2", "-0x1.3a6219072a291p-27", "0x1.8f0520a9f21bbp-81"))
)
"""1 / e, where the gradient is 0, in three parts, the first of which any dtype holds."""

_CLOSE = 2.0**-4
"""How far from there the cancelling difference is not taken."""

# --- from probabilities ---


def _measure_probs(xp: Namespace, probs: Array, target: None, axis: int) -> Array:
    return xp.sum(m.scaled(xp, probs, 0 - xp.log(probs)), axis=axis, keepdims=True)


def _gradient_probs(
    xp: Namespace, probs: Array, target: None, s: Array, w: Array, axis: int
) -> Array:
    """Return −log p − 1, and −log1p(e p − 1) where the two terms cancel."""
    first, second, third = _PEAK
    near = xp.abs(probs - first) < _CLOSE
    p = xp.where(near, probs, xp.full_like(probs, first))
    # Each of them by itself: a compiler would add two constants up.
    above = xp.settled(xp.settled(p - first) - second) - third
    close = -xp.log1p(e * above)
    return m.scaled(xp, w, xp.where(near, close, -xp.log(probs) - 1))


FROM_PROBS = Kernel(_measure_probs, add, itself, _gradient_probs)

# --- from log-probabilities ---


def _measure_log_probs(xp: Namespace, log_probs: Array, target: None, axis: int) -> Array:
    # Not the product of two roots: that would cost the third of the three ULP that there are.
    low = log_probs < -_LOW
    p = xp.exp(log_probs + xp.where(low, xp.full_like(log_probs, _LOW), xp.zeros_like(log_probs)))
    back = xp.where(low, xp.full_like(p, exp(-_LOW)), xp.ones_like(p))
    return xp.sum(m.scaled(xp, p, 0 - log_probs) * back, axis=axis, keepdims=True)


def _gradient_log_probs(
    xp: Namespace, log_probs: Array, target: None, s: Array, w: Array, axis: int
) -> Array:
    """Return −p (log p + 1)."""
    r = m.root(xp, log_probs)
    return w * (m.scaled(xp, r, -log_probs - 1) * r)


FROM_LOG_PROBS = Kernel(_measure_log_probs, add, itself, _gradient_log_probs)

# --- from logits: log1p(s) − Σ eₖ dₖ / (1 + s) ---


class Spread(NamedTuple):
    """A row's normaliser and −Σ eₖ dₖ."""

    softmax: m.Normaliser
    spread: Array


def _measure_logits(xp: Namespace, logits: Array, target: None, axis: int) -> Spread:
    softmax, d = m.normaliser(xp, logits, axis)
    r = m.root(xp, d)
    return Spread(softmax, xp.sum(m.scaled(xp, r, -d) * r, axis=axis, keepdims=True))


def _merge_logits(xp: Namespace, a: Spread, b: Spread) -> Spread:
    softmax = m.merge_normalisers(xp, a.softmax, b.softmax)
    parts = []
    for x in (a, b):
        down = xp.shifted(x.softmax.peak, softmax.peak)
        r = m.root(xp, down)
        parts.append((r * x.spread + m.scaled(xp, r * (1 + x.softmax.rest), -down)) * r)
    return Spread(softmax, parts[0] + parts[1])


def _value_logits(xp: Namespace, s: Spread) -> Array:
    rest = m.limited(xp, s.softmax)
    return xp.log1p(rest) + s.spread / (1 + rest)


def _gradient_logits(
    xp: Namespace, logits: Array, target: None, s: Spread, w: Array, axis: int
) -> Array:
    """Return −a (log a + H) = −a (d + −Σ e d / (1 + s)), the logarithm of 1 + s cancelled."""
    d = xp.shifted(logits, s.softmax.peak)
    total = 1 + m.limited(xp, s.softmax)
    r = m.root(xp, d)
    return w * (m.scaled(xp, r, -(d + s.spread / total)) * (r / total))


FROM_LOGITS = Kernel(_measure_logits, _merge_logits, _value_logits, _gradient_logits)
KERNELS = {"logits": FROM_LOGITS, "probs": FROM_PROBS, "log_probs": FROM_LOG_PROBS}
