"""Power series for two numbers that are nearly equal, in place of logarithms that would cancel.

Of two probabilities p and q they are series in r = (p − q) / (p + q).
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

from xent import _dtype
from xent import _math as m
from xent._typing import Array, Verbs

NEAR = 0.25
"""|r| below which the series replace the logarithms."""


def contrast(xp: Verbs, p: Array, q: Array) -> Array:
    """Return r = (p − q) / (p + q), 0 where both are 0."""
    both = p + q
    return (p - q) / xp.where(both == 0, xp.ones_like(both), both)


def log_ratio(xp: Verbs, p: Array, q: Array) -> Array:
    """Return log(p / q), to its last digits also where p is nearly q; 0 where both are 0."""
    r = contrast(xp, p, q)
    near = m.magnitude(xp, r) < NEAR
    ratio = xp.where(near, xp.ones_like(p), p) / xp.where(near, xp.ones_like(q), q)
    plain = (ratio > 0) & (ratio < xp.inf)
    one = xp.ones_like(ratio)
    beyond = xp.log(xp.where(plain, one, p)) - xp.log(xp.where(plain, one, q))
    apart = xp.where(plain, xp.log(xp.where(plain, ratio, one)), beyond)
    r = xp.where(near, r, xp.zeros_like(r))
    return xp.where(near, 2 * r * (1 + odd_tail(xp, r)), apart)


def _terms(c: Callable[[int], float], most: float) -> dict[float, list[float]]:
    """Return c₁, c₂, … for each ``eps``, as many as Σₖ cₖ xᵏ has within half an ULP, |x| ≤ ``most``."""
    table = {}
    for eps in _dtype.EPS.values():
        n = 1
        while c(n + 1) * most**n / (1 - most) > c(1) * eps / 4:
            n += 1
        table[eps] = [c(k) for k in range(1, n + 1)]
    return table


_ODD = _terms(lambda k: 1 / (2 * k + 1), NEAR**2)
_EVEN = _terms(lambda k: 1 / (k * (2 * k - 1)), NEAR**2)
_EXPM1 = _terms(lambda k: 1 / factorial(k + 1), NEAR)


def odd_tail(xp: Verbs, r: Array) -> Array:
    """Return artanh(r)/r − 1 = r²/3 + r⁴/5 + …, for |r| < ¼."""
    return _series(r * r, _ODD)


def even_tail(xp: Verbs, r: Array) -> Array:
    """Return ((1 + r) log(1 + r) + (1 − r) log(1 − r)) = Σₖ r²ᵏ / (k(2k − 1)), for |r| < ¼."""
    return _series(r * r, _EVEN)


def expm1_tail(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) − x = x²/2! + x³/3! + …, for |x| < ¼."""
    return x * _series(x, _EXPM1)


def expm1_ratio(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) / x for any finite x, 1 where it is 0, and smooth there."""
    near = m.magnitude(xp, x) < NEAR
    inner, outer = xp.where(near, x, 0.0), xp.where(near, 1.0, x)
    return xp.where(near, 1 + _series(inner, _EXPM1), xp.divide(xp.expm1(outer), outer))


def _series(x: Array, terms: dict[float, list[float]]) -> Array:
    """Return Σₖ cₖ xᵏ for k = 1, 2, …, by Horner's rule from the smallest term."""
    coefficients = terms[_dtype.eps(x)]
    total = x * 0 + coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total * x
