"""Two rows of logits, and their difference δ = z_q − z_p, counted from a base near which most of it is."""

from __future__ import annotations

from typing import Any, NamedTuple

from xent import _math as m
from xent._typing import Array, Verbs

Two = tuple[Array, ...]
"""A number of p and of q; or one number in two parts, rounded, and what it lacks."""

_AWAY = 2.0
"""How far the mean of δ is from δ at p's peak before that costs digits: about as many ULP."""


class Base(NamedTuple):
    """Where δ counts from.

    Attributes
    ----------
    at : the base, in two parts
    own : δ at p's peak, from there
    rise : how far log(exp d_p exp δ) is above d_q, where δ counts from there
    """

    at: Two
    own: Array
    rise: Array


class Rows(NamedTuple):
    """Both rows of logits, and what they are below their peaks."""

    both: Two
    below: Two


def below(xp: Verbs, both: Two, peaks: Two) -> Rows:
    """Return rows and what they are below their peaks."""
    return Rows(both, tuple(map(xp.shifted, both, peaks)))


def anew(xp: Verbs, rows: Rows, peaks: Two, row: Array) -> Rows:
    """Return the rows, or equal ones, of which a compiler does not store what two of its loops make."""
    made = tuple(xp.anew(x, row) for x in rows.both)
    return rows if made[0] is rows.both[0] else below(xp, made, peaks)


def base_of(
    xp: Verbs, p: m.Normaliser, q: m.Normaliser, peak: Two, fallen: Array, lean: Array
) -> Base:
    """Return a base near the mean of δ, from which δ of most classes is a small difference.

    That is δ at p's ``peak``, which is given in two parts, or the difference of both log Σ exp: of δ where p
    is q, and by the divergence above the mean. The one that is nearer to the mean, which ``lean``, the mean
    of d_p − d_q, knows nearly. Given is too how far q has ``fallen`` from its own peak at p's.
    """
    peaks = finite_or_zero(xp, q.peak), finite_or_zero(xp, p.peak)
    top = peaks[0] - peaks[1]
    base = top + (xp.log1p(q.rest) - xp.log1p(p.rest))
    own, nothing = (peak[0] - base) + peak[1], xp.zeros_like(base)
    mean = (top - peak[0]) - lean
    away = (xp.abs(mean) > _AWAY) & (xp.abs(mean + own) < xp.abs(mean)) & (p.peak > -xp.inf)
    rise = (top - base) + m.lost_below(xp, *peaks, top)
    return Base(
        (xp.where(away, base, peak[0]), xp.where(away, nothing, peak[1])),
        xp.where(away, own, nothing),
        xp.where(away, rise, -finite_or_zero(xp, fallen)),
    )


def from_base(xp: Verbs, rows: Rows, peaks: Two, base: Base, place: Any, axis: int) -> Array:
    """Return δ from a base, 0 where p is 0; p's peak has a place."""
    delta, lack = differences(xp, rows, peaks)
    x = present(xp, rows.below[0], (delta - base.at[0]) + (lack - base.at[1]), 0.0)
    return xp.put(x, place, base.own, axis)  # where logits that are made anew leave an ULP


def differences(xp: Verbs, rows: Rows, peaks: Two) -> Two:
    """Return δ and what it lacks as a rounded difference; δ is 0 where p is exactly 0."""
    t, z = rows.both
    # Beside an infinite peak δ is that of a logit of 0, whatever the peak is in other blocks.
    if not xp.finite:
        each = zip(rows.both, peaks, rows.below, strict=True)
        t, z = (xp.where(xp.isinf(peak), d, x) for x, peak, d in each)
    delta = z - t
    return present(xp, rows.below[0], delta, 0.0), m.lost_below(xp, z, t, delta)


def present(xp: Verbs, d_p: Array, x: Array, absent: float) -> Array:
    """Return ``x``, and a number for classes that p excludes."""
    return x if xp.finite else xp.where(d_p == -xp.inf, xp.full_like(x, absent), x)


def finite_or_zero(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 0 where it is infinite: else what is made of it and not taken has a derivative 0 ∞.

    Where all logits are known to be finite nothing is looked for.
    """
    return x if xp.finite else xp.where(xp.isinf(x), xp.zeros_like(x), x)
