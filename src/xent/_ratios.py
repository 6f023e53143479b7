"""Powers of the quotient of two numbers, which keep the digits that its rounding and its logarithm lose."""

from __future__ import annotations

from typing import NamedTuple

from xent import _dtype
from xent import _math as m
from xent import _series as series
from xent._typing import Array, Verbs

SMALL = 0.5
"""|log xᵇ| below which xᵇ − 1 would cancel, and |b| below which (a xᵇ − 1) / b would."""


def still(xp: Verbs, log_x: Array) -> Array:
    """Return a logarithm, of which an infinite one has no derivative: what it makes has a limit there."""
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
    return _divided(xp, p, q, series.log_ratio(xp, p, q), p == p)  # which holds but for NaN


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
    rest = still(xp, m.silent(xp, b, xp.where(x.plain, xp.zeros_like(b), still(xp, x.log))))
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
    small = xp.where(near, y, nothing)
    close = log_x * (1 + small / 2 * (1 + small / 3))
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
