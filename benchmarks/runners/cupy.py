"""CuPy: NumPy's functions on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cupy
import numpy as np

from benchmarks.family import MissingError
from benchmarks.runners.base import Call, Step
from benchmarks.runners.numpy import NumPy, numpy_dtype


class CuPy(NumPy):
    """As NumPy, and waits for the device."""

    def place(self, array: np.ndarray, dtype: str) -> Any:
        """Return ``array`` on the device."""
        floating = np.issubdtype(array.dtype, np.floating)
        return cupy.asarray(array.astype(numpy_dtype(dtype), copy=False) if floating else array)

    def _waiting(self, call: Call) -> Call:
        def waited() -> Any:
            result = call()
            cupy.cuda.get_current_stream().synchronize()
            return result

        return waited

    def forward(self, loss: Callable[..., Any], inputs: Sequence[Any]) -> Call:
        """Return a call of ``loss``."""
        return self._waiting(super().forward(loss, inputs))

    def both(self, step: Step) -> Call | None:
        """Return a call of the contender's own gradient."""
        call = super().both(step)
        return None if call is None else self._waiting(call)

    def host(self, array: Any) -> np.ndarray:
        """Return a result in float32 or float64."""
        return super().host(cupy.asnumpy(array))

    def extra_memory(self, call: Call) -> int | None:
        """Return what the memory pool grew by: it keeps no peak, but frees nothing either."""
        pool = cupy.get_default_memory_pool()
        pool.free_all_blocks()
        before = pool.total_bytes()
        result = call()
        extra = pool.total_bytes() - before
        del result
        return int(extra)


def make(name: str) -> CuPy:
    """Return the runner."""
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise MissingError("CuPy sees no GPU") from error
    return CuPy(name, "cuda")
