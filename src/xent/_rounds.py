"""Rows in parts are measured in one round, or in two: what a kernel has to know of whole rows comes first.

A round is measured by kernels whose parts merge. What it is measured of, and how parts become whole, by
strips, tasks, devices or a caller's own means, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from xent._kernel import Kernel, Known, Statistics


class Aware(NamedTuple):
    """A target, and what is known of the whole rows of its block."""

    target: Any
    known: Statistics


@dataclass(frozen=True)
class After(Kernel):
    """What a kernel measures of rows that are known, as a kernel by itself."""

    of: Kernel

    def measure(
        self, xp: Any, prediction: Any, target: Aware, axis: Any
    ) -> tuple[Statistics, None]:
        """Return the statistics of a block."""
        return self.of.measure_after(xp, prediction, *target, axis), None

    def merge(self, xp: Any, a: Statistics, b: Statistics) -> Statistics:
        """Return those of two blocks."""
        return self.of.merge(xp, a, b)


class Round(NamedTuple):
    """A kernel whose parts merge, and in a second round what is known of whole rows."""

    kernel: Kernel
    known: Statistics = None

    def given(self, target: Any) -> Any:
        """Return a target as the kernel takes it."""
        return target if self.known is None else Aware(target, self.known)


Rounds = list[Round | None]
"""A round of several kernels; None where one has no more to measure."""


def first(kernels: Sequence[Kernel]) -> Rounds:
    """Return the first round."""
    return [Round(k.before or k) for k in kernels]


def second(kernels: Sequence[Kernel], known: Sequence[Statistics]) -> Rounds:
    """Return the second round, given what the first makes of whole rows; empty where none is needed."""
    both = zip(kernels, known, strict=True)
    every = [None if k.before is None else Round(After(k), s) for k, s in both]
    return every if any(every) else []


def in_rounds(
    kernels: Sequence[Kernel],
    measured: Callable[[Rounds], list[Statistics]],
    *,
    whole: bool = False,
) -> list[Statistics]:
    """Return the statistics of whole rows by each kernel, of those that ``measured`` returns of a round.

    Where it measures ``whole`` rows at once, as no kernel needs it of more than one.
    """
    if whole:
        return measured([Round(k) for k in kernels])
    known = measured(first(kernels))
    again = second(kernels, known)
    return joined(known, measured(again)) if again else known


def of_one(kernel: Kernel, measured: Callable[[Round], Statistics]) -> Statistics:
    """Return the statistics of whole rows by one kernel, of those that ``measured`` returns of a round."""
    s = measured(Round(kernel.before or kernel))
    return s if kernel.before is None else Known(s, measured(Round(After(kernel), s)))


def joined(known: list[Statistics], own: list[Statistics]) -> list[Statistics]:
    """Return the statistics of both rounds together."""
    both = zip(known, own, strict=True)
    return [a if b is None else Known(a, b) for a, b in both]
