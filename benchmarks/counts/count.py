"""A count, the most that it may be, and who is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.counts.cases import CASES, MODES, Case


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
    held : by case and mode, what xent's count is: one that falls is written down too
    goals : by case and mode, the most that it should be
    cases : what is counted
    """

    title: str
    contenders: dict[str, Counter]
    held: dict[tuple[str, str], Count]
    goals: dict[tuple[str, str], Count] = field(default_factory=dict)
    cases: Sequence[Case] = tuple(CASES)

    def missed(self, who: str, case: Case, mode: str) -> list[str]:
        """Return in words where a count is not what is held, or is beyond its goal."""
        found, held = self.contenders[who](case, mode), self.held.get((case.name, mode))
        goal = self.goals.get((case.name, mode))
        wrong = [] if found == held else [f"{found}, held {held}"]
        if found is not None and goal is not None:
            pairs = zip(found, goal, strict=True)
            wrong += [f"{found}, goal {goal}"] * any(n > most for n, most in pairs if n is not None)
        return [f"{self.title}, {case.name}, {mode}: {words}" for words in wrong]


def by_mode(table: dict[str, tuple[Count, Count]]) -> dict[tuple[str, str], Count]:
    """Return the counts of a table by case and mode."""
    return {
        (name, mode): count
        for name, counts in table.items()
        for mode, count in zip(MODES, counts, strict=True)
    }
