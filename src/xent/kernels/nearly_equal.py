"""The divergence of two rows of logits of which hardly anything is left as a difference of logarithms."""

from __future__ import annotations

from xent import _math as m
from xent import _series as series
from xent._typing import Array, Verbs


def divergence(xp: Verbs, eta: Array, size: Array, total: Array, axis: int) -> Array:
    """Return log1p(Σ p (expm1 η − η)); ``size`` is log(p ``total``), and η more where that is above 0."""
    scale = finite(xp, xp.max(size, axis=axis, keepdims=True))
    scale = xp.where(
        scale < 1, xp.zeros_like(scale), scale
    )  # a small one would only round each size
    spread = xp.sum(xp.exp(size - scale) * _excess(xp, eta), axis=axis, keepdims=True)
    r = m.root(xp, scale)
    return xp.log1p((spread * r) * r / total)


def _excess(xp: Verbs, eta: Array) -> Array:
    """Return (expm1 η − η) / exp max(η, 0), at most |η|.

    With a = |η|, d = a + expm1 −a by its series where that would cancel, and u = a − d it is d below 0 and
    a u − d above; from 1 on 1 − e^−a − a e^−a, of which then no term is larger than it.
    """
    a, above = xp.abs(eta), xp.clip(eta, 0.0, None)
    near, far = a < series.NEAR, eta > 1
    few = xp.clip(a, None, series.NEAR)
    d = series.chosen(xp, near, lambda: series.expm1_tail(xp, -few), lambda: a + xp.expm1(-a))
    u = above - (d if xp.finite else xp.clip(d, None, 1.0))
    made = xp.abs(above * u - d)
    if not xp.anywhere(lambda: far):
        return made
    root = m.root(xp, -above)
    fallen = above * root
    fallen = fallen if xp.finite else xp.where(above == xp.inf, xp.zeros_like(a), fallen)
    return xp.where(far, 1 - root * root - fallen * root, made)


def finite(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 0 where it is infinite."""
    return xp.where(xp.isinf(x), xp.zeros_like(x), x)
