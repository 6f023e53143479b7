"""Tasks, one for each chunk or for each of a chain of chunks, and what runs in all of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import isnan
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from xent import _dispatch, _dtype
from xent._engine import Engine
from xent._nested import mapped
from xent._plan import Numbers, Operands, Plan

CLASS, ENTRY, WIDTH = -1, -2, -3
"""The names of the class axis, and of those of a sparse target's entries and of the features of a target's
own head, among `blockwise`'s indices. The others are their positions.
"""

Indexed = list[tuple[Any, Any]]
"""Arrays, numbers or None, each with the names of its axes."""


def compute_dtype(x: Any) -> Any:
    """Return the dtype that a chunk of ``x`` is computed in."""
    return np.dtype(np.float32) if _dtype.is_half(x) else x.dtype


def aligned(indexed: Indexed) -> tuple[dict[int, Any], list[Any]]:
    """Return the chunks along each axis, and the arrays cut alike, as `blockwise` takes them.

    No chunk is without classes, unless all are: none has a use for it.
    """
    indexed = [(x, index if hasattr(x, "chunks") else None) for x, index in indexed]
    arrays = [
        part for x, index in indexed if index is not None for part in (_filled(x, index), index)
    ]
    chunks, cut = da.core.unify_chunks(*arrays)
    cuts = iter(cut)
    return chunks, [
        part for x, index in indexed for part in (x if index is None else next(cuts), index)
    ]


def _filled(x: Any, index: tuple[int, ...]) -> Any:
    if CLASS not in index:
        return x
    axis = index.index(CLASS)
    return x.rechunk({axis: tuple(filter(None, x.chunks[axis])) or (0,)})


def recut(x: Any, like: Any) -> Any:
    """Return ``x`` in the chunks of an array that it is a gradient of."""
    known = {i: n for i, n in enumerate(like.chunks) if not any(map(isnan, n))}
    return x.rechunk(known)


def rows_of(plan: Plan, operands: Operands) -> tuple[int, ...]:
    """Return the shape of what has one entry per row."""
    return tuple(n for i, n in enumerate(operands.prediction.shape) if i != plan.row_axis)


def operands_of(plan: Plan, operands: Operands, every: tuple[int, ...]) -> Indexed:
    """Return all operands but prediction and numbers; ``every`` is the axes of the prediction."""
    row = tuple(i for i in every if i != CLASS) if plan.row_axis is not None else every
    pos_weight, second, entries = operands.pos_weight, operands.target_weight, (*row, ENTRY)
    of_label = row if operands.target_probs is None else entries
    of_target = of_label if plan.target.by_label else every if second is None else (0, WIDTH)
    return [
        (operands.target, of_target),
        (operands.class_weight, (CLASS,)),
        (pos_weight, () if pos_weight is None else every[len(every) - pos_weight.ndim :]),
        (operands.sample_weight, row),
        (operands.where, row),
        (operands.denominator, ()),
        (operands.target_probs, entries),
        (second, (CLASS, WIDTH)),
        (operands.target_bias, (CLASS,)),
    ]


def each(function: Callable[..., Any], index: Any, *given: Any, dtype: Any, **options: Any) -> Any:
    """Return what ``function`` makes of each chunk of what is given, which is cut alike."""
    return da.blockwise(
        function,
        index,
        *given,
        dtype=dtype,
        meta=np.empty((0,) * len(index), dtype=dtype),
        concatenate=False,
        align_arrays=False,
        **options,
    )


def chained(
    function: Callable[[Any, Any], Any], parts: Any, axis: int, chunks: Any, dtype: Any
) -> Any:
    """Return ``function(before, part)`` of the parts along an axis one after another, at first of None.

    A tree would hold many parts at a time, and the more of them the more there are.
    """
    name = f"chained-{tokenize(function, parts, axis)}"
    last = parts.numblocks[axis] - 1

    def key(place: Any) -> Any:
        rest = (*place[:axis], *place[axis + 1 :])
        rest += (0,) * (len(chunks) - len(rest))
        return (name, *rest) if place[axis] == last else (f"{name}-before", *place)

    graph: dict[Any, Any] = {}
    for place in product(*map(range, parts.numblocks)):
        n = place[axis]
        before = key((*place[:axis], n - 1, *place[axis + 1 :])) if n else None
        graph[key(place)] = (function, before, (parts.name, *place))
    layers = HighLevelGraph.from_collections(name, graph, dependencies=[parts])
    return da.Array(layers, name, chunks, meta=np.empty((0,) * len(chunks), dtype=dtype))


def uncut(x: Any, axis: int) -> Any:
    """Return ``x`` with an axis in one chunk; its longest other is cut the finer, so that none grows.

    None is none.
    """
    if x is None:
        return None
    times = x.numblocks[axis]
    others = [i for i in range(x.ndim) if i != axis and not any(map(isnan, x.chunks[i]))]
    cut: dict[int, Any] = {axis: -1}
    if times > 1 and others:
        longest = max(others, key=x.shape.__getitem__)
        cut[longest] = tuple(m for n in x.chunks[longest] for m in _shares(n, times))
    return x if times == 1 else x.rechunk(cut)


def _shares(n: int, times: int) -> list[int]:
    """Return ``n`` as a sum of at most so many sizes, as even as can be."""
    times = max(1, min(n, times))
    return [n * (i + 1) // times - n * i // times for i in range(times)]


# --- what runs in a task, on the library of the chunk ---


def of_rows(x: Any, rows: tuple[int, ...]) -> Any:
    """Return a chunk that has an entry for each row, as could not be seen before its size was known."""
    if x is not None and tuple(x.shape) != rows:
        found = f"{tuple(x.shape)} of one and {rows} of the prediction"
        raise ValueError(f"arrays whose sizes were unknown differ in their rows: {found}")
    return x


def taken(plan: Plan, numbers: Numbers, given: Any, shape: Any = None) -> tuple[Engine, Operands]:
    """Return a chunk's engine and its operands, of a prediction of ``shape``."""
    operands = Operands(*given)._replace(numbers=plain(numbers))
    target, probs = alone(operands.target), alone(operands.target_probs)
    operands = operands._replace(target=target, target_probs=probs)
    shape = tuple(operands.prediction.shape) if shape is None else shape
    rows = tuple(n for i, n in enumerate(shape) if i != plan.row_axis)
    entries = () if probs is None else probs.shape[-1:]
    of_rows(probs, (*rows, *entries))
    if operands.target_weight is not None:
        second = alone(operands.target_weight)
        operands = operands._replace(target_weight=second)
        of_rows(target, (*rows, second.shape[-1]))
    else:
        of_rows(target, (*rows, *entries) if plan.target.by_label else shape)
    for x in (operands.where, operands.sample_weight):
        of_rows(x, rows)
    return _dispatch.engine_of("prediction", operands.prediction), operands


def plain(numbers: Any) -> Any:
    """Return numbers, however nested, as floats: one that was a 0-d array would impose its dtype."""
    return mapped(lambda x: x.item() if hasattr(x, "item") else x, numbers)


def alone(x: Any) -> Any:
    """Return what is one along axes that the result lacks, and so came in lists."""
    while isinstance(x, list):
        (x,) = x
    return x
