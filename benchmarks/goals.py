"""``python -m benchmarks goals results.json``: which goals are met, as Markdown."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.spread import Spread, ratio, spread
from benchmarks.table import ABSENT, NOISY, duration, grid, machine

GOALS = Path(__file__).with_name("goals.toml")
Key = tuple[str, str]
Row = dict[str, Any]


@dataclass(frozen=True)
class Goal:
    """A bound on a contender's number, or on its ratio to another's; ``goals.toml`` says how."""

    text: str
    case: str
    mode: str
    row: Sequence[str]
    against: Sequence[str] | None = None
    dtype: str = "float32"
    quantity: str = "seconds"
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a goal without exactly one bound."""
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.text}: at_least or at_most, one of them")

    def measured(self, numbers: dict[Key, Row]) -> Spread | None:
        """Return what is compared with the bound, or None where it was not measured."""
        own = _numbers(numbers.get(tuple(self.row)), self.quantity)
        if self.against is None or own is None:
            return None if own is None else spread(own)
        other = _numbers(numbers.get(tuple(self.against)), self.quantity)
        if other is None:
            return None
        return ratio(other, own) if self.at_least is not None else ratio(own, other)

    def met(self, number: float) -> bool:
        """Return whether a number is within the bound."""
        if self.at_least is not None:
            return number >= self.at_least
        assert self.at_most is not None
        return number <= self.at_most

    def shown(self, number: float) -> str:
        """Return a number in this goal's unit."""
        if self.against is not None:
            return f"{number:.2f}×"
        if self.quantity == "memory":
            return f"{number / 2**20:.1f} MiB"
        return duration(number) if self.quantity == "seconds" else f"{number:.1e}"

    @property
    def bound(self) -> str:
        """The bound in words."""
        if self.at_least is not None:
            return f"≥ {self.shown(self.at_least)}"
        assert self.at_most is not None
        return f"≤ {self.shown(self.at_most)}"


def _numbers(row: Row | None, quantity: str) -> list[float] | None:
    """Return a row's samples, or twice what is the same each time; a wrong contender has none."""
    if row is None or not row["ok"] or row.get(quantity) is None:
        return None
    return row.get("samples", []) if quantity == "seconds" else 2 * [float(row[quantity])]


def goals(path: Path = GOALS) -> list[Goal]:
    """Return the goals of a file."""
    return [Goal(**entry) for entry in tomllib.loads(path.read_text())["goal"]]


def _verdict(goal: Goal, found: Spread | None) -> list[str]:
    named = "" if goal.against is None else f"{goal.against[1]} ({goal.against[0]})"
    line = [goal.text, named, goal.bound]
    if found is None:
        return [*line, ABSENT, "not measured"]
    if not found.steady:
        return [*line, NOISY, "not measured"]
    met = goal.met(found.median)
    reason = f": {goal.note}" if goal.note and not met else ""
    return [*line, goal.shown(found.median), "met" if met else f"**missed**{reason}"]


def report(found: Row, chosen: Sequence[Goal]) -> str:
    """Return the goals with what was measured, as Markdown.

    Parameters
    ----------
    found : dict
        Results, as ``python -m benchmarks --json`` writes them.
    chosen : sequence of Goal
        What they are compared with.
    """
    numbers: dict[tuple[str, str, str], dict[Key, Row]] = {}
    for result in found["cases"]:
        rows = {(row["runner"], row["contender"]): row for row in result["rows"]}
        numbers[result["case"], result["dtype"], result["mode"]] = rows
    lines = [
        _verdict(goal, goal.measured(numbers.get((goal.case, goal.dtype, goal.mode), {})))
        for goal in chosen
    ]
    verdicts = Counter(line[-1].partition(":")[0].strip("*") for line in lines)
    counts = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())
    quick = " A quick run: no evidence." if found["settings"]["quick"] else ""
    head = f"Of {len(lines)} goals {counts}; {machine(found)}.{quick}"
    return f"{head}\n\n{grid(['goal', 'against', 'bound', 'measured', 'verdict'], lines)}"


def main(argv: Sequence[str]) -> int:
    """Print the goals, each with what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks goals", description=main.__doc__)
    parser.add_argument("results", type=Path, help="what --json wrote")
    print(report(json.loads(parser.parse_args(argv).results.read_text()), goals()))
    return 0
