"""The memory that a block leaves, kept for the next one."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

LARGEST = (1 << 25) - (1 << 16)
"""Bytes of the largest array from which glibc on 64 bits learns: 32 MiB, less a header and pages."""


@cache
def keep() -> None:
    """Let the C library keep what is freed, so that no block takes its pages anew from the system.

    glibc gives the end of a thread's heap back as soon as that is more than twice the largest array it
    has seen freed. A block's temporaries are more, so each block of a fresh process took all its pages
    anew, and a formula with half a dozen of them spent three quarters of its time there. One array that is
    made and freed, of which but the first page is touched, teaches it the most it learns: of each thread
    that computes up to 64 MiB stay with the process. Where one of glibc's thresholds is set, it learns
    nothing and that holds; other C libraries don't learn.
    """
    with suppress(MemoryError):
        bytes(LARGEST)
