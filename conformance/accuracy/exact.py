"""Exact results as arrays, and the error of what a library returned, in ULP.

A number is (high + low) · 2^power with |high| in [½, 1) and 106 bits in both: no exponent is too
small for it, and the error of a float64 is computed to sixteen digits with whole arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.accuracy.draw import Array
from conformance.exact import FORMATS

#: Bits of a reference: two float64.
BITS = 106

#: A mantissa and an exponent, or a special float (inf, −inf, nan, 0).
Number = tuple[int, int] | float


@dataclass(frozen=True)
class Exact:
    """An array of exact numbers; ``special`` holds those that are not ``ordinary``: 0, ±∞, NaN."""

    high: Array
    low: Array
    power: Array
    special: Array
    ordinary: Array

    def __getitem__(self, index: Any) -> Exact:
        """Return a part."""
        return Exact(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def nearest(self) -> Array:
        """Return the numbers as float64, subnormal or infinite beyond its range."""
        with np.errstate(over="ignore", under="ignore"):
            return np.where(self.ordinary, np.ldexp(self.high + self.low, self.power), self.special)


def exact(numbers: Sequence[Number]) -> Exact:
    """Return an array of exact numbers."""
    parts = np.array([_parts(number) for number in numbers], dtype=np.float64).reshape(-1, 4)
    high, low, power, special = parts.T
    return Exact(high, low, power.astype(np.int64), special, high != 0)


def _parts(number: Number) -> tuple[float, float, float, float]:
    if isinstance(number, float) or number[0] == 0:
        return 0.0, 0.0, 0.0, number if isinstance(number, float) else 0.0
    mantissa, exponent = number
    size, sign = abs(mantissa), -1 if mantissa < 0 else 1
    length = size.bit_length()
    size = size >> (length - BITS) if length > BITS else size << (BITS - length)
    high, low = size >> 53, size & (2**53 - 1)
    return sign * high * 2.0**-53, sign * low * 2.0**-BITS, exponent + length, 0.0


def join(parts: Sequence[Exact]) -> Exact:
    """Return arrays of exact numbers one after the other, along the first axis."""
    names = Exact.__dataclass_fields__
    return Exact(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def stack(parts: Sequence[Exact]) -> Exact:
    """Return arrays of exact numbers along a new first axis."""
    names = Exact.__dataclass_fields__
    return Exact(*(np.stack([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Errors:
    """What is wrong with an array of results.

    Attributes
    ----------
    ulp
        The error in units of the last place of the exact value; infinite where a result is infinite
        or NaN and should be finite.
    special
        Where an infinity, a NaN or a zero was due or was returned wrongly.
    """

    ulp: Array
    special: Array


def errors(got: Array, want: Exact, dtype: str) -> Errors:
    """Measure results, widened to float64, against exact numbers in ULP of a dtype."""
    form = FORMATS[dtype]
    unit = np.maximum(want.power - 1, form.smallest) - form.bits + 1
    scale = np.maximum(want.power, unit)
    with np.errstate(all="ignore"):
        high = np.ldexp(want.high, want.power - scale)
        low = np.ldexp(want.low, want.power - scale)
        ulp = np.ldexp(np.abs((np.ldexp(got, -scale) - high) - low), scale - unit)
        size = np.abs(np.ldexp(want.high, want.power - 2))
    half = (1 - 2.0 ** -(form.bits + 1)) * 2.0 ** (form.largest - 1)
    beyond = want.ordinary & (size >= half)
    special = np.where(want.ordinary, np.copysign(np.inf, want.high), want.special)
    due = ~want.ordinary | beyond
    same = (got == special) | (np.isnan(got) & np.isnan(special))
    wrong = np.where(due, ~same, ~np.isfinite(got))
    ulp = np.where(due, np.where(same, 0.0, np.inf), np.where(np.isfinite(got), ulp, np.inf))
    return Errors(ulp, wrong)
