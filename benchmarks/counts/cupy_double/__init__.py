"""A double of CuPy on NumPy: what it counts can be counted without a device, and what is computed is right.

No more is here than xent and array-api-compat use. Every function, operator and method is one kernel,
which reads its arguments and writes its result; reshapes, slices, transposes and broadcasts are views and
free. What CuPy waits for the device for, here counts as a wait: a value as a Python number, a mask as an
index, `nonzero`. An index of integers does not wait; several of them are made one array of places first.
A reduction counts as one kernel, where CuPy may take a second of next to nothing. What the double can't
tell: time, the roundings of a device's own functions, and whether C code compiles.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from benchmarks.counts.cupy_double.array import Device
from benchmarks.counts.cupy_double.functions import FUNCTIONS
from benchmarks.counts.cupy_double.kernels import ElementwiseKernel
from benchmarks.counts.cupy_double.meter import Meter, metered

__all__ = ["Meter", "installed", "metered"]

_FOLLOW = ("array_api_compat.cupy", "xent.engines.cupy")
"""Modules that import CuPy, and are the double's own or CuPy's."""


class _Double(ModuleType):
    """A module that has a name for everything, so that it can be imported; most of them can't be called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def lacking(*args: Any, **how: Any) -> Any:
            raise NotImplementedError(f"the double of {self.__name__} has no {name}")

        return lacking


def _modules() -> dict[str, ModuleType]:
    names = ("cupy", "cupy.cuda", "cupy.cuda.device", "cupy.linalg", "cupy.fft")
    found = {name: _Double(name) for name in names}
    for name, module in found.items():
        vars(module).update(__all__=[], __path__=[], Device=Device)
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(found[parent], own, module)
    names = {**FUNCTIONS, "ElementwiseKernel": ElementwiseKernel}
    vars(found["cupy"]).update(names, __all__=list(FUNCTIONS))
    return found


_OURS = _modules()


@contextmanager
def installed() -> Iterator[ModuleType]:
    """Have the double as the module ``cupy``; what was there comes back."""
    theirs = _taken_out()
    _put_in(_OURS)
    try:
        yield _OURS["cupy"]
    finally:
        _OURS.update(_taken_out())
        _put_in(theirs)


def _taken_out() -> dict[str, ModuleType]:
    """Return the modules of CuPy, and take them out of where Python finds them."""
    bases = ("cupy", *_FOLLOW)
    names = [n for n in sys.modules if any(n == b or n.startswith(f"{b}.") for b in bases)]
    for name in _FOLLOW:
        parent, _, own = name.rpartition(".")
        vars(import_module(parent)).pop(own, None)
    return {name: sys.modules.pop(name) for name in names}


def _put_in(modules: dict[str, ModuleType]) -> None:
    """Let Python find modules again, in their packages too."""
    sys.modules.update(modules)
    for name in _FOLLOW:
        if name in modules:
            parent, _, own = name.rpartition(".")
            setattr(sys.modules[parent], own, modules[name])
