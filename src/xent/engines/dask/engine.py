"""Dask's verbs, and the engine that makes of a plan the tasks that run it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dask.array as da

from xent import _dispatch, _dtype
from xent._engine import Engine, Sight
from xent._linear import ALL, Chunks, Gradients, Head
from xent._namespace import Namespace
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines.dask.graph import CLASS, Graph
from xent.engines.dask.linear import Parts


class DaskVerbs(Namespace):
    """The verbs as Dask lacks them, or would warn in them."""

    def log(self, x: Any) -> Any:
        """Return log ``x``, computed by the engine of each chunk, without its warnings."""
        return da.map_blocks(_log, x, dtype=x.dtype, meta=x._meta)

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
        return Parts(self.xp, plan, head, operands, chunks, None).value()

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients, the sums of the chunks' own."""
        parts = Parts(self.xp, plan, head, operands, chunks, ALL)
        bias = None if head.bias is None else parts.total("bias", head.bias)
        g = Gradients(parts.features(), parts.total("weight", head.weight), bias)
        return parts.value(), g

    def logit_size(self, features: Array) -> int:
        """Return the bytes of a logit, as NumPy makes it."""
        return max(4, _dtype.size(features))


def _log(x: Any) -> Any:
    engine = _dispatch.engine_of("x", x)
    return engine.run(engine.xp.log, x)


def _pick(x: Any, index: Any, axis: int) -> Any:
    return _dispatch.engine_of("x", x).xp.pick(x, index, axis)
