"""Jensen–Shannon divergence ½ D(p‖m) + ½ D(q‖m) of two distributions, m = ½(p + q)."""

from __future__ import annotations

from xent import _math as m
from xent._kernel import Kernel, add, itself
from xent._typing import Array, Namespace


def _measure(xp: Namespace, q: Array, p: Array, axis: int) -> Array:
    """Return Σ (p + q)/4 · ((1 + r) log(1 + r) + (1 − r) log(1 − r)), r = (p − q)/(p + q)."""
    r = m.contrast(xp, p, q)
    near = m.magnitude(xp, r) < m.NEAR
    close = (p + q) * m.even_tail(xp, xp.where(near, r, xp.zeros_like(r))) / 4
    far = (m.scaled(xp, p, _log_half(xp, p, q)) + m.scaled(xp, q, _log_half(xp, q, p))) / 2
    return xp.sum(xp.where(near, close, far), axis=axis, keepdims=True)


def _log_half(xp: Namespace, p: Array, q: Array) -> Array:
    """Return log(p / ½(p + q)), 0 where both are 0."""
    r = m.contrast(xp, p, q)
    near = m.magnitude(xp, r) < m.NEAR
    small = xp.where(near, r, xp.zeros_like(r))
    one, nothing = xp.ones_like(r), p == 0
    both = xp.where(p + q == 0, one, p + q)
    far = xp.log(xp.where(near | nothing, one, 2 * (p / both)))
    # Of p = 0 the quotient's derivative would be 0 · ∞.
    alone = nothing & (q != 0)
    limit = xp.log(xp.where(alone, p, one)) - xp.log(xp.where(alone, both / 2, one))
    return xp.where(near, xp.log1p(small), xp.where(nothing, limit, far))


def _gradient(xp: Namespace, q: Array, p: Array, s: Array, w: Array, axis: int) -> Array:
    """Return ½ log(q / ½(p + q)), and its limit ½ log 2 where p is 0."""
    alone = xp.where(p == 0, xp.ones_like(q), q)
    return m.scaled(xp, w, _log_half(xp, alone, p) / 2)


def _target_gradient(xp: Namespace, q: Array, p: Array, s: Array, w: Array, axis: int) -> Array:
    return _gradient(xp, p, q, s, w, axis)


KERNEL = Kernel(_measure, add, itself, _gradient, _target_gradient)
