"""What a call takes of memory at most."""

import tracemalloc

TIMES = 3
"""How often it is measured: what other threads take meanwhile is counted too, and seldom each time."""


def peak(function, *args, **kwargs):
    """Return the bytes that a call takes at most, beside what it was given: the least of some calls."""
    return min(_once(function, args, kwargs) for _ in range(TIMES))


def _once(function, args, kwargs):
    tracemalloc.start()
    try:
        function(*args, **kwargs)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
