"""What no loss can beat: the time to read its input, and to copy it into a gradient."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.family import BOTH
from benchmarks.machine import cores

SIZE, QUICK_SIZE = 2**28, 2**25
REPEATS = 7

Speeds = dict[str, float]


def _best(call: Callable[[], Any]) -> float:
    """Return the shortest of a few times: a floor has no median."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def host(size: int) -> Speeds:
    """Return bytes per second that all cores read, and copy, between arrays in memory.

    Both arrays have been touched before, so no page fault is counted. ``copy`` counts each byte
    once, though it is read and written. ``flops`` is a float32 matrix product's.
    """
    source, sink = np.ones(size // 4, np.float32), np.zeros(size // 4, np.float32)
    parts = list(zip(np.array_split(source, cores()), np.array_split(sink, cores()), strict=True))
    side = 512 if size < SIZE else 2048
    square = np.ones((side, side), np.float32)
    with ThreadPoolExecutor(cores()) as pool:
        read = _best(lambda: list(pool.map(lambda part: part[0].max(), parts)))
        copy = _best(lambda: list(pool.map(lambda part: np.copyto(part[1], part[0]), parts)))
    product = _best(lambda: square @ square)
    return {"read": size / read, "copy": size / copy, "flops": 2 * side**3 / product}


def cuda(size: int) -> Speeds:
    """Return the same of a GPU, through torch."""
    import torch

    source = torch.ones(size // 4, device="cuda")
    sink, side = torch.zeros_like(source), 4096
    square = torch.ones((side, side), device="cuda", dtype=torch.bfloat16)

    def best(call: Callable[[], Any]) -> float:
        def waited() -> None:
            call()
            torch.cuda.synchronize()

        waited()
        return _best(waited)

    return {
        "read": size / best(source.max),
        "copy": size / best(lambda: sink.copy_(source)),
        "flops": 2 * side**3 / best(lambda: square @ square),
    }


def speeds(device: str, quick: bool) -> Speeds | None:
    """Return what a device reads, copies and multiplies per second; None where that is unknown."""
    size = QUICK_SIZE if quick else SIZE
    if device == "cpu":
        return host(size)
    try:
        return cuda(8 * size)
    except (ImportError, RuntimeError, AssertionError):
        return None


def floor(found: Speeds | None, read: int, written: int, mode: str, flops: int = 0) -> float | None:
    """Return the least time in seconds.

    Forward, the inputs are read once; with the gradient, as many bytes as it has are copied and the
    other inputs read. Where arithmetic takes longer, it is the floor.
    """
    if found is None:
        return None
    if mode == BOTH:
        moved = written / found["copy"] + max(0, read - written) / found["read"]
    else:
        moved = read / found["read"]
    return max(moved, flops / found["flops"])
