"""Peak memory as the operating system counts it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
HIGH_WATER_MARK = "5"  # proc(5): what resets VmHWM


def _status(field: str) -> int:
    """Return a field of the process's status, in bytes."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise OSError(f"{field} is not in {STATUS}")


def _trim() -> None:
    """Give freed memory back, so that a call that takes it again is seen to."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _most() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def extra_memory(call: Callable[[], Any]) -> int:
    """Return the peak resident memory during ``call`` above that before it, in bytes.

    What ``call`` returns is alive at the end, so it counts.

    Notes
    -----
    Linux resets the mark before the call. Elsewhere the mark is the whole process's: the result is
    then what the call adds to it, which is too small if the process was larger before.
    """
    _trim()
    try:
        CLEAR.write_text(HIGH_WATER_MARK)
        before, peak = _status("VmRSS"), lambda: _status("VmHWM")
    except OSError:
        before, peak = _most(), _most
    result = call()
    extra = peak() - before
    del result
    return max(0, extra)
