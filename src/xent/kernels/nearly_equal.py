"""The divergence of two rows of logits of which hardly anything is left as a difference of logarithms."""

from __future__ import annotations

from xent import _series as series
from xent._typing import Array, Verbs
from xent.kernels.two_rows import Two

_MOST = 64.0
"""More than the logarithm of any number of classes, and less than that of the largest number."""


def divergence(xp: Verbs, eta: Array, below: Two, lift: Array, total: Array, axis: int) -> Array:
    """Return log1p(Σ p (expm1 η − η)), where p is exp d_p / ``total``, and p exp η is exp (d_q + ``lift``).

    Up to |η| = 1 by a series, and beyond as p (f + |η| − 1) or p exp η (1 − f − f η) with f = exp −|η|: of
    both p and p exp η, which are rounded each by itself, a term has but the larger one.
    """
    d_p, d_q = below
    e = xp.exp(d_p)
    eta = xp.anew(eta, total)  # without a row beside it a compiler makes a loop of η alone
    if not xp.finite:
        most = float(xp.finfo(eta.dtype).max)
        eta = xp.clip(eta, -most, most)
    terms = e * series.expm1_long_tail(xp, xp.clip(eta, -1.0, 1.0))
    a = xp.abs(eta)
    wide = a > 1
    if xp.anywhere(lambda: wide):
        f = xp.exp(-xp.anew(a, total))
        rise = xp.exp(xp.clip(d_q + lift, None, _MOST)) * ((1 - f) - a * f)
        terms = xp.where(wide, xp.where(eta > 0, rise, e * (a - (1 - f))), terms)
    if not xp.finite:  # a term is beyond all sums in rows far apart, whose divergence is another
        terms = xp.clip(terms, None, float(xp.finfo(eta.dtype).max) * 2.0**-40)
    return xp.log1p(xp.sum(terms, axis=axis, keepdims=True) / total)
