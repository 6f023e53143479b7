"""Formulas of single elements, each as one kernel of the device: `cupy.fuse` follows them once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cupy

from xent._kernel import Kernel
from xent._nested import mapped
from xent.engines.cupy.verbs import INSIDE
from xent.engines.slower import Slower


@dataclass(frozen=True)
class Fused(Kernel):
    """A kernel whose functions of single elements are one kernel of the device each.

    Those are what is made of the statistics of a row, and all of a loss of elements.
    """

    of: Kernel

    def filled(self, numbers: tuple[Any, ...]) -> Kernel:
        """Return the kernel with its numbers, not fused: another number would make another one."""
        return self.of.filled(numbers)

    def measure(self, xp: Any, prediction: Any, target: Any, axis: Any) -> Any:
        """Return statistics, and what was made on the way."""
        return self._called("measure", xp, prediction, target, axis)

    def whole(self, xp: Any, s: Any) -> Any:
        """Return the statistics of whole rows with what both others make of them."""
        return _one(self.of, "whole", xp, s)

    def value(self, xp: Any, s: Any) -> Any:
        """Return the loss of each row."""
        return _one(self.of, "value", xp, s)

    def gradient(self, xp: Any, *args: Any) -> Any:
        """Return the gradient."""
        return self._called("gradient", xp, *args)

    def _called(self, method: str, xp: Any, *args: Any) -> Any:
        if self.of.shape == "element":
            return _one(self.of, method, xp, *args)
        return getattr(self.of, method)(xp, *args)


def _one(kernel: Kernel, method: str, xp: Any, *args: Any) -> Any:
    """Return what a method of a kernel returns, by one kernel of the device where it can be one."""
    leaves: list[Any] = []
    return _method(kernel, method, _taken(args, leaves))(xp, args, leaves)


_ARRAY = object()


def _taken(x: Any, leaves: list[Any]) -> Any:
    """Return how arrays are nested, and take them out."""

    def of(x: Any) -> Any:
        if not hasattr(x, "astype"):
            return x
        leaves.append(x)
        return _ARRAY

    return mapped(of, x)


def _nested(form: Any, leaves: Iterator[Any]) -> Any:
    """Return arrays nested again."""
    return mapped(lambda x: next(leaves) if x is _ARRAY else x, form)


class _NeedlessError(Exception):
    """What returns its arguments needs no kernel."""


SLOWER = Slower("cupy.fuse")


class _Method:
    """A method of a kernel as one kernel of the device, of arguments that are nested in one way."""

    def __init__(self, kernel: Kernel, method: str, form: Any) -> None:
        self.function, self.form, self.made = getattr(kernel, method), form, None
        name = f"xent_{type(kernel).__name__}_{method}"
        self.fused: Any = cupy.fuse(kernel_name=name)(self._body)

    def _body(self, *leaves: Any) -> tuple[Any, ...]:
        made: list[Any] = []
        self.made = _taken(self.function(INSIDE, *_nested(self.form, iter(leaves))), made)
        if all(any(x is y for y in leaves) for x in made):
            raise _NeedlessError
        return tuple(made)

    def __call__(self, xp: Any, args: tuple[Any, ...], leaves: list[Any]) -> Any:
        """Return the result; as each operation for itself where the function is not one of elements."""
        if self.fused is not None:
            try:
                made = self.fused(*leaves)
                return _nested(self.made, iter(made))
            except _NeedlessError:
                self.fused = None
            except Exception as error:  # CuPy can't follow it; a formula's own comes again
                self.fused = None
                unfused = self.function(xp, *args)
                SLOWER.say(error)
                return unfused
        return self.function(xp, *args)


_method = lru_cache(maxsize=256)(_Method)
