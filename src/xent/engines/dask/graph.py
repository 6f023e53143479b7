"""Rows that are cut: statistics of chunks, merged along the classes, and of them values and gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import dask.array as da

from xent import _dispatch, _dtype
from xent._bent import raw_gradient
from xent._engine import Engine
from xent._kernel import Known
from xent._nested import leaves, mapped
from xent._plan import Numbers, Operands, Plan
from xent._rounds import Round, first, second
from xent._target import along, ready
from xent._typing import Array
from xent.engines import blocks
from xent.engines.dask.tasks import (
    CLASS,
    Indexed,
    aligned,
    chained,
    compute_dtype,
    each,
    operands_of,
    taken,
)
from xent.engines.eager import Eager


class Graph:
    """The operands of a plan as arguments of `blockwise`, and the tasks that are made of them."""

    def __init__(self, plan: Plan, operands: Operands, given: Indexed | None = None) -> None:
        x: Any = operands.prediction
        self.all = tuple(CLASS if i == plan.axis else i for i in range(x.ndim))
        self.row = tuple(i for i in self.all if plan.row_axis is None or i != CLASS)
        self.dtype, self.compute, self.axis = x.dtype, compute_dtype(x), plan.row_axis
        self.static: dict[str, Any] = {"plan": plan, "numbers": operands.numbers}
        # `w` has what they weigh.
        operands = operands._replace(sample_weight=None, denominator=None)
        others = [*operands_of(plan, operands, self.all), first_of(plan, x)]
        self.chunks, self.arguments = aligned([*(given or [(x, self.all)]), *others])
        self.measure: Any = _measure

    def statistics(self) -> Any:
        """Return the statistics of whole rows, one object in each chunk of rows."""
        known = self._round()
        if self.axis is None or self.static["plan"].kernel.before is None:
            return known
        own = self._round(known, self.row)
        return each(_joined, self.row, known, self.row, own, self.row, dtype=object)

    def _round(self, *known: Any) -> Any:
        """Return the statistics of whole rows in a round, the second where those of the first are known."""
        given = (*self.arguments, *(known or (None, None)))
        parts = each(self.measure, self.all, *given, dtype=object, **self.static)
        if self.axis is None:
            return parts
        return chained(merge, parts, self.axis, tuple(self.chunks[i] for i in self.row), object)

    def rows(self, statistics: Any) -> Any:
        """Return the value of each row."""
        return each(value, self.row, statistics, self.row, dtype=self.compute, axis=self.axis)

    def gradient(self, statistics: Any, w: Any) -> Any:
        """Return the gradient of Σ w · loss."""
        given = self.with_rows(statistics, w)
        return each(_gradient, self.all, *given, dtype=self.dtype, **self.static)

    def with_rows(self, statistics: Any, w: Any) -> list[Any]:
        """Return all that a gradient is made of."""
        w = w.rechunk(tuple(self.chunks[i] for i in self.row))
        return [*self.arguments, statistics, self.row, w, self.row]


def first_of(plan: Plan, x: Any) -> tuple[Any, Any]:
    """Return the classes by their numbers, of which a chunk sees its first."""
    if plan.axis is None:
        return None, ()
    return da.arange(x.shape[plan.axis], chunks=(x.chunks[plan.axis],)), (CLASS,)


# --- what runs in a chunk, on the library of the chunk ---


class Measured(NamedTuple):
    """The statistics of some rows by some classes, and the kernel that knows what to do with them."""

    kernel: Any
    statistics: Any


Tiles = Iterable[tuple[blocks.Tile, Operands]]
"""Where in the chunk some rows lie, and their operands: those of a few at a time fit the cache."""


def _measure(*given: Any, plan: Plan, numbers: Numbers) -> Measured:
    *own, first, known = given
    engine, operands = taken(plan, numbers, own)
    shape, tiles = operands.prediction.shape, tiles_of(engine, plan, operands)
    now, start = round_of(plan, operands.numbers, known), number_of(first)
    return engine.run(measured, engine, plan, now, tiles, shape, start)


def round_of(plan: Plan, numbers: Numbers, known: Measured | None) -> Round:
    """Return what a chunk is measured by, of rows that are known or are to be."""
    kernel = plan.kernel.filled(numbers.kernel)
    every = first([kernel]) if known is None else second([kernel], [known.statistics])
    assert every[0] is not None
    return every[0]


def tiles_of(engine: Engine, plan: Plan, operands: Operands) -> Iterator[tuple[Any, Operands]]:
    """Yield rows of a chunk that fit the cache, with their operands."""
    x = operands.prediction
    tiles = blocks.of(plan, x, 1) if isinstance(engine, Eager) else []
    for tile in tiles or [(slice(None),) * x.ndim]:
        yield tile, blocks.cut(plan, operands, tile)


def measured(
    engine: Engine, plan: Plan, now: Round, tiles: Tiles, shape: Any, first: int
) -> Measured:
    """Return the statistics of a chunk of ``shape``, without what was made on the way to them."""
    xp, whole = engine.of_blocks, None
    for tile, block in tiles:
        own = now._replace(known=some(now.known, tile))
        prediction, target = ready(xp, plan, block, first)
        s, _ = now.kernel.measure(xp, prediction, own.given(target), plan.axis)
        whole = _put(engine, plan, whole, s, tile, shape)
    return Measured(now.kernel, whole)


def _joined(known: Measured, own: Measured) -> Measured:
    """Return the statistics of both rounds, with the kernel itself."""
    return Measured(own.kernel.of, Known(known.statistics, own.statistics))


def number_of(first: Any) -> int:
    """Return the number of the first class of a chunk."""
    return 0 if first is None or len(first) == 0 else int(first[0])


def _put(engine: Engine, plan: Plan, whole: Any, part: Any, tile: Any, shape: Any) -> Any:
    """Return statistics of a chunk with those of some of its rows in their place."""

    def of(part: Any, whole: Any = None) -> Any:
        size = tuple(part.shape[i] if i == plan.axis else n for i, n in enumerate(shape))
        if part.shape == size:
            return part
        if whole is None:
            whole = engine.xp.empty(size, dtype=part.dtype, device=engine.device(part))
        whole[tile] = part
        return whole

    return mapped(of, part) if whole is None else mapped(of, part, whole)


def merge(before: Measured | None, part: Measured) -> Measured:
    """Return the statistics of the classes before with those of some more."""
    if before is None:
        return part
    engine = _dispatch.engine_of("statistics", next(leaves(part.statistics)))
    both = before.statistics, part.statistics
    return Measured(part.kernel, engine.run(part.kernel.merge, engine.xp, *both))


def value(whole: Measured, axis: int | None) -> Any:
    """Return the value of each row."""
    engine = _dispatch.engine_of("statistics", next(leaves(whole.statistics)))
    rows = engine.run(whole.kernel.value, engine.xp, whole.statistics)
    return rows if axis is None else engine.xp.squeeze(rows, axis=axis)


def _gradient(*given: Any, plan: Plan, numbers: Numbers) -> Any:
    *own, first, whole, w = given
    engine, operands = taken(plan, numbers, own)
    return engine.run(_slopes, engine, plan, operands, first, whole, w)


def _slopes(
    engine: Engine, plan: Plan, operands: Operands, first: Any, whole: Measured, w: Any
) -> Any:
    """Return the gradient of a chunk."""
    x, tiles = operands.prediction, tiles_of(engine, plan, operands)
    all_slopes = engine.xp.empty_like(x)
    for tile, g in gradients(engine, plan, tiles, whole, w, number_of(first)):
        if g.shape == x.shape:
            return g
        all_slopes[tile] = g
    return all_slopes


def gradients(
    engine: Engine, plan: Plan, tiles: Tiles, whole: Measured, w: Any, first: int
) -> Iterator[tuple[Any, Array]]:
    """Yield the gradient of some rows at a time, given the statistics of their other classes too."""
    xp = engine.of_blocks
    for tile, block in tiles:
        prediction, target = ready(xp, plan, block, first)
        s = some(whole.statistics, tile)
        own = along(w[blocks.of_rows(plan, tile)], plan.row_axis)
        g = whole.kernel.gradient(xp, prediction, target, s, None, own, plan.axis)
        if plan.bent:
            g = raw_gradient(xp, plan, block, g)
        yield tile, _dtype.cast(xp, g, block.prediction.dtype)


def some(statistics: Any, tile: Any) -> Any:
    """Return the statistics of some rows, None of none."""
    return mapped(lambda x: x[tile], statistics)
