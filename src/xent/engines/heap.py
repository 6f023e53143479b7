"""The memory that a block leaves, kept for the next one."""

LARGEST = (1 << 25) - (1 << 16)
"""Bytes of the largest array by which glibc still sets what it keeps: 32 MiB, less what it adds itself."""


def keep() -> None:
    """Let the C library keep what is freed, so that no block takes its pages anew from the system.

    glibc gives the end of its heap back as soon as that is more than twice the largest array it has seen
    freed. A block's temporaries are more, so each block of a fresh process took all its pages anew, and
    a formula with half a dozen of them spent three quarters of its time there. One array that is made and
    freed, of which no page is touched, sets the limit: up to 64 MiB stay with the process. What a user sets
    by ``MALLOC_TRIM_THRESHOLD_`` holds; other C libraries have no such limit.
    """
    bytes(LARGEST)
