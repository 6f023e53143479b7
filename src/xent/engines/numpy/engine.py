"""NumPy, and array-api-strict, which stands on it: no warnings, whatever the flags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import iadd, imul, itemgetter
from typing import Any

import numpy as np

from xent import _dtype, _workers
from xent._engine import Engine
from xent._namespace import Namespace, Sight
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines import bits
from xent.engines.blocks import Tile
from xent.engines.eager import Eager
from xent.engines.numpy.half import to_half
from xent.engines.numpy.sums import FEW, by_class, of_columns, of_parts

quiet = np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore")
"""Makes a function one without warnings: losses meet log 0 and inf − inf on purpose, and discard them."""

MANY, NARROW = 1 << 15, 16
"""The fewest numbers of an array that is laid out class by class, and the most classes of one."""

ROWS = 16
"""The fewest short rows whose peak is found down the columns of a copy: NumPy goes row by row."""

WIDE = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}
"""Whole numbers as wide as floats."""


class NumPyVerbs(Namespace):
    """NumPy's namespace: a temporary is written over, in place of one more of a block's size."""

    max = staticmethod(np.maximum.reduce)
    sum = staticmethod(np.add.reduce)
    squeeze = staticmethod(np.ndarray.squeeze)
    times: Any = staticmethod(imul)  # in place, by what may be a scalar of NumPy
    plus: Any = staticmethod(iadd)
    asarray = staticmethod(np.asarray)
    constant = staticmethod(np.asarray)
    full_like = staticmethod(np.full_like)
    zeros_like = staticmethod(np.zeros_like)

    def ones_like(self, x: Any, dtype: Any = None) -> Any:
        """Return 1 for each entry: NumPy's own takes four calls."""
        made = np.empty(x.shape, x.dtype if dtype is None else dtype)
        made.fill(1)
        return made

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
        n = condition.size
        mixed = n >= bits.MANY and bits.is_mixed(np.count_nonzero(condition), n)
        made = bits.chosen(np, WIDE, condition, a, b) if mixed else None
        return np.where(condition, a, b) if made is None else made

    def decayed(self, x: Any, peak: Any) -> Any:
        """Return exp(x − peak) in ``x``."""
        if not self.finite:
            return super().decayed(x, peak)
        return np.exp(np.subtract(x, peak, out=x), out=x)

    def beside(self, x: Any, index: Any, axis: int) -> tuple[Any, Any, Any]:
        """Return peak, sum and terms; no −∞ goes through `exp`, which takes it long in float64."""
        if not self.finite:
            return super().beside(x, index, axis)
        rest, at = x.copy(order="K"), _at(x, index, axis)
        rest[at] = -np.inf
        short = x.ndim == 2 and axis == 1 and x.shape[1] <= FEW and x.shape[0] >= ROWS
        peak = self.max(rest.copy("F") if short else rest, axis=axis, keepdims=True)
        narrow = x.dtype.itemsize < 8
        np.exp(np.subtract(rest if narrow else x, peak, out=rest), out=rest)
        if not narrow:
            rest[at] = 0.0
        return peak, self.sum(rest, axis=axis, keepdims=True), rest

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


def _verbs(api: Any, add: Any) -> tuple[NumPyVerbs, NumPyVerbs]:
    """Return verbs with a sum of their own: for any number, and for finite ones."""
    pair = NumPyVerbs(api), NumPyVerbs(api, finite=True)
    for verbs in pair:
        verbs.sum = add
    return pair


class Strict(Eager):
    """Runs plans with NumPy's floating-point warnings off, by the standard's functions alone."""

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.result = self.xp.asarray

    @quiet
    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``."""
        return function(*args)

    def each(self, function: Callable[[Any], None], items: Sequence[Any]) -> None:
        """Call ``function`` on every item by threads, of which each has floating-point flags of its own."""
        _workers.each(lambda item: self.run(function, item), items, _workers.get_workers())

    def call(self, function: Callable[..., Array], *args: Any) -> Array:
        """Return ``function(xp, *args)``."""
        return self.result(super().call(function, *args))

    @quiet
    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call."""
        return self.result(super().value(plan, operands))

    @quiet
    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return value and gradient."""
        value, g = super().value_and_gradient(plan, operands)
        return self.result(value), self.xp.asarray(g)

    def sight(self, arrays: Iterable[Array | None]) -> Sight:
        """Return that values can be read, always."""
        return Sight.READABLE


class NumPy(Strict):
    """Runs plans by NumPy's own functions, in place where that can be."""

    namespace = NumPyVerbs
    has_devices = False
    looks = True
    has_room = True

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.result = itemgetter(())  # a scalar for what has no axes, as NumPy's own reductions
        self.columns, self.across = _verbs(api, of_columns), _verbs(api, of_parts)
        self.of_blocks = self.across[0]

    small = MANY

    def of_block(self, plan: Plan, operands: Operands, w: Any = None) -> Any:
        """Return the rows of a block; of short ones laid out class by class in memory.

        NumPy's loop along a row of ten takes ten times as long an element as one down its column.
        """
        if not self._is_laid(plan, operands):
            return self.block(plan, operands, w, self.across)
        target = operands.target
        if target is not None and not plan.target.by_label:
            target = by_class(target)
        laid = operands._replace(prediction=by_class(operands.prediction), target=target)
        return self.block(plan, laid, w, self.columns)

    def tiles(self, plan: Plan, operands: Operands) -> list[Tile]:
        """Return the blocks; a small array that is laid out anew is one, so that its gradient is not."""
        whole = [(slice(None),) * operands.prediction.ndim]
        return super().tiles(plan, operands) or (whole if self._is_laid(plan, operands) else [])

    def _is_laid(self, plan: Plan, operands: Operands) -> bool:
        x: Any = operands.prediction
        return x.size >= MANY and plan.axis == x.ndim - 1 and 1 < x.shape[-1] <= NARROW

    def present(self, keep: Any) -> Any:
        """Return the positions of the rows that count."""
        return None if keep is None else np.flatnonzero(keep)

    def product(
        self,
        a: Any,
        b: Any,
        bias: Any = None,
        *,
        transposed: bool = True,
        wide: bool = True,
        out: Any = None,
    ) -> Any:
        """Return the product, made in ``out`` where that is given."""
        if _dtype.is_half(a):
            return super().product(a, b, bias, transposed=transposed, out=out)
        logits = np.matmul(a, b.T if transposed else b, out=out)
        if bias is not None:
            logits += bias.astype(logits.dtype, copy=False)
        return logits


def make(api: Any, library: str) -> Engine:
    """Return the engine of NumPy or of array-api-strict."""
    return NumPy(api, library) if library == "numpy" else Strict(api, library)
