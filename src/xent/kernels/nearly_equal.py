"""The divergence of two rows of logits of which hardly anything is left as a difference of logarithms."""

from __future__ import annotations

from xent import _series as series
from xent._typing import Array, Verbs

_MOST = 64.0
"""More than the logarithm of any number of classes, and less than that of the largest number."""

_LARGE = 2.0**100
"""More than any |η| of rows that are near, and a sum of as many as there are is a number."""


def divergence(
    xp: Verbs, eta: Array, below: tuple[Array, Array], lift: Array, total: Array, axis: int
) -> Array:
    """Return log1p(Σ p (expm1 η − η)), where p is exp d_p / ``total``, and p exp η is exp (d_q + ``lift``).

    Up to |η| = 1 by a series; beyond as p exp η − p (1 + η), of which no more than three bits cancel. It is a
    number of rows that are not near, of which nobody looks at more.
    """
    d_p, d_q = below
    e = xp.exp(d_p)
    eta = xp.anew(eta, total)  # without a row beside it a compiler makes a loop of η alone
    eta = eta if xp.finite else xp.clip(eta, -_LARGE, _LARGE)
    terms = e * series.expm1_long_tail(xp, xp.clip(eta, -1.0, 1.0))
    wide = xp.abs(eta) > 1
    if xp.anywhere(lambda: wide):
        of_q = xp.exp(d_q) * xp.exp(xp.clip(lift, None, _MOST))
        terms = xp.where(wide, of_q - e * (1 + eta), terms)
    return xp.log1p(xp.sum(terms, axis=axis, keepdims=True) / total)


def finite(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 0 where it is infinite."""
    return xp.where(xp.isinf(x), xp.zeros_like(x), x)
