"""The memory that a block leaves, kept for the next one."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

MANY = 1 << 14
"""The fewest numbers whose array, in float64, glibc takes from the system until it learns."""

LARGEST = (1 << 25) - (1 << 16)
"""Bytes of the largest array from which glibc on 64 bits learns: 32 MiB, less a header and pages."""


@cache
def keep() -> None:
    """Let the C library keep what is freed, so that no block takes its pages anew from the system.

    glibc gives the end of a thread's heap back as soon as that is more than twice the largest array it
    has seen freed. A block's temporaries are more, so each block of a fresh process took all its pages
    anew, and a formula with half a dozen of them spent most of its time there. One array that is
    made and freed, of which but the first page is touched, teaches it the most it learns, as a user's own
    of 32 MiB would: arrays up to that size then lie in the heap, of which each thread keeps up to 64 MiB
    at the end, and what lies below an array that is still used. Where one of glibc's thresholds is set it
    learns nothing, and that holds; other C libraries don't learn.
    """
    with suppress(MemoryError):
        bytes(LARGEST)
