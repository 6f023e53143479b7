"""Dask: chunks are measured where they lie and their statistics merged; nothing is computed on the way."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import dask.array as da
import numpy as np

from xent import _dispatch, _dtype
from xent._engine import Engine
from xent._linear import ALL, Chunks, Gradients, Head, run
from xent._namespace import Namespace
from xent._plan import Operands, Plan, along, kept, raw_gradient, ready
from xent._reduce import divided_by
from xent._typing import Array

_CLASS = -1
"""The name of the class axis among the indices of `blockwise`; the others are their positions."""


class DaskNamespace(Namespace):
    """Dask's namespace."""

    def log(self, x: Any) -> Any:
        """Return log ``x``, computed by the engine of each chunk, without its warnings."""
        return da.map_blocks(_log, x, dtype=x.dtype, meta=x._meta)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``; the axis is brought into one chunk."""
        here = tuple(range(x.ndim))
        axis %= x.ndim
        there = tuple(_CLASS if i == axis else i for i in here)
        return da.blockwise(
            _pick, here, x, there, index, here, axis=axis, dtype=x.dtype, concatenate=True
        )


class Dask(Engine):
    """Runs plans chunk by chunk."""

    namespace = DaskNamespace

    def readable(self, x: Array) -> bool:
        """Whether values can be read at no cost: never."""
        return False

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row."""
        graph = _Chunks(plan, operands)
        return graph.rows(graph.statistics())

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return the loss of each row and the gradient, from the same statistics."""
        graph = _Chunks(plan, operands)
        statistics = graph.statistics()
        return graph.rows(statistics), graph.gradient(statistics, w)

    def logit_size(self, features: Array) -> int:
        """Return the bytes of a logit, as NumPy makes it."""
        return max(4, _dtype.size(features))

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss, of each chunk of rows by itself."""
        return _parts(self, plan, head, operands, chunks, None)[0]

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients, the sums of the chunks' own."""
        value, parts = _parts(self, plan, head, operands, chunks, ALL)
        features: Any = head.features

        def total(name: str, like: Any) -> Any:
            if like is None:
                return None
            each = da.map_blocks(
                _named,
                parts,
                field=name,
                dtype=like.dtype,
                meta=np.empty((0,) * (1 + like.ndim)),
                chunks=((1,) * parts.numblocks[0], *((n,) for n in like.shape)),
                new_axis=list(range(1, 1 + like.ndim)),
            )
            return each.sum(axis=0)

        down = da.map_blocks(
            _named,
            parts,
            field="features",
            dtype=features.dtype,
            meta=np.empty((0, 0)),
            chunks=(parts.chunks[0], (features.shape[1],)),
            new_axis=[1],
        )
        return value, Gradients(down, total("weight", head.weight), total("bias", head.bias))


ENGINE = Dask


class _Chunks:
    """The operands of a plan as arguments of `blockwise`, and what is made of them."""

    def __init__(self, plan: Plan, operands: Operands) -> None:
        x: Any = operands.prediction
        target: Any = operands.target
        axis = plan.axis
        if axis is not None and (plan.kernel.shape == "block" or plan.kind == "softmax"):
            x = x.rechunk({axis: -1})
            target = None if target is None else target.rechunk({axis: -1})
        self.plan, self.dtype = plan, x.dtype
        self.all = tuple(_CLASS if i == axis else i for i in range(x.ndim))
        self.row = tuple(i for i in self.all if plan.row_axis is None or i != _CLASS)
        row = tuple(i for i in self.all if i != _CLASS)
        first, pos_weight = None, operands.pos_weight
        if axis is not None:
            first = da.arange(x.shape[axis], chunks=(x.chunks[axis],))
        indexed: list[tuple[Any, Any]] = [
            (x, self.all),
            (target, row if plan.by_label else self.all),
            (operands.class_weight, (_CLASS,)),
            (
                pos_weight,
                None if pos_weight is None else self.all[len(self.all) - pos_weight.ndim :],
            ),
            (operands.where, row),
            (first, (_CLASS,)),
        ]
        given = [(a, index) for a, index in indexed if a is not None]
        self.chunks, aligned = da.core.unify_chunks(*(part for pair in given for part in pair))
        arrays = iter(aligned)
        self.arguments = [
            part
            for a, index in indexed
            for part in ((None, None) if a is None else (next(arrays), index))
        ]
        self.compute = _compute(x)

    def statistics(self) -> Any:
        """Return the statistics of whole rows, one object in each chunk of rows."""
        parts = _blockwise(
            _measure,
            self.all,
            *self.arguments,
            plan=self.plan,
            dtype=object,
            adjust_chunks={_CLASS: 1} if self.plan.row_axis is not None else None,
        )
        if self.plan.row_axis is None:
            return parts
        return _blockwise(_merge, self.row, parts, self.all, plan=self.plan, dtype=object)

    def rows(self, statistics: Any) -> Any:
        """Return the value of each row."""
        return _blockwise(
            _value, self.row, statistics, self.row, plan=self.plan, dtype=self.compute
        )

    def gradient(self, statistics: Any, w: Any) -> Any:
        """Return the gradient."""
        w = w.rechunk(tuple(self.chunks[i] for i in self.row))
        return _blockwise(
            _gradient,
            self.all,
            *self.arguments,
            statistics,
            self.row,
            w,
            self.row,
            plan=self.plan,
            dtype=self.dtype,
        )


def _blockwise(function: Any, *arguments: Any, dtype: Any, **options: Any) -> Any:
    meta = np.empty((0,) * len(arguments[0]), dtype=dtype)
    return da.blockwise(
        function,
        *arguments,
        dtype=dtype,
        meta=meta,
        concatenate=False,
        align_arrays=False,
        **options,
    )


# --- what runs in a chunk, on the library of the chunk ---


def _log(x: Any) -> Any:
    engine = _dispatch.engine_of("x", x)
    return engine.run(engine.xp.log, x)


def _pick(x: Any, index: Any, axis: int) -> Any:
    return _dispatch.engine_of("x", x).xp.pick(x, index, axis)


def _readied(plan: Plan, arguments: Any) -> tuple[Engine, Any, Any]:
    x, target, class_weight, pos_weight, where, first = arguments
    engine = _dispatch.engine_of("prediction", x)
    operands = Operands(x, target, class_weight, pos_weight, where=where)
    start = 0 if first is None or plan.axis is None else int(first[0])
    return engine, *ready(engine.xp, plan, operands, kept(plan, operands), start)


def _measure(*arguments: Any, plan: Plan) -> Any:
    engine, prediction, target = _readied(plan, arguments)
    return engine.run(plan.kernel.measure, engine.xp, prediction, target, plan.axis)


def _merge(parts: Any, plan: Plan) -> Any:
    parts = list(parts) if isinstance(parts, list) else [parts]
    engine = _dispatch.engine_of("statistics", _leaf(parts[0]))
    return reduce(lambda a, b: engine.run(plan.kernel.merge, engine.xp, a, b), parts)


def _leaf(statistics: Any) -> Any:
    return _leaf(statistics[0]) if isinstance(statistics, tuple) else statistics


def _value(statistics: Any, plan: Plan) -> Any:
    engine = _dispatch.engine_of("statistics", _leaf(statistics))
    rows = engine.run(plan.kernel.value, engine.xp, statistics)
    return rows if plan.row_axis is None else engine.xp.squeeze(rows, axis=plan.row_axis)


def _gradient(*given: Any, plan: Plan) -> Any:
    *arguments, statistics, w = given
    engine, prediction, target = _readied(plan, arguments)
    w = along(w, plan.row_axis)
    g = engine.run(plan.kernel.gradient, engine.xp, prediction, target, statistics, w, plan.axis)
    g = engine.run(raw_gradient, engine.xp, plan, prediction, g)
    return _dtype.cast(engine.xp, g, arguments[0].dtype)


# --- a linear head: the rows of a chunk, the whole of its weight ---


def _parts(
    engine: Dask, plan: Plan, head: Head, operands: Operands, chunks: Chunks, wanted: Any
) -> tuple[Any, Any]:
    """Return the value, and what each chunk of rows made: its own value and gradients."""
    wide = plan.row_axis is None
    operands = divided_by(engine.xp, plan, operands, chunks.shape if wide else chunks.shape[:1])
    indexed = [
        (head.features, "nd"),
        (head.weight, "kd"),
        (head.bias, "k"),
        (operands.target, "n" if plan.by_label else "nk"),
        (operands.class_weight, "k"),
        (operands.pos_weight, "nk"),
        (operands.sample_weight, "nk" if wide else "n"),
        (operands.where, "nk" if wide else "n"),
        (operands.denominator, ""),
    ]
    arguments: list[Any] = []
    for x, index in indexed:
        if x is None:
            arguments += [None, None]
        else:
            own = index[len(index) - x.ndim :]
            arguments += [_in_rows(x, own), own]
    parts = da.blockwise(
        _part,
        "n",
        *arguments,
        plan=plan,
        chunks=chunks,
        wanted=wanted,
        dtype=object,
        meta=np.empty((0,), dtype=object),
        concatenate=True,
    )
    one = {"dtype": _compute(head.features), "meta": np.empty((0,))}
    if plan.reduction != "none":
        each = da.map_blocks(_own_value, parts, chunks=((1,) * parts.numblocks[0],), **one)
        return each.sum(), parts
    if not wide:
        return da.map_blocks(_own_value, parts, chunks=parts.chunks, **one), parts
    sizes = (parts.chunks[0], (chunks.shape[1],))
    one["meta"] = np.empty((0, 0))
    return da.map_blocks(_own_value, parts, chunks=sizes, new_axis=[1], **one), parts


def _compute(x: Any) -> Any:
    return np.dtype(np.float32) if _dtype.is_half(x) else x.dtype


def _in_rows(x: Any, index: str) -> Any:
    """Return ``x`` in chunks of rows alone."""
    return x.rechunk({i: -1 for i, name in enumerate(index) if name != "n"})


def _part(*arguments: Any, plan: Plan, chunks: Chunks, wanted: Any) -> Any:
    features, weight, bias, target, class_weight, pos_weight, sample, where, divisor = arguments
    engine = _dispatch.engine_of("features", features)
    operands = Operands(features, target, class_weight, pos_weight, sample, where, divisor)
    own = replace(chunks, shape=(features.shape[0], chunks.shape[1]))
    return engine.run(run, engine, plan, Head(features, weight, bias), operands, own, wanted)


def _own_value(part: Any) -> Any:
    value = np.asarray(part[0])
    return value if value.ndim else value[None]


def _named(part: Any, field: str) -> Any:
    g = getattr(part[1], field)
    return g if field == "features" else g[None]
