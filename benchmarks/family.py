"""What a benchmark declares: a family of problems, its sizes, and who solves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

from benchmarks.exact import Exact

FORWARD, BOTH = "forward", "forward+gradient"
MODES = (FORWARD, BOTH)

Shape = tuple[int, ...]
Inputs = dict[str, np.ndarray]


class MissingError(Exception):
    """A contender that cannot run here; the message says why."""


class How(NamedTuple):
    """What a contender has to know before it sees an array.

    Attributes
    ----------
    axis : int
        The class axis of the prediction.
    reduction : {"mean", "none"}
        ``"none"`` is asked for once, for the error of each row; only ``"mean"`` is timed.
    """

    axis: int = -1
    reduction: str = "mean"

    def reduce(self, rows: Any) -> Any:
        """Return the mean of what a contender gives per row, or the rows."""
        return rows if self.reduction == "none" else rows.mean()


Factory = Callable[[How], Callable[..., Any]]


@dataclass(frozen=True)
class Contender:
    """One way of writing the loss, on each runner that can run it.

    Attributes
    ----------
    name : str
        As users know it: ``"optax"``.
    runners : tuple of str
        Names in `benchmarks.runners`.
    loss : callable
        ``How -> loss(*inputs)``. It imports its library, so that a missing one is an `ImportError`
        there, and the timed call imports nothing.
    gradient : callable, optional
        ``How -> f(*inputs) -> (value, gradients)``, for libraries without automatic
        differentiation. None there means forward only.
    dtypes : tuple of str
        Those that it can be given.
    largest : int, optional
        Elements of the prediction above which it is left out, to keep a run short.
    """

    name: str
    runners: tuple[str, ...]
    loss: Factory
    gradient: Factory | None = None
    dtypes: tuple[str, ...] = ("float32", "float16", "bfloat16")
    largest: int | None = None


@dataclass(frozen=True)
class Case:
    """One size of a family.

    Attributes
    ----------
    name, title : str
        For the command line, and for people.
    shape, quick : tuple of int
        Of the prediction; ``quick`` for ``--quick``.
    axis : int
        The class axis.
    dtypes : tuple of str
        One table each.
    memory : bool
        Whether peak memory is worth a fresh process per contender.
    device : str, optional
        ``"cuda"`` for a size that only an accelerator should see.
    smaller : tuple of shapes
        Sizes that lead to this one, the smallest first, to see how cost grows. Then only xent and each
        runner's reference are measured.
    """

    name: str
    title: str
    shape: Shape
    quick: Shape
    axis: int = -1
    dtypes: tuple[str, ...] = ("float32",)
    memory: bool = True
    device: str | None = None
    smaller: tuple[Shape, ...] = ()

    def sizes(self, quick: bool) -> tuple[Shape, ...]:
        """Return the shapes that a run measures."""
        last = self.quick if quick else self.shape
        return (*(shape for shape in self.smaller if prod(shape) < prod(last)), last)


@dataclass(frozen=True)
class Family:
    """A loss with a kind of target.

    Attributes
    ----------
    name : str
        ``"labels"``.
    make : callable
        ``(shape, axis, rng) -> Inputs``, float32 or integer, in the order of the loss's arguments.
    wrt : tuple of str
        The inputs to be differentiated.
    exact : callable
        ``(Inputs, axis) -> Exact``.
    cases, contenders : tuple
        The sizes, and who is measured.
    reference : dict
        Runner to the name of the contender that all others there are compared with, or to a
        ``(runner, name)`` of another runner.
    flops : callable, optional
        ``(shape, mode) -> int`` where arithmetic and not memory sets the floor.
    """

    name: str
    make: Callable[[Shape, int, np.random.Generator], Inputs]
    wrt: tuple[str, ...]
    exact: Callable[[Inputs, int], Exact]
    cases: tuple[Case, ...]
    contenders: tuple[Contender, ...]
    reference: dict[str, str]
    flops: Callable[[Shape, str], int] | None = field(default=None)
