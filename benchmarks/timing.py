"""Interleaved timing: what the machine does meanwhile, it does to all contenders alike."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Hashable, Mapping
from itertools import repeat
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)
Call = Callable[[], Any]

# A sample shorter than this is made of several calls.
LEAST = 0.01
# OpenMP's threads spin for a while after a parallel loop: the next contender is not to pay for it.
SETTLE = 0.002


def sample(call: Call, number: int) -> float:
    """Return the seconds of one of ``number`` calls in a row."""
    start = time.perf_counter()
    for _ in repeat(None, number):
        call()
    return (time.perf_counter() - start) / number


def order(keys: list[Key], turn: int) -> list[Key]:
    """Return the order of a round: rotated, and backwards every other time.

    So no contender always runs first, and none always after the same one.
    """
    start = turn % len(keys)
    rotated = keys[start:] + keys[:start]
    return rotated[::-1] if turn % 2 else rotated


def interleave(
    calls: Mapping[Key, Call], rounds: int, warmups: int, least: float = LEAST
) -> dict[Key, list[float]]:
    """Return the seconds of each call, one sample per round.

    Parameters
    ----------
    calls : mapping
        Each has been called at least once, so nothing is left to be compiled.
    rounds, warmups : int
        Samples per call, and how many before them are thrown away.
    least : float
        Seconds that a sample should last; a short call is repeated.
    """
    numbers = {key: _number(call, least) for key, call in calls.items()}
    found: dict[Key, list[float]] = {key: [] for key in calls}
    if not calls:
        return found
    enabled = gc.isenabled()
    gc.disable()
    try:
        for turn in range(warmups + rounds):
            for key in order(list(calls), turn):
                time.sleep(SETTLE)
                seconds = sample(calls[key], numbers[key])
                if turn >= warmups:
                    found[key].append(seconds)
            gc.collect()
    finally:
        if enabled:
            gc.enable()
    return found


def _number(call: Call, least: float) -> int:
    once = sample(call, 1)
    if once < least:
        # The first of many is slower than the rest: ask again, of a few.
        once = sample(call, 3)
    return max(1, min(10_000, math.ceil(least / max(once, 1e-9))))
