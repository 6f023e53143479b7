"""The divergence of two rows of logits of which hardly anything is left as a difference of logarithms."""

from __future__ import annotations

from xent import _math as m
from xent import _series as series
from xent._typing import Array, Verbs


def divergence(xp: Verbs, eta: Array, size: Array, mean: Array, axis: int) -> Array:
    """Return log1p(Σ p (expm1 η − η)); ``size`` is log p + ``mean``, and η more where that is above 0."""
    scale = finite(xp, xp.max(size, axis=axis, keepdims=True))
    spread = xp.sum(xp.exp(size - scale) * _excess(xp, eta), axis=axis, keepdims=True)
    r = m.root(xp, scale - mean)
    return xp.log1p((spread * r) * r)


def _excess(xp: Verbs, eta: Array) -> Array:
    """Return (expm1 η − η) / exp max(η, 0), at most |η|: by its series where it would cancel."""
    near, far = xp.abs(eta) < series.NEAR, eta > 1
    nothing = xp.zeros_like(eta)
    small, above = xp.where(near, eta, nothing), xp.where(far, eta, nothing)
    middle = xp.where(near | far, nothing, eta)
    plain = xp.where(near, series.expm1_tail(xp, small), xp.expm1(middle) - middle)
    plain = plain * xp.exp(-xp.where(middle + small > 0, middle + small, nothing))
    root = m.root(xp, -above)
    fallen = above * root
    fallen = fallen if xp.finite else xp.where(xp.isinf(above), nothing, fallen)
    beyond = 1 - root * root - fallen * root
    return xp.where(far, beyond, plain)


def finite(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 0 where it is infinite."""
    return xp.where(xp.isinf(x), xp.zeros_like(x), x)
