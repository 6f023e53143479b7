"""Dask: what is lazy stays so, and chunks of classes are merged."""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import numpy as np

from xent.testing.case import Case
from xent.testing.compare import law, require
from xent.testing.libraries import Library


class Dask(Library):
    """Dask's arrays, cut in two along each axis, in unlike parts."""

    halves = ("float16",)

    def asarray(self, x: Any) -> Any:
        """Return a NumPy array in chunks."""
        x = np.array(x)
        sizes = [n if n < 2 else (n - n // 2, n // 2) for n in x.shape]
        return da.from_array(x, chunks=tuple(sizes))

    def numbers(self, x: Any) -> Any:
        """Return the computed array."""
        return np.asarray(x.compute(scheduler="synchronous"))

    def owns(self, x: Any) -> bool:
        """Whether ``x`` is an array of Dask."""
        return isinstance(x, da.Array)


LIBRARY = Dask("dask")


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("something is computed before it is asked for")


@law(of=("dask",))
def lazy(lib: Any, case: Case) -> None:
    """Nothing is computed on the way."""
    arrays = lib.arrays(case.draw(seed=70))
    with dask.config.set(scheduler=_refuse):
        value, gradient = case.both(**arrays)
    require(lib.owns(value), f"the value is a {type(value).__qualname__}")
    require(lib.owns(gradient), f"the gradient is a {type(gradient).__qualname__}")
