"""Contenders on runners, with their arrays: what is called and timed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.family import FORWARD, Contender, Family, How, Inputs, MissingError
from benchmarks.runners import runner as make_runner
from benchmarks.runners.base import Call, Runner, Step

Key = tuple[str, str]
Missing = dict[str, str]

# A contender's error may quote a file's place on this machine.
PATH = re.compile(r"\S*/\S*")


def without_paths(line: str) -> str:
    """Return a line of an error message as it may be published."""
    return PATH.sub("…", line[:200])


def why(error: BaseException) -> str:
    """Return an error in a line, without paths."""
    if isinstance(error, MissingError):
        return str(error)
    if isinstance(error, ImportError):
        return f"{error.name} is not installed"
    line = str(error).strip().partition("\n")[0]
    return without_paths(f"{type(error).__name__}: {line}")


def missing(runner: str, contender: str, error: BaseException) -> Missing:
    """Return who is not measured, and why."""
    return {"runner": runner, "contender": contender, "why": why(error)}


def available(names: Iterable[str]) -> tuple[dict[str, Runner], list[Missing]]:
    """Return the runners that this machine has, and the others with the reason."""
    found, lacking = {}, []
    for name in names:
        try:
            found[name] = make_runner(name)
        except MissingError as error:
            lacking.append(missing(name, "all", error))
    return found, lacking


@dataclass(frozen=True)
class Entry:
    """A contender on a runner, with the inputs in place."""

    contender: Contender
    runner: Runner
    inputs: tuple[Any, ...]
    wrt: tuple[int, ...]
    axis: int

    @property
    def key(self) -> Key:
        """The names of its runner and of itself."""
        return self.runner.name, self.contender.name

    def forward(self, reduction: str = "mean") -> Call:
        """Return the call of the loss."""
        return self.runner.forward(self.contender.loss(How(self.axis, reduction)), self.inputs)

    def both(self) -> Call | None:
        """Return the call of loss and gradient, or None where it has no gradient."""
        how, gradient = How(self.axis), self.contender.gradient
        own = None if gradient is None else gradient(how)
        return self.runner.both(Step(self.contender.loss(how), own, self.inputs, self.wrt))

    def call(self, mode: str) -> Call | None:
        """Return the call that a mode times."""
        return self.forward() if mode == FORWARD else self.both()

    def host(self, array: Any) -> np.ndarray:
        """Return a result as NumPy's."""
        return self.runner.host(array)


def fits(contender: Contender, elements: int, dtype: str) -> bool:
    """Return whether a contender takes a dtype and a size."""
    small = contender.largest is None or elements <= contender.largest
    return small and dtype in contender.dtypes


def entries(
    family: Family, inputs: Inputs, axis: int, dtype: str, runners: dict[str, Runner]
) -> list[Entry]:
    """Return every contender on every runner; a runner's entries share its arrays."""
    names = list(inputs)
    wrt = tuple(names.index(name) for name in family.wrt)
    elements = inputs[family.wrt[0]].size
    found = []
    for name, runner in runners.items():
        chosen = [c for c in family.contenders if name in c.runners and fits(c, elements, dtype)]
        if chosen:
            placed = tuple(runner.place(array, dtype) for array in inputs.values())
            found += [Entry(contender, runner, placed, wrt, axis) for contender in chosen]
    return found
