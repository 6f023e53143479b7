"""A count, the most that it may be, and who is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.counts.cases import Case


class Count(NamedTuple):
    """What a call asks of a device; None for what can't be counted in this way."""

    passes: float
    launches: int | None = None
    waits: int | None = 0


Counter = Callable[[Case, str], Count | None]
"""From a case and a mode to its count, None for a loss or a mode that is lacking."""


@dataclass(frozen=True)
class Counted:
    """A library whose calls are counted in one way.

    Attributes
    ----------
    title : the library, and how it runs
    contenders : who is counted, xent first
    held : by case and mode, the most that xent's count may be: what it was when it was last looked at
    goals : by case and mode, the most that it should be
    """

    title: str
    contenders: dict[str, Counter]
    held: dict[tuple[str, str], Count]
    goals: dict[tuple[str, str], Count] = field(default_factory=dict)
