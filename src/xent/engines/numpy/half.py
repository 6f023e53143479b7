"""Half precision as NumPy makes it of float32, without what a subnormal number costs there."""

from __future__ import annotations

from typing import Any

import numpy as np

SMALLEST_NORMAL = np.float32(2.0**-14)
"""The smallest number of float16 that is not subnormal."""

FEW, PART = 1 << 12, 1 << 16
"""Numbers of which fewer are as fast by a cast, and that are turned at a time, so that all stays in cache."""


def to_half(x: Any) -> Any:
    """Return float32 numbers in float16, bit for bit as a cast rounds them.

    NumPy raises a flag of the processor for each number that underflows, many times the time of one
    that does not; and nearly all of a gradient does, once it is a mean over thousands of rows.
    """
    if x.size < FEW:
        return x.astype(np.float16)
    parts = np.nditer(
        [x, None],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"], ["writeonly", "allocate"]],
        op_dtypes=[np.float32, np.float16],
        buffersize=PART,
    )
    with parts:
        for part, halves in parts:
            others = ~(np.abs(part) < SMALLEST_NORMAL)
            if 2 * np.count_nonzero(others) > len(part):
                halves[...] = part
            else:
                _subnormal(part, halves.view(np.uint16))
                halves[others] = part[others]
        return parts.operands[1]


def _subnormal(x: Any, bits: Any) -> None:
    """Write the bits of what is subnormal in float16.

    Added to ½ a number is rounded to a multiple of 2⁻²⁴, as float16's subnormal numbers are: its last
    bits are theirs, and the carry to the smallest normal number is right too.
    """
    sums = (x + np.copysign(np.float32(0.5), x)).view(np.uint32)
    bits[...] = sums & 0x7FF | sums >> 16 & 0x8000
