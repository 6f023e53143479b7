"""A library as the laws see it; what is known of one library alone stands in the file of its name."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import array_api_compat
import numpy as np

from xent._check.names import needed

NAMES = ("numpy", "array_api_strict", "torch", "jax", "dask", "cupy")
FILES = ("torch", "jax", "dask")
"""Of which there is a file of the same name here."""


class Library:
    """Arrays of a library from NumPy's and back, by the standard's own functions.

    Attributes
    ----------
    halves : the dtypes of half precision that it has
    """

    halves: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self.name = name
        self.module = import_module(name)
        if name in ("numpy", "cupy"):
            self.halves = ("float16",)

    def __str__(self) -> str:
        return self.name

    def asarray(self, x: Any) -> Any:
        """Return a NumPy array as one of the library."""
        return self.module.asarray(np.array(x))

    def numbers(self, x: Any) -> Any:
        """Return an array of the library as NumPy's."""
        return x.get() if self.name == "cupy" else np.asarray(x)

    def owns(self, x: Any) -> bool:
        """Whether ``x`` is an array of the library; NumPy's scalars are."""
        return type(x).__module__.partition(".")[0] == self.name

    def half(self, x: Any, dtype: str) -> Any:
        """Return a NumPy array as one of the library in half precision."""
        return self.asarray(x.astype(dtype))

    def dtype_of(self, x: Any) -> str:
        """Return the name of a dtype."""
        return str(x.dtype).rpartition(".")[2]

    def place_of(self, x: Any) -> Any:
        """Return the device of an array, or of NumPy's scalar."""
        return array_api_compat.device(x)

    def arrays(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return arguments of a call in arrays of the library; numbers stay."""
        return {k: self.asarray(x) if isinstance(x, np.ndarray) else x for k, x in given.items()}

    def total(self, function: Any, given: dict[str, Any], name: str) -> tuple[Any, Any]:
        """Return the summed value as a function of one argument, and that argument."""
        arrays = self.arrays(given)
        x = arrays.pop(name)
        return lambda x: function(**arrays, **{name: x}).sum(), x

    def run(self, function: Any, **given: Any) -> Any:
        """Return what a function makes of the arguments, as NumPy arrays."""
        made = function(**self.arrays(given))
        return tuple(map(self.numbers, made)) if isinstance(made, tuple) else self.numbers(made)


def installed() -> tuple[str, ...]:
    """Return the names of the libraries that are here; CuPy only where it has a device."""
    here = [name for name in NAMES if find_spec(name) is not None]
    if "cupy" in here and not import_module("cupy").cuda.is_available():
        here.remove("cupy")
    return tuple(here)


def library(name: str) -> Library:
    """Return a library by its name."""
    if name not in NAMES:
        raise ValueError(f"libraries has {name!r}; it takes names among {', '.join(NAMES)}")
    with needed(name, by=f"libraries={name!r}"):
        if name in FILES:
            return import_module(f"xent.testing.{name}").LIBRARY
        return Library(name)
