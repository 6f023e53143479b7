"""``python -m benchmarks calls``: what a small call costs, counted, so that no noise hides it.

The calls are of 128 × 10 in float32, reduced to their mean, and warmed up. Counted are

calls
    Python functions that are entered, in whatever package; functions written in C are not.
files
    Files of xent in which one of these functions stands.
moves
    How often control passes from one file of xent to another. After each call and each return, a
    frame runs; the frames of xent make a sequence, and a move is where two neighbours in it are of
    different files. To call a function in another file and come back makes two moves, and to go
    through another package and back into the same file none.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

import xent
from benchmarks.entries import available
from benchmarks.problem import SEED
from benchmarks.runners.base import Call, Runner
from benchmarks.table import ABSENT, grid

PACKAGE = Path(xent.__file__).parent
SHAPE = (128, 10)
WARMUPS = 5
TITLES = {"numpy": "NumPy", "torch": "torch", "jax": "JAX"}
LABELS, GRADIENT, SOFT, BINARY = "labels", "labels with gradient", "soft targets", "binary"
BACKWARD = ".backward()"


class Cost(NamedTuple):
    """The counts of a call."""

    calls: int
    files: int
    moves: int


class Goal(NamedTuple):
    """The most that a call may cost; None where there is no bound."""

    calls: int
    files: int | None = None
    moves: int | None = None

    def missed(self, cost: Cost) -> list[str]:
        """Return the counts that are beyond their bounds, in words."""
        return [
            f"{number} {name}, at most {bound}"
            for name, number, bound in zip(self._fields, cost, self, strict=True)
            if bound is not None and number > bound
        ]

    def __str__(self) -> str:
        """Return the bounds in words."""
        bounds = zip(self._fields, self, strict=True)
        return "≤ " + ", ".join(f"{bound} {name}" for name, bound in bounds if bound is not None)


GOALS = {
    "numpy": {LABELS: Goal(50, 8, 30), GRADIENT: Goal(60), SOFT: Goal(60), BINARY: Goal(55)},
    "torch": {
        LABELS: Goal(50),
        GRADIENT: Goal(70),
        SOFT: Goal(65),
        BINARY: Goal(60),
        BACKWARD: Goal(80),
    },
    "jax": {LABELS: Goal(60), GRADIENT: Goal(70)},
}


def count(call: Call, package: Path = PACKAGE) -> Cost:
    """Return what ``call`` costs in this thread, in which torch runs its backward pass on a CPU.

    Parameters
    ----------
    call : function
        What is called, once; a function of this file is no part of its own cost.
    package : Path
        The folder whose files, and the moves between them, are counted.
    """
    events: list[tuple[str, str]] = []

    def record(frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event in ("call", "return") and file != __file__:
            events.append((event, file))

    before, collecting = sys.getprofile(), gc.isenabled()
    gc.disable()  # libraries hang functions of their own on a collection
    sys.setprofile(record)
    try:
        call()
    finally:
        sys.setprofile(before)
        if collecting:
            gc.enable()
    return _counted(events, package)


def _counted(events: Sequence[tuple[str, str]], package: Path) -> Cost:
    entered = [file for event, file in events if event == "call"]
    ours = {file for file in entered if Path(file).is_relative_to(package)}
    running: list[str] = []
    places = []
    for event, file in events:
        if event == "call":
            running.append(file)
        else:
            running.pop()
        if running and running[-1] in ours:
            places.append(running[-1])
    moves = sum(here != there for here, there in pairwise(places))
    return Cost(len(entered), len(ours), moves)


def calls(runner: Runner) -> dict[str, Call]:
    """Return the calls that are counted in a library; a partial has no frame, a lambda has."""
    rng = np.random.default_rng(SEED)
    place: Callable[[np.ndarray], Any] = partial(runner.place, dtype="float32")
    labels = place(rng.integers(0, SHAPE[-1], SHAPE[:-1]))
    soft = place(rng.dirichlet(np.ones(SHAPE[-1]), SHAPE[:-1]))
    binary, logits = place(rng.random(SHAPE)), place(rng.standard_normal(SHAPE))
    found: dict[str, Call] = {
        LABELS: partial(xent.cross_entropy, labels, logits=logits),
        GRADIENT: partial(xent.value_and_grad(xent.cross_entropy), labels, logits=logits),
        SOFT: partial(xent.cross_entropy, soft, logits=logits),
        BINARY: partial(xent.binary_cross_entropy, binary, logits=logits),
    }
    return found | ({BACKWARD: _backward(labels, logits)} if runner.name == "torch" else {})


def _backward(labels: Any, logits: Any) -> Call:
    leaf = logits.clone().requires_grad_()

    def call() -> None:
        leaf.grad = None  # a second gradient would be added to the first
        xent.cross_entropy(labels, logits=leaf).backward()

    return call


def cost(call: Call) -> Cost:
    """Return what a call costs when it is not among the first."""
    for _ in range(WARMUPS):
        call()
    return count(call)


def table(runners: dict[str, Runner]) -> str:
    """Return the costs and their goals as Markdown."""
    lines = []
    for name, runner in runners.items():
        for kind, call in calls(runner).items():
            found, goal = cost(call), GOALS[name].get(kind)
            verdict = "" if goal is None else "**missed**" if goal.missed(found) else "met"
            lines.append((TITLES[name], kind, *map(str, found), str(goal or ABSENT), verdict))
    return grid(("library", "call", *Cost._fields, "goal", ""), lines)


def main(argv: Sequence[str]) -> int:
    """Print what a small call costs in each library, beside its goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks calls", description=main.__doc__)
    parser.add_argument("--backend", nargs="+", choices=list(TITLES), default=list(TITLES))
    runners, lacking = available(parser.parse_args(argv).backend)
    print(table(runners))
    for absent in lacking:
        print(f"\n{TITLES[absent['runner']]}: {absent['why']}.")
    return 0
