"""Power series for two numbers that are nearly equal, in place of logarithms that would cancel.

Of two probabilities p and q they are series in r = (p − q) / (p + q).
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import NamedTuple

from xent import _dtype
from xent import _math as m
from xent._typing import Array, Verbs

NEAR = 0.25
"""|r| below which the series replace the logarithms."""

SMALL = 0.5
"""|log xᵇ| below which xᵇ − 1 would cancel, and |b| below which (a xᵇ − 1) / b would."""


def contrast(xp: Verbs, p: Array, q: Array, difference: Array | None = None) -> Array:
    """Return r = (p − q) / (p + q), 0 where both are 0; of a difference that is known better."""
    both = p + q
    difference = p - q if difference is None else difference
    return xp.once(difference / xp.where(both == 0, xp.ones_like(both), both))


def log_ratio(xp: Verbs, p: Array, q: Array, difference: Array | None = None) -> Array:
    """Return log(p / q), to its last digits also where p is nearly q; 0 where both are 0."""
    p, q = xp.once(p), xp.once(q)
    r = contrast(xp, p, q, difference)
    near = m.magnitude(xp, r) < NEAR
    ratio = xp.once(xp.where(near, xp.ones_like(p), p) / xp.where(near, xp.ones_like(q), q))
    plain = (ratio >= float(xp.finfo(ratio.dtype).smallest_normal)) & (ratio < xp.inf)
    one = xp.ones_like(ratio)
    beyond = xp.log(xp.where(plain, one, p)) - xp.log(xp.where(plain, one, q))
    apart = xp.where(plain, xp.log(xp.where(plain, ratio, one)), beyond)
    r = xp.where(near, r, xp.zeros_like(r))
    return xp.where(near, 2 * r * (1 + odd_tail(xp, r)), apart)


def excess(xp: Verbs, p: Array, q: Array, difference: Array) -> Array:
    """Return p log(p / q) − (p − q) ≥ 0, to its last digits also where p is nearly q."""
    r = contrast(xp, p, q, difference)
    near = m.magnitude(xp, r) < NEAR
    r = xp.where(near, r, xp.zeros_like(r))
    close = difference * r + 2 * p * r * odd_tail(xp, r)
    far = m.scaled(xp, p, log_ratio(xp, p, q, difference)) - difference
    return xp.where(near, close, far)


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
_EXPM1 = _terms(lambda k: 1 / factorial(k + 1), NEAR)


def odd_tail(xp: Verbs, r: Array) -> Array:
    """Return artanh(r)/r − 1 = r²/3 + r⁴/5 + …, for |r| < ¼."""
    return _series(r * r, _ODD)


def expm1_tail(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) − x = x²/2! + x³/3! + …, for |x| < ¼."""
    return x * _series(x, _EXPM1)


def expm1(xp: Verbs, x: Array) -> Array:
    """Return exp(x) − 1 to 5 ULP of normal numbers by tanh and exp alone, near 0 as tanh(x/2) (exp(x) + 1).

    Not by a series: a compiler that writes an argument out wherever it stands would do so at each term.
    """
    x = xp.once(x)
    near = m.magnitude(xp, x) < 1
    small, large = xp.where(near, x, xp.zeros_like(x)), xp.where(near, xp.ones_like(x), x)
    return xp.where(near, xp.tanh(small / 2) * (xp.exp(small) + 1), xp.exp(large) - 1)


def expm1_rise(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) − x ≥ 0 of any x, infinite where that is."""
    x = xp.once(x)
    near, nothing = m.magnitude(xp, x) < NEAR, xp.zeros_like(x)
    small, large = xp.where(near, x, nothing), xp.where(near, nothing, x)
    return xp.where(near, expm1_tail(xp, small), xp.expm1(large) - large)


def expm1_ratio(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) / x for any finite x, 1 where it is 0, and smooth there."""
    x = xp.once(x)
    near = m.magnitude(xp, x) < NEAR
    inner, outer = xp.where(near, x, 0.0), xp.where(near, 1.0, x)
    return xp.where(near, 1 + _series(inner, _EXPM1), xp.divide(xp.expm1(outer), outer))


def still(xp: Verbs, log_x: Array) -> Array:
    """Return log x, of which an infinite one has no derivative: what is made of it has a limit there."""
    return xp.where(xp.isinf(log_x), xp.constant(log_x), log_x)


class Ratio(NamedTuple):
    """A positive number x = p / q, of which powers keep their digits.

    Attributes
    ----------
    value : p / q as it is rounded, 1 where that is not a plain number
    lack : by how much of itself it is too small, 0 there
    log : log(p / q)
    plain : where p / q is a number of full precision
    turns : how many times ``value`` is to be multiplied by 2²ⁿ, n of `half_range`, None if nowhere
    """

    value: Array
    lack: Array
    log: Array
    plain: Array
    turns: Array | None = None


def ratio(xp: Verbs, p: Array, q: Array) -> Ratio:
    """Return p / q, 1 where both are 0."""
    return _divided(xp, p, q, log_ratio(xp, p, q), p == p)  # which holds but for NaN


def over(xp: Verbs, x: Ratio, y: Ratio) -> Ratio:
    """Return x / y, 1 where both are 0 or both infinite; what is beyond the dtype has ``turns``."""
    tied = (x.log == y.log) & xp.isinf(x.log)
    log = xp.where(tied, xp.zeros_like(x.log), still(xp, x.log) - y.log)
    plain = x.plain & y.plain
    raw, half = xp.constant(x.value / y.value), 2.0 ** half_range(log)
    up, down = plain & (raw == xp.inf), plain & (raw < float(xp.finfo(log.dtype).smallest_normal))
    unit = xp.where(up, xp.full_like(raw, 1 / half), xp.where(down, half, xp.ones_like(raw)))
    z = _divided(xp, x.value * unit, y.value / unit, log, plain)
    turns = xp.astype(up, raw.dtype) - xp.astype(down, raw.dtype)
    return z._replace(lack=z.lack + xp.where(z.plain, x.lack - y.lack, 0.0), turns=turns)


def half_range(x: Array) -> int:
    """Return n, 64 in float32 and 512 in float64: 2²ⁿ is the first power of two beyond the dtype.

    As n is a power of two, n times a number is exact.
    """
    return 64 if _dtype.eps(x) > _dtype.EPS["float64"] else 512


def _divided(xp: Verbs, p: Array, q: Array, log: Array, plain: Array) -> Ratio:
    """Return the ratio of p and q, ``log`` its logarithm."""
    one, log = xp.ones_like(log), xp.once(log)
    value = xp.once(p / q)
    plain = plain & (value >= float(xp.finfo(log.dtype).smallest_normal)) & (value < xp.inf)
    p, q = xp.where(plain, p, one), xp.where(plain, q, one)
    return Ratio(xp.once(p / q), xp.constant(_lack(xp, p, q)), log, plain)


def _lack(xp: Verbs, p: Array, q: Array) -> Array:
    """Return (p − (p / q) q) / p, which is that of 2ᵏ p and 2ᵐ q: products of halves are exact (Dekker)."""
    n = half_range(p)
    p, q = (x * m.lift(xp, x, n) / m.lift(xp, 1 / x, n) for x in (p, q))
    value, bits = xp.once(p / q), 12 if n == 64 else 27
    a, c = m.upper(value, bits), m.upper(q, bits)
    b, d = value - a, q - c
    lack = (((p - a * c) - a * d - b * c) - b * d) / p
    return xp.where(xp.abs(lack) < _dtype.eps(lack), lack, xp.zeros_like(lack))


def power(xp: Verbs, x: Ratio, b: Array) -> Array:
    """Return xᵇ, by the library's own power: exp(b log x) would lose |b log x| / 2 ULP.

    What a rounded x lacks is taken back, b times over.
    """
    few = xp.where(xp.abs(b) * _dtype.eps(b) < 1, b, xp.zeros_like(b))
    rest = m.silent(xp, b, xp.where(x.plain, xp.zeros_like(b), still(xp, x.log)))
    y = x.value**b * xp.exp(few * x.lack + rest)
    if x.turns is not None:
        n = xp.where(x.turns == 0, xp.zeros_like(b), b * (2 * half_range(b)))
        y = m.silent(xp, y, 2.0 ** (x.turns * n))
    return xp.once(y)


def power_log(xp: Verbs, x: Ratio, b: Array) -> Array:
    """Return (xᵇ − 1) / b: log x itself where b is 0, and to all digits near there.

    Also of an infinite log x or b, where there is a limit.
    """
    log_x = still(xp, x.log)
    y = xp.once(m.silent(xp, b, log_x))
    near, some = xp.abs(y) < _dtype.eps(y) ** 0.5 / 2, xp.abs(y) < SMALL
    nothing, one = xp.zeros_like(y), xp.ones_like(y)
    close = log_x * (1 + xp.where(near, y, nothing) / 2)
    rise = xp.where(some, xp.expm1(xp.where(some & ~near, y, one)), power(xp, x, b) - 1)
    far = rise / xp.where(near, one, b)
    limit = xp.where(log_x < 0, xp.full_like(y, -xp.inf), xp.full_like(y, xp.inf))
    return xp.where(y == xp.inf, limit, xp.where(near, close, far))


def scaled_power(xp: Verbs, p: Array, x: Ratio, b: Array) -> Array:
    """Return p · xᵇ ≥ 0, also where xᵇ alone is beyond all numbers; 0 where one of them is."""
    r = power(xp, x, b / 2)
    square, one = r * r, xp.ones_like(r)
    # Not p · r where it can be helped: of the smallest numbers that loses digits.
    plain = (square >= float(xp.finfo(r.dtype).smallest_normal)) & (square < xp.inf)
    p = xp.where((r == 0) & xp.isinf(p), xp.zeros_like(r), p)
    beyond = m.scaled(xp, m.scaled(xp, p, xp.where(plain, one, r)), xp.where(plain, one, r))
    return xp.where(plain, p * xp.where(plain, square, one), beyond)


def power_slope(xp: Verbs, x: Ratio, a: Array, b: Array) -> Array:
    """Return (a xᵇ − 1) / b of b = a − 1, the derivative of x (xᵇ − 1) / b, with the same limits."""
    close = xp.abs(b) < SMALL
    few, many = xp.where(close, b, xp.zeros_like(b)), xp.where(close, xp.ones_like(b), b)
    near = 1 + m.scaled(xp, a, power_log(xp, x, few))
    return xp.where(close, near, m.scaled(xp, share(xp, a, many), power(xp, x, b)) - 1 / many)


def share(xp: Verbs, a: Array, b: Array) -> Array:
    """Return a / b of an order a and b = a − 1, 1 where they are infinite."""
    endless, one = b == xp.inf, xp.ones_like(b)
    return xp.where(endless, one, a) / xp.where(endless, one, b)


def expm1_excess(xp: Verbs, x: Array) -> Array:
    """Return expm1(x) / x − 1 = x/2! + x²/3! + …, of the sign of x and 0 where x is."""
    x = xp.once(x)
    near = m.magnitude(xp, x) < NEAR
    plain = xp.where(near, xp.ones_like(x), x)
    series = _series(xp.where(near, x, xp.zeros_like(x)), _EXPM1)
    return xp.where(near, series, (xp.expm1(plain) - plain) / plain)


def _series(x: Array, terms: dict[float, list[float]]) -> Array:
    """Return Σₖ cₖ xᵏ for k = 1, 2, …, by Horner's rule from the smallest term."""
    coefficients = terms[_dtype.eps(x)]
    total = x * 0 + coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total * x
