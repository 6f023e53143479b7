"""The divergence of two rows of logits of which hardly anything is left as a difference of logarithms."""

from __future__ import annotations

from xent import _series as series
from xent._typing import Array, Verbs

_MOST = 64.0
"""More than the logarithm of any number of classes, and less than that of the largest number."""


def divergence(xp: Verbs, eta: Array, size: Array, total: Array, axis: int) -> Array:
    """Return log1p(Σ p (expm1 η − η)); ``size`` is log(p ``total``), and η more where that is above 0.

    It is above `_MOST` only of rows that are not near, of which nobody looks at more than that it is finite.
    """
    spread = xp.sum(
        xp.exp(xp.clip(size, None, _MOST)) * _excess(xp, eta, total), axis=axis, keepdims=True
    )
    return xp.log1p(spread / total)


def _excess(xp: Verbs, eta: Array, total: Array) -> Array:
    """Return (expm1 η − η) / exp max(η, 0), at most |η|.

    With a = |η| and f = exp −a, d = f − 1 + a by its series where that would cancel. It is d below 0, and
    a (a − d) − d above, which from 1 on is 1 − f − a f, of which then no term is larger than it.
    """
    above = xp.clip(eta, 0.0, None)
    a = xp.abs(xp.anew(eta, total))  # without a row beside it a compiler makes a loop of η alone
    near, far = a < series.HALF, eta > 1
    few = xp.clip(a, None, series.HALF)
    d = series.chosen(xp, near, lambda: series.expm1_tail(xp, -few), lambda: a + xp.expm1(-a))
    u = above - (d if xp.finite else xp.clip(d, None, 1.0))
    made = xp.abs(above * u - d)
    if not xp.anywhere(lambda: far):
        return made
    f = xp.exp(-a)
    fallen = above * f
    fallen = fallen if xp.finite else xp.where(above == xp.inf, xp.zeros_like(a), fallen)
    return xp.where(far, (1 - f) - fallen, made)


def finite(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 0 where it is infinite."""
    return xp.where(xp.isinf(x), xp.zeros_like(x), x)
