"""The divergence of two rows of logits of which hardly anything is left as a difference of logarithms."""

from __future__ import annotations

from xent import _math as m
from xent import _series as series
from xent._typing import Array, Verbs

Two = tuple[Array, Array]

_MOST = 64.0
"""More than the logarithm of any number of classes, and less than that of the largest number."""


def based(
    xp: Verbs, p: m.Normaliser, q: m.Normaliser, delta: Two, fallen: Array
) -> tuple[Two, Array, Array]:
    """Return where δ counts from, δ at p's peak from there, and log(p exp η) above d_q but for the mean.

    Where p's peak is most of p, from δ at it, which is given in two parts: the mean is little more. Elsewhere
    from what δ is where p is q, the difference of both log Σ exp, which is the divergence above the mean: of
    a q that falls at p's peak alone δ of all other classes would lose digits to how far it falls.
    """
    at, lack = delta
    peaks = finite(xp, q.peak), finite(xp, p.peak)
    top, most = peaks[0] - peaks[1], (p.rest <= 1) | (p.peak == -xp.inf)
    base = xp.where(most, at, top + (xp.log1p(q.rest) - xp.log1p(p.rest)))
    nothing = xp.zeros_like(at)
    own = xp.where(most, nothing, (at - base) + lack)
    lift = (top - base) + m.lost_below(xp, *peaks, top)
    lift = xp.where(most, -finite(xp, fallen), lift)
    return (base, xp.where(most, lack, nothing)), own, lift


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
    whole = xp.sum(terms, axis=axis, keepdims=True)
    return xp.log1p(finite(xp, whole) / total)  # infinite of rows far apart, where it is not taken


def finite(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 0 where it is infinite: else what is made of it and not taken has a derivative 0 ∞."""
    return x if xp.finite else xp.where(xp.isinf(x), xp.zeros_like(x), x)
