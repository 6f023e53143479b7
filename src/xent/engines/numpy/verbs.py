"""What a formula may call, by NumPy's own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xent._namespace import Namespace
from xent.engines import bits
from xent.engines.numpy.half import to_half

WIDE = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}
"""Whole numbers as wide as floats."""


class NumPyVerbs(Namespace):
    """NumPy's namespace: a temporary is written over, in place of one more of a block's size."""

    max = staticmethod(np.maximum.reduce)
    sum = staticmethod(np.add.reduce)
    squeeze = staticmethod(np.ndarray.squeeze)
    asarray = staticmethod(np.asarray)
    constant = staticmethod(np.asarray)
    full_like = staticmethod(np.full_like)
    ones_like = staticmethod(np.ones_like)
    zeros_like = staticmethod(np.zeros_like)

    def astype(self, x: Any, dtype: Any) -> Any:
        """Return a copy in another dtype."""
        if dtype == np.float16 and x.dtype == np.float32:
            return to_half(x)
        return x.astype(dtype)

    def anywhere(self, condition: Callable[[], Any]) -> bool:
        """Return whether any entry holds."""
        return bool(np.logical_or.reduce(condition(), None))

    def first_peak(self, x: Any, axis: int) -> Any:
        """Return the index of the first maximum."""
        return x.argmax(axis, keepdims=True)

    def within(self, x: Any, low: float, high: float) -> bool:
        """Whether all entries are in a range."""
        return bool(np.minimum.reduce(x, None) >= low and np.maximum.reduce(x, None) <= high)

    def clip(self, x: Any, min: Any = None, max: Any = None) -> Any:
        """Return ``x`` within limits."""
        x = x if min is None else np.maximum(x, min)
        return x if max is None else np.minimum(x, max)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Return ``a`` where the condition holds, else ``b``."""
        size = condition.size
        if size >= bits.MANY and bits.is_mixed(np.count_nonzero(condition), size):
            made = bits.chosen(np, WIDE, condition, a, b)
            if made is not None:
                return made
        return np.where(condition, a, b)

    def decayed(self, x: Any, peak: Any) -> Any:
        """Return exp(x − peak) in ``x``."""
        if not self.finite:
            return super().decayed(x, peak)
        np.subtract(x, peak, out=x)
        return np.exp(x, out=x)

    def beside(self, x: Any, index: Any, axis: int) -> tuple[Any, Any, Any]:
        """Return peak, sum and exponentials; no −∞ goes through `exp`, which takes it long in float64."""
        rest = self.replaced(x, index, -np.inf, axis)
        peak = self.max(rest, axis=axis, keepdims=True)
        if not self.finite or x.dtype.itemsize < 8:
            rest = self.decayed(rest, peak)
        else:
            np.exp(np.subtract(x, peak, out=rest), out=rest)
            rest = self.put(rest, index, 0.0, axis)
        return peak, self.sum(rest, axis=axis, keepdims=True), rest

    def times(self, x: Any, factor: Any) -> Any:
        """Return ``x · factor`` in ``x``."""
        x *= factor  # which may be a scalar of NumPy
        return x

    def plus(self, x: Any, term: Any) -> Any:
        """Return ``x + term`` in ``x``."""
        x += term
        return x

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``."""
        return x[_at(x, index, axis)]

    def replaced(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return a copy with ``value`` at ``index``."""
        return self.put(x.copy(order="K"), index, value, axis)

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        if not self.finite:
            inside = (index >= 0) & (index < x.shape[axis])
            if not inside.all():
                index = np.where(inside, index, 0)
                value = np.where(inside, value, x[_at(x, index, axis)])
        x[_at(x, index, axis)] = value
        return x

    def added(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Add ``value`` to ``x`` at ``index``."""
        inside = (index >= 0) & (index < x.shape[axis])
        near = np.where(inside, index, 0)
        np.add.at(x, _at(x, near, axis), np.where(inside, value, -0.0))
        return x


def _at(x: Any, index: Any, axis: int) -> Any:
    """Return what picks the entry at ``index`` of each row."""
    axis %= x.ndim
    if x.ndim == 2:
        count = np.arange(x.shape[1 - axis])
        return (count[:, None], index) if axis else (index, count[None, :])
    places = [np.arange(n).reshape((-1,) + (1,) * (x.ndim - 1 - i)) for i, n in enumerate(x.shape)]
    places[axis] = index
    return tuple(places)
