"""Numbers without rounding: floating formats, units in the last place, exact comparison.

Nothing here is a floating-point computation: values are :class:`fractions.Fraction`, so that a
difference far below one unit in the last place (ULP) is measured as it is.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

# Values that no fraction can hold. "±0" is a zero whose sign is nobody's business (a gradient);
# "0" and "-0" are zeros whose sign is part of the promise.
SPECIAL = ("inf", "-inf", "nan", "0", "-0", "±0")


class Format(NamedTuple):
    """A binary floating format: significant bits and the exponents of its normal numbers."""

    bits: int
    smallest: int
    largest: int


FORMATS = {
    "float64": Format(53, -1022, 1023),
    "float32": Format(24, -126, 127),
    "float16": Format(11, -14, 15),
    "bfloat16": Format(8, -126, 127),
}


def exponent(value: Fraction) -> int:
    """Return e with 2^e <= |value| < 2^(e+1)."""
    size = abs(value)
    guess = size.numerator.bit_length() - size.denominator.bit_length()
    return guess if size >= Fraction(2) ** guess else guess - 1


def ulp(value: Fraction, form: Format) -> Fraction:
    """Return the distance between neighbours of the format around ``value``."""
    power = exponent(value) if value else form.smallest
    return Fraction(2) ** (max(power, form.smallest) - form.bits + 1)


def nearest(value: Fraction, form: Format) -> float:
    """Round to the format, ties to even, as a Python float (infinite beyond the largest)."""
    step = ulp(value, form)
    result = round(value / step) * step
    if result and exponent(result) > form.largest:
        return math.inf if result > 0 else -math.inf
    return float(result)


def is_subnormal(value: Fraction, form: Format) -> bool:
    """Whether the value is too small to be a normal number of the format."""
    return value != 0 and exponent(value) < form.smallest


def input_value(text: str, form: Format) -> float:
    """Read an input written as a hexadecimal float and round it to the format."""
    value = float.fromhex(text)
    if value == 0 or not math.isfinite(value):
        return value
    return nearest(Fraction(value), form)


def is_special(text: str, form: Format) -> bool:
    """Whether an expected value is compared by identity (infinities, NaN, zeros)."""
    return text in SPECIAL or math.isinf(nearest(Fraction(text), form))


def matches_special(got: float, text: str, form: Format) -> bool:
    """Compare an infinity, NaN or zero exactly, its sign included."""
    if text == "nan":
        return math.isnan(got)
    if text == "±0":
        return got == 0
    wanted = float(text) if text in SPECIAL else nearest(Fraction(text), form)
    return got == wanted and math.copysign(1, got) == math.copysign(1, wanted)


def error_in_ulp(got: float, expected: str, form: Format) -> Fraction | None:
    """Return the error in ULP of the format, or None where it is infinite.

    Parameters
    ----------
    got
        The result, widened to a Python float without rounding.
    expected
        The exact value as decimal digits, or one of ``SPECIAL``.
    form
        The format in which the result was returned.

    Returns
    -------
    Fraction or None
        ``|got - expected|`` in units of the last place at ``expected``; 0 where a special value
        matches, None where it does not, and None for a NaN or an infinity that was not expected.
    """
    if is_special(expected, form):
        return Fraction(0) if matches_special(got, expected, form) else None
    if not math.isfinite(got):
        return None
    exact = Fraction(expected)
    return abs(Fraction(got) - exact) / ulp(exact, form)
