"""A linear head: each task takes a chunk of rows and a chunk of classes, and makes their logits itself.

Where a chunk of rows meets all classes at once, or each element is a row by itself, the task is a call, by
the loop that all libraries share. Else the statistics of the chunks are merged, and the logits are made
again for their gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial, reduce
from math import isnan
from operator import add
from typing import Any, NamedTuple

from xent import _dtype
from xent._linear import ALL, BUDGET, STRIP, Chunks, Gradients, Head, cuts
from xent._plan import Numbers, Operands, Plan, of_penalty
from xent._rows import cotangents, divided_by, reduced, weigh
from xent.engines import head as heads
from xent.engines.blocks import Tile
from xent.engines.dask import parts
from xent.engines.dask.graph import (
    Graph,
    Measured,
    gradients,
    measured,
    number_of,
    round_of,
    some,
    tiles_of,
)
from xent.engines.dask.sweep import Sweep
from xent.engines.dask.tasks import (
    CLASS,
    aligned,
    alone,
    compute_dtype,
    each,
    operands_of,
    recut,
    rows_of,
    taken,
    uncut,
)
from xent.engines.head_loop import per_row, with_logits

BUDGET_OF_TASK = BUDGET // 4
"""Bytes of logits that a task holds at a time, as there are some tasks at a time."""

EVERY = (0, CLASS)
"""The axes of the logits; that of the features' width is 1."""


def run(
    xp: Any, plan: Plan, head: Head, operands: Operands, chunks: Chunks, *, sloped: bool
) -> tuple[Any, Any]:
    """Return the value of a linear loss, and if it is ``sloped`` the gradients, cut as the head is."""
    plan, operands = divided_by(xp, plan, operands, rows_of(plan, operands), counted=True)
    chunks = replace(chunks, asked=chunks.asked or BUDGET_OF_TASK, elsewhere=False)
    whole = Head(uncut(head.features, 1), uncut(head.weight, 1), head.bias)
    if operands.target_weight is not None:
        x = _cut_as(operands.target, whole.features)
        weight = _cut_as(operands.target_weight, whole.weight)
        operands = operands._replace(target=x, target_weight=weight)
    cut, _ = aligned([*_given(whole), *operands_of(plan, operands, EVERY)])
    by = _calls if plan.axis is None or len(cut[CLASS]) == 1 else _merged
    value, sweeps = by(xp, plan, whole, operands, chunks, sloped)
    if not sloped:
        return value, None
    width = head.features.shape[1]
    slopes = [
        Gradients(s.features(width), s.total("weight", width), s.total("bias")) for s in sweeps
    ]
    both = zip(zip(*slopes, strict=True), head, strict=True)
    return value, Gradients(*(None if x is None else _like(x, parts) for parts, x in both))


def _cut_as(x: Any, like: Any) -> Any:
    """Return ``x`` whose second axis is in one chunk, and the first cut as another's where that is known."""
    known = not any(map(isnan, like.chunks[0]))
    return x.rechunk({0: like.chunks[0], 1: -1} if known else {1: -1})


def _like(x: Any, parts: Any) -> Any:
    """Return the sum of parts of the gradient of ``x``, in its dtype and its chunks."""
    return recut(reduce(add, parts).astype(x.dtype), x)


def logits_of(head: Head) -> Any:
    """Return an array with the shape, the chunks and the dtype of the logits, and other numbers."""
    return head.features[:, :1] + head.weight[:, 0]


def _given(head: Head) -> list[tuple[Any, Any]]:
    return [(head.features, (0, 1)), (head.weight, (CLASS, 1)), (head.bias, (CLASS,))]


def _calls(
    xp: Any, plan: Plan, head: Head, operands: Operands, chunks: Chunks, sloped: bool
) -> tuple[Any, list[Sweep]]:
    """Return the value and what makes the gradients, each chunk a call by itself."""
    cut, given = aligned([*_given(head), *operands_of(plan, operands, EVERY)])
    static: dict[str, Any] = {"plan": plan, "chunks": chunks, "sloped": sloped}
    dtype = compute_dtype(head.features)
    if not sloped:
        made = each(_call, EVERY, *given, dtype=object, numbers=operands.numbers, **static)
        return parts.value_of(plan, made, EVERY, dtype), []
    call = partial(_call, **static)
    sweep = Sweep(call, given, (cut[0], cut[CLASS]), operands.numbers, dtype)
    axes = 1 if plan.axis is not None else 2
    return sweep.value(axes if plan.reduction == "none" else None), [sweep]


def _merged(
    xp: Any, plan: Plan, head: Head, operands: Operands, chunks: Chunks, sloped: bool
) -> tuple[Any, list[Sweep]]:
    """Return the same of rows that are cut."""
    runs = [(plan, operands)]
    if plan.penalty is not None:
        runs.append(of_penalty(plan, operands))
    graphs = [OfHead(*run, head, chunks) for run in runs]
    statistics = [graph.statistics() for graph in graphs]
    rows = [graph.rows(s) for graph, s in zip(graphs, statistics, strict=True)]
    weights = weigh(xp, plan, operands, rows[0].shape)
    value = reduced(xp, plan, operands, rows[0], (rows[1:] or [None])[0], weights)
    if not sloped:
        return value, []
    shares = cotangents(xp, plan, operands, weights, xp.ones_like(rows[0]))
    each_run = zip(graphs, statistics, shares, strict=False)
    return value, [graph.slopes(s, w) for graph, s, w in each_run]


class OfHead(Graph):
    """The tasks of logits that a head makes, a few rows at a time."""

    def __init__(self, plan: Plan, operands: Operands, head: Head, chunks: Chunks) -> None:
        super().__init__(plan, operands, _given(head))
        self.static["chunks"] = chunks
        self.measure = _measure

    def slopes(self, statistics: Any, w: Any) -> Sweep:
        """Return what makes the gradients of Σ w · loss."""
        numbers = self.static["numbers"]
        slopes = partial(_slopes, plan=self.static["plan"], chunks=self.static["chunks"])
        cut = self.chunks[0], self.chunks[CLASS]
        return Sweep(slopes, self.with_rows(statistics, w), cut, numbers, self.compute)


# --- what runs in a task, on the library of the chunk ---


def _taken(given: Any, plan: Plan, numbers: Numbers, chunks: Chunks) -> Any:
    """Return a chunk's engine, operands, head and, of its own, the sizes of the logits' chunks."""
    features, weight, bias, *others = given
    head = Head(alone(features), alone(weight), bias)
    shape = (head.features.shape[0], head.weight.shape[0])
    engine, operands = taken(plan, numbers, (head.features, *others), shape)
    return engine, operands, head, replace(chunks, shape=shape)


def _call(*given: Any, plan: Plan, numbers: Numbers, chunks: Chunks, sloped: bool) -> Any:
    """Return the value and the gradients of a chunk."""
    engine, operands, head, chunks = _taken(given, plan, numbers, chunks)
    wanted = ALL if sloped else None
    return engine.run(heads.run, engine, plan, head, operands, chunks, wanted)


class _Block(NamedTuple):
    """Some rows: where they lie, their features, and their operands with their logits."""

    rows: slice
    features: Any
    operands: Operands


def _blocks(
    engine: Any, plan: Plan, operands: Operands, head: Head, chunks: Chunks
) -> Iterator[_Block]:
    """Yield the rows of a chunk, a few at a time, with their logits."""
    product = partial(engine.product, wide=True)
    for rows in list(cuts(chunks.shape[0], chunks.whole_rows)) or [slice(0, 0)]:
        own = operands._replace(**{name: x[rows] for name, x in per_row(operands).items()})
        mine = head._replace(features=head.features[rows])
        yield _Block(rows, *with_logits(engine.xp, plan, own, product, mine))


def _measure(*given: Any, plan: Plan, numbers: Numbers, chunks: Chunks) -> Measured:
    *own, first, known = given
    engine, operands, head, chunks = _taken(own, plan, numbers, chunks)

    def tiles() -> Iterator[tuple[Tile, Operands]]:
        for block in _blocks(engine, plan, operands, head, chunks):
            for tile, some_rows in tiles_of(engine, plan, block.operands):
                start, stop, _ = tile[0].indices(block.rows.stop - block.rows.start)
                rows = slice(block.rows.start + start, block.rows.start + stop)
                yield (rows, tile[1]), some_rows

    now, start = round_of(plan, operands.numbers, known), number_of(first)
    return engine.run(measured, engine, plan, now, tiles(), chunks.shape, start)


def _slopes(*given: Any, plan: Plan, numbers: Numbers, chunks: Chunks) -> Any:
    *own, first, whole, w = given
    engine, operands, head, chunks = _taken(own, plan, numbers, chunks)
    blocks = _blocks(engine, plan, operands, head, chunks)
    return engine.run(_summed, engine, plan, head, blocks, number_of(first), whole, w)


def _summed(
    engine: Any,
    plan: Plan,
    head: Head,
    blocks: Iterator[_Block],
    first: int,
    whole: Measured,
    w: Any,
) -> tuple[None, Gradients[Any]]:
    """Return no value and the gradients of a chunk, given the statistics of its rows' other classes too."""
    xp, dtype = engine.xp, compute_dtype(head.features)
    down = xp.empty_like(head.features, dtype=dtype)
    weight = xp.zeros_like(head.weight, dtype=dtype)
    bias = None if head.bias is None else xp.zeros_like(head.bias, dtype=dtype)
    for rows, features, operands in blocks:
        g, own = operands.prediction, Measured(whole.kernel, some(whole.statistics, (rows,)))
        tiles = tiles_of(engine, plan, operands)
        for tile, slopes in gradients(engine, plan, tiles, own, w[rows], first):
            g[tile] = slopes
        if bias is not None:
            bias += xp.sum(g, axis=0, dtype=dtype)
        g = _dtype.cast(xp, g, features.dtype)
        down[rows] = engine.product(g, head.weight, transposed=False)
        engine.accumulate(weight, g, features, first=False, step=STRIP)
    return None, Gradients(down, weight, bias)
