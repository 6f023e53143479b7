"""A plan as tasks: statistics of chunks, merged along the classes, and from them values and gradients."""

from __future__ import annotations

from functools import reduce
from typing import Any

import dask.array as da
import numpy as np

from xent import _dispatch, _dtype
from xent import _target as targets
from xent._engine import Engine
from xent._plan import Numbers, Operands, Plan
from xent._target import along, raw_gradient, ready

CLASS = -1
"""The name of the class axis among the indices of `blockwise`; the others are their positions."""

Indexed = list[tuple[Any, Any]]
"""Arrays, or None, each with the names of its axes."""


class Graph:
    """The operands of a plan as arguments of `blockwise`, and the tasks that are made of them."""

    def __init__(self, plan: Plan, operands: Operands) -> None:
        operands = _with_whole_rows(plan, operands)
        x: Any = operands.prediction
        self.all = tuple(CLASS if i == plan.axis else i for i in range(x.ndim))
        self.row = tuple(i for i in self.all if plan.row_axis is None or i != CLASS)
        self.dtype, self.compute = x.dtype, compute_dtype(x)
        self.static = {"plan": plan, "numbers": operands.numbers}
        indexed = _indexed(plan, operands, self.all)
        given = [part for pair in indexed if pair[0] is not None for part in pair]
        self.chunks, aligned = da.core.unify_chunks(*given)
        arrays = iter(aligned)
        self.arguments = arguments((x if x is None else next(arrays), i) for x, i in indexed)

    def statistics(self) -> Any:
        """Return the statistics of whole rows, one object in each chunk of rows."""
        if self.all == self.row:
            return self._tasks(_measure, self.all, *self.arguments, dtype=object)
        one = {CLASS: 1}
        parts = self._tasks(_measure, self.all, *self.arguments, dtype=object, adjust_chunks=one)
        return self._tasks(_merge, self.row, parts, self.all, dtype=object)

    def rows(self, statistics: Any) -> Any:
        """Return the value of each row."""
        return self._tasks(_value, self.row, statistics, self.row, dtype=self.compute)

    def gradient(self, statistics: Any, w: Any) -> Any:
        """Return the gradient of Σ w · loss."""
        w = w.rechunk(tuple(self.chunks[i] for i in self.row))
        given = (*self.arguments, statistics, self.row, w, self.row)
        return self._tasks(_gradient, self.all, *given, dtype=self.dtype)

    def _tasks(self, function: Any, index: Any, *given: Any, dtype: Any, **options: Any) -> Any:
        """Return what ``function`` makes of each chunk of what is given."""
        return da.blockwise(
            function,
            index,
            *given,
            dtype=dtype,
            meta=np.empty((0,) * len(index), dtype=dtype),
            concatenate=False,
            align_arrays=False,
            **self.static,
            **options,
        )


def compute_dtype(x: Any) -> Any:
    """Return the dtype that a chunk of ``x`` is computed in."""
    return np.dtype(np.float32) if _dtype.is_half(x) else x.dtype


def arguments(indexed: Any) -> list[Any]:
    """Return arrays and the names of their axes as `blockwise` takes them, None and None for none."""
    return [part for x, index in indexed for part in (x, None if x is None else index)]


def _with_whole_rows(plan: Plan, operands: Operands) -> Operands:
    """Return operands whose rows are one chunk each, where the plan has no use for a part of a row.

    Nor has any for a part without classes.
    """
    axis = plan.axis
    if axis is None:
        return operands
    whole = plan.kernel.shape == "block" or plan.target is targets.SOFTMAX_OF

    def cut(x: Any) -> Any:
        return x.rechunk({axis: -1 if whole else tuple(filter(None, x.chunks[axis]))})

    target = operands.target
    if target is not None and not plan.target.by_label:
        target = cut(target)
    return operands._replace(prediction=cut(operands.prediction), target=target)


def _indexed(plan: Plan, operands: Operands, every: tuple[int, ...]) -> Indexed:
    """Return what a chunk is given: the arrays of its operands, and the place of its first class."""
    x: Any = operands.prediction
    pos_weight, first = operands.pos_weight, None
    row = tuple(i for i in every if i != CLASS)
    if plan.axis is not None:
        first = da.arange(x.shape[plan.axis], chunks=(x.chunks[plan.axis],))
    return [
        (x, every),
        (operands.target, row if plan.target.by_label else every),
        (operands.class_weight, (CLASS,)),
        (pos_weight, () if pos_weight is None else every[len(every) - pos_weight.ndim :]),
        (operands.where, row),
        (first, (CLASS,)),
    ]


# --- what runs in a chunk, on the library of the chunk ---


def plain(numbers: Any) -> Any:
    """Return numbers, however nested, as floats: one that was a 0-d array would impose its dtype."""
    if isinstance(numbers, tuple):
        each = map(plain, numbers)
        return type(numbers)(*each) if hasattr(numbers, "_fields") else tuple(each)
    return numbers.item() if hasattr(numbers, "item") else numbers


def of_rows(x: Any, prediction: Any) -> Any:
    """Return a chunk that has an entry for each row of the prediction's, as could not be seen before."""
    if x is not None and x.ndim and x.shape[0] != prediction.shape[0]:
        found = f"{x.shape[0]} of one and {prediction.shape[0]} of the prediction"
        raise ValueError(f"arrays whose sizes were unknown differ in their rows: {found}")
    return x


def _operands(given: Any, plan: Plan, numbers: Numbers) -> tuple[Engine, Operands, int]:
    """Return a chunk's engine, its operands and its first class."""
    x, target, class_weight, pos_weight, where, first = given
    if plan.axis != 0:
        target, where = of_rows(target, x), of_rows(where, x)
    numbers = plain(numbers)
    operands = Operands(x, target, class_weight, pos_weight, where=where, numbers=numbers)
    return _dispatch.engine_of("prediction", x), operands, 0 if first is None else int(first[0])


def _measure(*given: Any, plan: Plan, numbers: Numbers) -> Any:
    engine, operands, first = _operands(given, plan, numbers)
    return engine.run(_statistics_of, engine.of_blocks, plan, operands, first)


def _statistics_of(xp: Any, plan: Plan, operands: Operands, first: int) -> Any:
    """Return the statistics of a chunk, without what was made on the way to them."""
    prediction, target = ready(xp, plan, operands, first)
    kernel: Any = plan.kernel.filled(operands.numbers.kernel)
    return kernel.measure(xp, prediction, target, plan.axis)[0]


def _merge(parts: Any, plan: Plan, numbers: Numbers) -> Any:
    parts = list(parts) if isinstance(parts, list) else [parts]
    engine = _dispatch.engine_of("statistics", _leaf(parts[0]))
    merge = plan.kernel.filled(plain(numbers.kernel)).merge
    return reduce(lambda a, b: engine.run(merge, engine.xp, a, b), parts)


def _leaf(statistics: Any) -> Any:
    """Return the first array of statistics."""
    return _leaf(statistics[0]) if isinstance(statistics, tuple) else statistics


def _value(statistics: Any, plan: Plan, numbers: Numbers) -> Any:
    engine = _dispatch.engine_of("statistics", _leaf(statistics))
    rows = engine.run(plan.kernel.filled(plain(numbers.kernel)).value, engine.xp, statistics)
    return rows if plan.row_axis is None else engine.xp.squeeze(rows, axis=plan.row_axis)


def _gradient(*given: Any, plan: Plan, numbers: Numbers) -> Any:
    *own, statistics, w = given
    engine, operands, first = _operands(own, plan, numbers)
    return engine.run(_gradient_of, engine.of_blocks, plan, operands, first, statistics, w)


def _gradient_of(
    xp: Any, plan: Plan, operands: Operands, first: int, statistics: Any, w: Any
) -> Any:
    """Return the gradient of a chunk, given the statistics of its whole rows."""
    prediction, target = ready(xp, plan, operands, first)
    kernel: Any = plan.kernel.filled(operands.numbers.kernel)
    w = along(w, plan.row_axis)
    g = kernel.gradient(xp, prediction, target, statistics, None, w, plan.axis)
    if plan.capped:
        g = raw_gradient(operands, prediction, g)
    return _dtype.cast(xp, g, operands.prediction.dtype)
