"""Sums whose digits hang neither on how an array lies in memory nor on how long a row is."""

from __future__ import annotations

from typing import Any

import numpy as np

FEW = 32
"""The most classes of a short row."""

LONG, PART = 256, 64
"""From how many numbers on a sum across memory is made of parts, and of how many each."""


def of_columns(x: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Return the sum; of rows that lie class by class in the order of NumPy's own along a row."""
    last = x.ndim > 0 and axis in (-1, x.ndim - 1) and dtype is None
    if not (last and 1 < x.shape[-1] <= FEW) or x.flags.c_contiguous:
        return np.add.reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)
    total = _down_columns(x)
    return total if keepdims else total[..., 0]


def _down_columns(x: Any) -> Any:
    """Return the sum along the last axis, with size 1, of eight partial sums as in NumPy's rows.

    So that a row's digits are those that it has alone.
    """
    n = x.shape[-1]
    if n < 8:
        return np.add.reduce(x, -1, keepdims=True)
    total = x[..., :8].copy(order="K")
    for i in range(8, n - 7, 8):
        total += x[..., i : i + 8]
    while total.shape[-1] > 1:
        total = total[..., ::2] + total[..., 1::2]
    for i in range(n - n % 8, n):
        total += x[..., i : i + 1]
    return total


def of_parts(x: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Return the sum, of parts first where it is long and across memory: NumPy's own has none there."""
    if axis is None or x.shape[axis] < LONG or x.strides[axis] == x.itemsize:
        return np.add.reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)
    x, count = np.moveaxis(x, axis, 0), x.shape[axis] // PART
    parts = x[: count * PART].reshape(count, PART, *x.shape[1:])
    parts = np.add.reduce(parts, axis=1, dtype=dtype)
    total = of_parts(parts, axis=0) + np.add.reduce(x[count * PART :], axis=0, dtype=dtype)
    return np.expand_dims(total, axis) if keepdims else total


def by_class(x: Any) -> Any:
    """Return ``x`` with its last axis the outermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 0)), 0, -1)
