"""Numbers that are drawn by integer arithmetic alone: the same on every machine and library.

SplitMix64 [1]_ gives the bits, and every number made of them is an integer over a power of two, so
that no libm and no version of a generator has a say in what the inputs are.

References
----------
.. [1] Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, Any]

#: NumPy's dtypes by the names used here.
DTYPES: dict[str, Any] = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}


def represented(x: Array, dtype: str) -> Array:
    """Round to a dtype, beyond its range to the end of it, and widen again: exact from here on."""
    end = float(ml_dtypes.finfo(DTYPES[dtype]).max)
    with np.errstate(over="ignore"):
        inside = np.where(np.isfinite(x), np.clip(x, -end, end), x)
        return inside.astype(DTYPES[dtype]).astype(np.float64)


class Draw:
    """A stream of numbers that a seed and a name determine."""

    def __init__(self, seed: int, name: str) -> None:
        state = seed & 0xFFFF_FFFF
        for byte in name.encode():
            state = (state * 0x100_0000_01B3 + byte) & 0xFFFF_FFFF_FFFF_FFFF
        self.state = state

    def bits(self, *shape: int) -> Array:
        """Return 64 random bits in each place."""
        count = int(np.prod(shape, dtype=np.int64))
        step = np.uint64(0x9E37_79B9_7F4A_7C15)
        z = np.uint64(self.state) + step * np.arange(1, count + 1, dtype=np.uint64)
        self.state = int(z[-1]) if count else self.state
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        return (z ^ (z >> np.uint64(31))).reshape(shape)

    def below(self, end: int, *shape: int) -> Array:
        """Return integers in [0, end)."""
        return ((self.bits(*shape) >> np.uint64(11)) % np.uint64(end)).astype(np.int64)

    def unit(self, *shape: int) -> Array:
        """Return dyadic numbers in [0, 1), of 53 bits."""
        return (self.bits(*shape) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def between(self, low: float, high: float, *shape: int) -> Array:
        """Return numbers in [low, high)."""
        return low + (high - low) * self.unit(*shape)

    def powers(self, low: int, high: int, *shape: int) -> Array:
        """Return numbers whose exponents are even over 2^low to 2^high."""
        return np.ldexp(1 + self.unit(*shape), self.below(high - low, *shape) + low)

    def simplex(self, rows: int, width: int, bits: int) -> Array:
        """Return rows of counts / 2^bits that sum to exactly 1: the gaps of sorted random cuts."""
        cuts = np.sort(self.below(2**bits + 1, rows, width - 1), axis=1)
        ends = np.concatenate([np.zeros((rows, 1), int), cuts, np.full((rows, 1), 2**bits)], axis=1)
        return np.ldexp(np.diff(ends, axis=1).astype(np.float64), -bits)
