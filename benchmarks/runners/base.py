"""What every runner does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.resident import extra_memory

Call = Callable[[], Any]


class Step(NamedTuple):
    """A loss and its gradient at some inputs.

    Attributes
    ----------
    loss : callable
        Of the inputs.
    gradient : callable, optional
        Of the inputs too: the contender's own (value, gradients).
    inputs : tuple
        Arrays in place.
    wrt : tuple of int
        Which of them are differentiated.
    """

    loss: Callable[..., Any]
    gradient: Callable[..., Any] | None
    inputs: tuple[Any, ...]
    wrt: tuple[int, ...]


class Runner(ABC):
    """Places arrays, and makes calls that return when the work is done.

    Attributes
    ----------
    name : str
        Its name in `benchmarks.runners.RUNNERS`.
    device : {"cpu", "cuda"}
        Whose bandwidth sets the floor.
    compiled : bool
        Whether a program is built for each shape, before which nothing may be measured.
    """

    def __init__(self, name: str, device: str = "cpu", compiled: bool = False) -> None:
        self.name, self.device, self.compiled = name, device, compiled

    @abstractmethod
    def place(self, array: np.ndarray, dtype: str) -> Any:
        """Return ``array`` as this library's own; a floating one in ``dtype``."""

    @abstractmethod
    def forward(self, loss: Callable[..., Any], inputs: Sequence[Any]) -> Call:
        """Return a call of ``loss``."""

    @abstractmethod
    def both(self, step: Step) -> Call | None:
        """Return a call that gives (value, gradients), or None where there is no way to."""

    @abstractmethod
    def host(self, array: Any) -> np.ndarray:
        """Return a result as NumPy's; half precision as float32."""

    def forget(self) -> None:
        """Drop what was compiled for other shapes."""
        return

    def extra_memory(self, call: Call) -> int | None:
        """Return the peak of memory during ``call`` above that before it, in bytes."""
        return extra_memory(call)
