"""What the double of CuPy counts: kernels, the bytes that they move, and waits for the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

import numpy as np


@dataclass
class Meter:
    """The counts since it was started."""

    launches: int = 0
    moved: int = 0
    waits: int = 0


_METERS: list[Meter] = []


@contextmanager
def metered() -> Iterator[Meter]:
    """Count what is done inside."""
    meter = Meter()
    _METERS.append(meter)
    try:
        yield meter
    finally:
        _METERS.remove(meter)


def launched(read: Iterable[np.ndarray], written: Iterable[np.ndarray]) -> None:
    """Count one kernel, what it reads, an array that is given twice once, and what it writes."""
    moved = sum(map(_size, {id(x): x for x in read}.values())) + sum(map(_size, written))
    for meter in _METERS:
        meter.launches += 1
        meter.moved += moved


def waited() -> None:
    """Count that the host waits for the device."""
    for meter in _METERS:
        meter.waits += 1


def _size(x: np.ndarray) -> int:
    """Return the bytes of memory behind an array: what is broadcast lies there once."""
    return prod(n for n, stride in zip(x.shape, x.strides, strict=True) if stride) * x.itemsize
