"""NumPy: no automatic differentiation, so gradients are the contenders' own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.runners.base import Call, Runner, Step


def numpy_dtype(name: str) -> Any:
    """Return the dtype; bfloat16 is in another package."""
    if name != "bfloat16":
        return np.dtype(name)
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


class NumPy(Runner):
    """Calls functions as they are."""

    def place(self, array: np.ndarray, dtype: str) -> Any:
        """Return ``array`` in ``dtype``."""
        floating = np.issubdtype(array.dtype, np.floating)
        return array.astype(numpy_dtype(dtype), copy=False) if floating else array

    def forward(self, loss: Callable[..., Any], inputs: Sequence[Any]) -> Call:
        """Return a call of ``loss``."""
        return lambda: loss(*inputs)

    def both(self, step: Step) -> Call | None:
        """Return a call of the contender's own gradient."""
        gradient = step.gradient
        return None if gradient is None else lambda: gradient(*step.inputs)

    def host(self, array: Any) -> np.ndarray:
        """Return a result in float32 or float64."""
        array = np.asarray(array)
        return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


def make(name: str) -> Runner:
    """Return the runner."""
    return NumPy(name)
