"""Power series for two numbers that are nearly equal, in place of logarithms that would cancel.

Of two probabilities p and q they are series in r = (p − q) / (p + q).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import factorial

from xent import _dtype
from xent import _math as m
from xent._typing import Array, Verbs

NEAR = 0.25
"""|r| below which the series replace the logarithms."""

HALF = 0.5
"""|x| below which a series replaces expm1(x) − x."""


def chosen(
    xp: Verbs, condition: Array, here: Callable[[], Array], elsewhere: Callable[[], Array]
) -> Array:
    """Return ``here()`` where it holds, else ``elsewhere()``; what no entry is seen to need is not made."""
    if not xp.anywhere(lambda: condition):
        return elsewhere()
    if not xp.anywhere(lambda: ~condition):
        return here()
    return xp.where(condition, here(), elsewhere())


def contrast(xp: Verbs, p: Array, q: Array, difference: Array | None = None) -> Array:
    """Return r = (p − q) / (p + q), 0 where both are 0; of a difference that is known better."""
    both = p + q
    difference = p - q if difference is None else difference
    return xp.once(difference / xp.where(both == 0, xp.ones_like(both), both))


def log_ratio(xp: Verbs, p: Array, q: Array, difference: Array | None = None) -> Array:
    """Return log(p / q), to its last digits also where p is nearly q; 0 where both are 0."""
    p, q = xp.once(p), xp.once(q)
    r = contrast(xp, p, q, difference)
    near = xp.abs(r) < NEAR

    def close() -> Array:
        x = xp.where(near, r, xp.zeros_like(r))
        return 2 * x * (1 + odd_tail(xp, x))

    return chosen(xp, near, close, partial(apart, xp, p, q, near))


def apart(xp: Verbs, p: Array, q: Array, near: Array) -> Array:
    """Return log(p / q), 0 where they are ``near``."""
    one = xp.ones_like(p)
    p, q = xp.where(near, one, p), xp.where(near, one, q)
    ratio = xp.once(p / q)
    plain = (ratio >= float(xp.finfo(ratio.dtype).smallest_normal)) & (ratio < xp.inf)
    if not xp.anywhere(lambda: ~plain):
        return xp.log(ratio)
    return xp.log(xp.where(plain, ratio, p)) - xp.log(xp.where(plain, one, q))


def nearly(xp: Verbs, p: Array, difference: Array, r: Array, near: Array) -> Array:
    """Return p log(p / q) − (p − q) where p is ``near`` q, 0 elsewhere, r their contrast."""
    r = xp.where(near, r, xp.zeros_like(r))
    return difference * r + 2 * p * r * odd_tail(xp, r)


def excess(xp: Verbs, p: Array, q: Array, difference: Array) -> Array:
    """Return p log(p / q) − (p − q) ≥ 0, to its last digits also where p is nearly q."""
    p, q = xp.once(p), xp.once(q)
    r = contrast(xp, p, q, difference)
    near = xp.abs(r) < NEAR

    def far() -> Array:
        return m.scaled(xp, p, apart(xp, p, q, near)) - difference

    return chosen(xp, near, partial(nearly, xp, p, difference, r, near), far)


def _terms(c: Callable[[int], float], most: float) -> dict[float, list[float]]:
    """Return c₁, c₂, … for each ``eps``, as many as Σₖ cₖ xᵏ has within half an ULP, |x| ≤ ``most``."""
    table = {}
    for eps in _dtype.EPS.values():
        n = 1
        while 2 * c(n + 1) * most**n > c(1) * eps / 4:
            n += 1
        table[eps] = [c(k) for k in range(1, n + 1)]
    return table


_ODD = _terms(lambda k: 1 / (2 * k + 1), NEAR**2)
_EXPM1 = _terms(lambda k: 1 / factorial(k + 1), NEAR)
_EXPM1_HALF = _terms(lambda k: 1 / factorial(k + 1), HALF)
_EXPM1_ONE = _terms(lambda k: 1 / factorial(k + 1), 1)


def odd_tail(xp: Verbs, r: Array) -> Array:
    """Return artanh(r)/r − 1 = r²/3 + r⁴/5 + …, for |r| < ¼."""
    return _series(xp, r * r, _ODD)


def expm1_tail(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) − x = x²/2! + x³/3! + …, for |x| < ½."""
    return xp.times(_series(xp, x, _EXPM1_HALF), x)


def expm1_long_tail(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) − x = x²/2! + x³/3! + …, for |x| ≤ 1."""
    return xp.times(_series(xp, x, _EXPM1_ONE), x)


def expm1(xp: Verbs, x: Array) -> Array:
    """Return exp(x) − 1 to 5 ULP of normal numbers, by exp alone beyond its series."""
    near = xp.abs(x) < HALF
    small, large = xp.where(near, x, xp.zeros_like(x)), xp.where(near, xp.ones_like(x), x)
    return xp.where(near, small + expm1_tail(xp, small), xp.exp(large) - 1)


def expm1_rise(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) − x ≥ 0 of any x, infinite where that is."""
    x = xp.once(x)
    near, nothing = xp.abs(x) < NEAR, xp.zeros_like(x)
    small, large = xp.where(near, x, nothing), xp.where(near, nothing, x)
    return xp.where(near, expm1_tail(xp, small), xp.expm1(large) - large)


def expm1_ratio(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) / x for any finite x, 1 where it is 0, and smooth there."""
    x = xp.once(x)
    near = xp.abs(x) < NEAR
    inner, outer = xp.where(near, x, 0.0), xp.where(near, 1.0, x)
    return xp.where(near, xp.plus(_series(xp, inner, _EXPM1), 1), xp.divide(xp.expm1(outer), outer))


def expm1_excess(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) / x − 1 = x/2! + x²/3! + …, of the sign of x and 0 where x is."""
    x = xp.once(x)
    near = xp.abs(x) < NEAR
    plain = xp.where(near, xp.ones_like(x), x)
    series = _series(xp, xp.where(near, x, xp.zeros_like(x)), _EXPM1)
    return xp.where(near, series, (xp.expm1(plain) - plain) / plain)


def log1p_ratio(xp: Verbs, x: Array) -> Array:
    """Return log(1 + x) / x for any x > −1, 1 where it is 0, and smooth there."""
    near = xp.abs(x) < _dtype.eps(x) ** 0.25
    inner, outer = xp.where(near, x, 0.0), xp.where(near, 1.0, x)
    close = 1 + inner * (-1 / 2 + inner * (1 / 3 + inner * (-1 / 4 + inner / 5)))
    return xp.where(near, close, xp.log1p(outer) / outer)


def _series(xp: Verbs, x: Array, terms: dict[float, list[float]]) -> Array:
    """Return Σₖ cₖ xᵏ for k = 1, 2, …, by Horner's rule from the smallest term."""
    last, *others = reversed(terms[_dtype.eps(x)])
    total = x * last
    for c in others:
        total = xp.times(xp.plus(total, c), x)
    return total
