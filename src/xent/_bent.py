"""The derivatives of logits that a softcap or a temperature bends, in these and in that."""

from __future__ import annotations

from math import factorial, log

from xent import _dtype
from xent._plan import Operands, Plan
from xent._target import without
from xent._typing import Array, Verbs

_TERMS = tuple(6 * 4**k / factorial(2 * k + 3) for k in range(12))
"""Of (sinh 2u − 2u) / 2u · 3 / 2u², in powers of u²: beyond these no digit up to |u| = 1."""


def raw_gradient(xp: Verbs, plan: Plan, operands: Operands, g: Array) -> Array:
    """Return the gradient in what the caller gave, from that in what it was bent to."""
    cap, temperature = operands.numbers[1:3]
    if temperature is not None:
        g = g / temperature
    if cap is None:
        return g
    x = without(xp, _dtype.cast(xp, operands.prediction, g.dtype), operands.where, plan.axis, 0.0)
    slope = sech(xp, x / cap)
    return (g * slope) * slope


def sech(xp: Verbs, x: Array) -> Array:
    """Return 1 / cosh x, the root of the derivative of tanh, which 1 − tanh² loses where tanh is 1.

    ``x`` is held where the exponential is finite: beyond, the square is 0.
    """
    most = log(xp.finfo(x.dtype).max) - 1
    e = xp.exp(xp.clip(x, -most, most))
    return 2 / (e + 1 / e)


def slope_in_cap(xp: Verbs, u: Array) -> Array:
    """Return tanh u − u / cosh² u, the derivative of c tanh(x / c) in c at u = x / c.

    For |u| < 1 as (sinh 2u − 2u) / (2 cosh² u), by a series: the difference would have no digit of a small u.
    """
    near = xp.abs(u) < 1
    small = xp.where(near, u, 0.0)
    square, series = small * small, xp.zeros_like(small)
    for term in reversed(_TERMS):
        series = series * square + term
    most = log(xp.finfo(u.dtype).max) - 1
    large = xp.clip(xp.where(near, 1.0, u), -most, most)
    close = small * square * series * (2 / 3) * xp.square(sech(xp, small))
    return xp.where(near, close, xp.tanh(large) - large * xp.square(sech(xp, large)))
