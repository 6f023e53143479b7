"""NumPy, and array-api-strict, which stands on it: no warnings, 0-d arrays rather than scalars."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from xent import _dtype, _workers
from xent._engine import Engine
from xent._linear import STRIP, cuts
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines.eager import Eager, EagerNamespace, Finite, Tile

FEW, MANY = 32, 1 << 12
"""The most classes of a row, and the fewest numbers, of an array that is laid out class by class."""


class NumPyNamespace(EagerNamespace):
    """NumPy's namespace: a temporary is written over, in place of one more of a block's size."""

    def __init__(self, api: Any) -> None:
        super().__init__(api)
        self.strict = not hasattr(api, "put_along_axis")

    def max(self, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
        """Return the maximum along ``axis``."""
        if self.strict:
            return self.api.max(x, axis=axis, keepdims=keepdims)
        return np.maximum.reduce(x, axis, None, None, keepdims)

    def sum(self, x: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
        """Return the sum; of short rows in the order of NumPy's own, however they are laid out."""
        by_class = not self.strict and axis in (-1, x.ndim - 1) and _is_short(x)
        if not by_class or x.flags.c_contiguous or dtype is not None:
            return self.api.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)
        total = _sum_of_columns(x)
        return total if keepdims else total[..., 0]

    def beside(self, x: Any, peak: Any, index: Any, axis: int) -> Any:
        """Return exp(x − peak) in one array."""
        if self.strict:
            return super().beside(x, peak, index, axis)
        d = self.shifted(x, peak)
        return np.exp(d, out=d)

    def times(self, x: Any, factor: Any) -> Any:
        """Return ``x · factor`` in ``x``."""
        return super().times(x, factor) if self.strict else np.multiply(x, factor, out=x)

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        if self.strict:
            return super().put(x, index, value, axis)
        inside = (index >= 0) & (index < x.shape[axis])
        if not inside.all():
            index = np.where(inside, index, 0)
            value = np.where(inside, value, np.take_along_axis(x, index, axis))
        np.put_along_axis(x, index, value, axis)
        return x


class FiniteNamespace(Finite, NumPyNamespace):
    """NumPy's namespace for finite logits, and for labels that are classes."""

    def signs(self, z: Any) -> Any:
        """Return the signs, in less time than `sign` takes."""
        return super().signs(z) if self.strict else 1 - 2 * (z < 0).astype(z.dtype)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``."""
        return super().pick(x, index, axis) if self.strict else x[_at(x, index, axis)]

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        if self.strict:
            return super().put(x, index, value, axis)
        x[_at(x, index, axis)] = value
        return x


def _at(x: Any, index: Any, axis: int) -> Any:
    """Return what picks the entry at ``index`` of each row."""
    axis %= x.ndim
    places = [np.arange(n).reshape((-1,) + (1,) * (x.ndim - 1 - i)) for i, n in enumerate(x.shape)]
    places[axis] = index
    return tuple(places)


def _is_short(x: Any) -> bool:
    """Whether the last axis has more than one entry, and few."""
    return x.ndim > 0 and 1 < x.shape[-1] <= FEW


def _sum_of_columns(x: Any) -> Any:
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


def _by_class(x: Any) -> Any:
    """Return ``x`` with its last axis the outermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 0)), 0, -1)


class NumPy(Eager):
    """Runs plans with NumPy's floating-point warnings off."""

    namespace = NumPyNamespace
    finite = FiniteNamespace

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.has_room = not self.xp.strict

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``.

        The losses meet log 0 and inf − inf on purpose, in branches that a `where` discards.
        """
        with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
            return function(*args)

    def each(self, function: Callable[[Any], None], items: Iterable[Any]) -> None:
        """Call ``function`` on every item, by the threads that `xent.set_workers` asks for.

        NumPy's loops release the interpreter's lock; each thread has floating-point flags of its own.
        """
        _workers.each(lambda item: self.run(function, item), items, _workers.get_workers())

    def tiles(self, plan: Plan, operands: Operands) -> list[Tile]:
        """Return the blocks; a small array that is laid out anew is one, so that its gradient is not."""
        whole = [(slice(None),) * operands.prediction.ndim]
        return super().tiles(plan, operands) or (whole if self._is_laid(plan, operands) else [])

    def laid(self, plan: Plan, operands: Operands) -> Operands:
        """Return the operands of short rows class by class in memory.

        NumPy's loop along a row of ten takes ten times as long an element as one down its column.
        """
        if not self._is_laid(plan, operands):
            return operands
        target = operands.target
        if target is not None and not plan.by_label:
            target = _by_class(target)
        return operands._replace(prediction=_by_class(operands.prediction), target=target)

    def _is_laid(self, plan: Plan, operands: Operands) -> bool:
        x: Any = operands.prediction
        large = not self.xp.strict and x.size >= MANY
        return large and plan.axis == x.ndim - 1 and _is_short(x)

    def call(self, function: Callable[..., Array], *args: Any) -> Array:
        """Return ``function(xp, *args)``."""
        array: Array = self.xp.asarray(super().call(function, *args))
        return array

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call as an array."""
        value: Array = self.xp.asarray(self.run(super().value, plan, operands))
        return value

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return value and gradient as arrays."""
        value, g = self.run(super().value_and_gradient, plan, operands)
        return self.xp.asarray(value), self.xp.asarray(g)

    def present(self, keep: Any) -> Any:
        """Return the positions of the rows that count."""
        return None if keep is None or self.xp.strict else np.flatnonzero(keep)

    def product(
        self, a: Any, b: Any, bias: Any = None, *, transposed: bool = True, out: Any = None
    ) -> Any:
        """Return the product, half precision in float32: a strip of ``b`` at a time is cast."""
        if self.xp.strict:
            return super().product(a, b, bias, transposed=transposed)
        if not _dtype.is_half(a):
            logits = np.matmul(a, b.T if transposed else b, out=out)
        else:
            a = a.astype(np.float32)
            if not transposed:
                return sum(a[:, cut] @ b[cut].astype(np.float32) for cut in cuts(len(b), STRIP))
            logits = np.empty((len(a), len(b)), np.float32) if out is None else out
            for cut in cuts(len(b), STRIP):
                np.matmul(a, b[cut].astype(np.float32).T, out=logits[:, cut])
        if bias is not None:
            logits += bias.astype(logits.dtype, copy=False)
        return logits

    def logit_size(self, features: Array) -> int:
        """Return the bytes of a logit: half precision is in float32 already."""
        return max(4, _dtype.size(features))

    def device(self, x: Array) -> Any:
        """Return the device, which of NumPy's arrays is one."""
        return "cpu" if type(x) is np.ndarray else super().device(x)

    def readable(self, x: Array) -> bool:
        """Whether the values can be read: always."""
        return True


ENGINE: type[Engine] = NumPy
