"""Dask's verbs, and the engine that makes of a plan the tasks that run it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import isnan, prod
from typing import Any

import dask.array as da

from xent import _dispatch, _dtype
from xent._engine import Engine
from xent._linear import ALL, Chunks, Gradients, Head
from xent._namespace import Namespace, Sight
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines.dask.graph import CLASS, Graph, of_rows
from xent.engines.dask.linear import Parts


class DaskVerbs(Namespace):
    """The verbs as Dask lacks them, or would warn in them."""

    def log(self, x: Any) -> Any:
        """Return log ``x``, computed by the engine of each chunk, without its warnings."""
        return da.map_blocks(_log, x, dtype=x.dtype, meta=x._meta)

    def reshape(self, x: Any, shape: Any) -> Any:
        """Return ``x`` in another shape; it has it where sizes are not known."""
        return x if x.ndim == len(shape) and isnan(prod(shape)) else da.reshape(x, shape)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``; the axis is brought into one chunk."""
        here = tuple(range(x.ndim))
        axis %= x.ndim
        there = tuple(CLASS if i == axis else i for i in here)
        return da.blockwise(
            _pick, here, x, there, index, here, axis=axis, dtype=x.dtype, concatenate=True
        )


class Dask(Engine):
    """Runs plans chunk by chunk, when the caller computes what it returns."""

    namespace = DaskVerbs
    takes_constants = True

    def together(self, arrays: Mapping[str, Any]) -> Any:
        """Return nothing, as chunks may lie anywhere; raise where these would not be arrays."""
        for name, x in arrays.items():
            if x is not None:
                _dispatch.engine_of(name, x._meta)

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call."""
        return super().value(*_counted(plan, operands))

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and its gradient with respect to the prediction."""
        return super().value_and_gradient(*_counted(plan, operands))

    def sight(self, arrays: Iterable[Array | None]) -> Sight:
        """Return that no values can be read at no cost, wherever they will be computed."""
        return Sight.ELSEWHERE

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row."""
        graph = Graph(plan, operands)
        return graph.rows(graph.statistics())

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return the loss of each row and the gradient, from the same statistics."""
        graph = Graph(plan, operands)
        statistics = graph.statistics()
        return graph.rows(statistics), graph.gradient(statistics, w)

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss, of each chunk of rows by itself."""
        return Parts(self.xp, *_counted(plan, operands), head, chunks, None).value()

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients, the sums of the chunks' own."""
        parts = Parts(self.xp, *_counted(plan, operands), head, chunks, ALL)
        bias = None if head.bias is None else parts.total("bias", head.bias)
        g = Gradients(parts.features(), parts.total("weight", head.weight), bias)
        return parts.value(), g

    def logit_size(self, features: Array) -> int:
        """Return the bytes of a logit, as NumPy makes it."""
        return max(4, _dtype.size(features))


def _counted(plan: Plan, operands: Operands) -> tuple[Plan, Operands]:
    """Return plan and operands with a mask of all rows where a mean can't know their number: it is counted.

    Weights whose rows are not known are looked at when they are.
    """
    x: Any = operands.prediction
    if not isnan(prod(x.shape)):
        return plan, operands
    if isnan(prod(x.shape[1:])):
        raise ValueError(f"sizes of {x.shape} are unknown; call compute_chunk_sizes() first")
    rows = x if plan.row_axis is None else x[(slice(None),) * plan.row_axis + (0, ...)]
    sample: Any = operands.sample_weight
    where = operands.where
    if sample is not None:
        sample = da.map_blocks(of_rows, sample, rows, dtype=sample.dtype, meta=sample._meta)
    if plan.reduction == "mean" and where is None:
        plan, where = replace(plan, even=False), da.ones_like(rows, dtype=bool)
    return plan, operands._replace(sample_weight=sample, where=where)


def _log(x: Any) -> Any:
    engine = _dispatch.engine_of("x", x)
    return engine.run(engine.xp.log, x)


def _pick(x: Any, index: Any, axis: int) -> Any:
    return _dispatch.engine_of("x", x).xp.pick(x, index, axis)
