"""Dask's verbs, and the engine that makes of a plan the tasks that run it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import isnan, log, nan, prod
from typing import Any

import dask.array as da

from xent import _dispatch, _dtype
from xent import _math as m
from xent import _target as targets
from xent._engine import Engine
from xent._linear import Chunks, Gradients, Head
from xent._namespace import Namespace, Sight
from xent._plan import Operands, Plan
from xent._rows import divided_by
from xent._typing import Array
from xent.engines.dask import linear, parts
from xent.engines.dask.graph import Graph
from xent.engines.dask.tasks import CLASS, of_rows, recut, rows_of, uncut


class DaskVerbs(Namespace):
    """The verbs as Dask lacks them, or would warn in them."""

    def log(self, x: Any) -> Any:
        """Return log ``x``, computed by the engine of each chunk, without its warnings."""
        return da.map_blocks(_log, x, dtype=x.dtype, meta=x._meta)

    def reshape(self, x: Any, shape: Any) -> Any:
        """Return ``x`` in another shape; of rows of an unknown number, each chunk by itself."""
        if 0 in x.shape:
            return da.zeros_like(x, shape=tuple(max(n, 0) for n in shape))
        if not isnan(prod(x.shape)):
            return da.reshape(x, shape)
        if x.ndim == len(shape):
            return x
        _known(x.shape[1:], x.shape)
        x = x.rechunk(dict.fromkeys(range(1, x.ndim), -1))
        others = tuple(shape[1:])
        return da.map_blocks(
            _rows_of,
            x,
            others,
            dtype=x.dtype,
            drop_axis=list(range(1, x.ndim)),
            new_axis=list(range(1, len(shape))),
            chunks=((nan,) * x.numblocks[0], *((n,) for n in others)),
            meta=da.utils.meta_from_array(x._meta, len(shape)),
        )

    def clip(self, x: Any, min: Any = None, max: Any = None) -> Any:
        """Return ``x`` within limits; its sizes may be unknown."""
        x = x if min is None else da.maximum(x, min)
        return x if max is None else da.minimum(x, max)

    def first_peak(self, x: Any, axis: int) -> Any:
        """Return the index of the first maximum; the axis is brought into one chunk."""
        here, there, axis = _across(x, axis)
        options = {"dtype": self.integer, "concatenate": True, "new_axes": {axis: 1}}
        return da.blockwise(_first_peak, here, x, there, axis=axis, **options)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``; the axis is brought into one chunk."""
        here, there, axis = _across(x, axis)
        return da.blockwise(
            _pick, here, x, there, index, here, axis=axis, dtype=x.dtype, concatenate=True
        )


def _across(x: Any, axis: int) -> tuple[Any, Any, int]:
    """Return the axes of a result and of ``x``, whose ``axis`` has another size, and that."""
    here, axis = tuple(range(x.ndim)), axis % x.ndim
    return here, tuple(CLASS if i == axis else i for i in here), axis


class Dask(Engine):
    """Runs plans chunk by chunk, when the caller computes what it returns."""

    namespace = DaskVerbs
    takes_constants = True
    measures_beside = False

    def together(self, arrays: Mapping[str, Any]) -> Any:
        """Return nothing, as chunks may lie anywhere; raise where these would not be arrays."""
        for name, x in arrays.items():
            if x is not None:
                _dispatch.engine_of(name, x._meta)

    def apply(self, function: Any, plan: Any, *arrays: Any) -> Any:
        """Return what a function makes of chunks of whole rows; of a head or an exponential, of all."""
        if not isinstance(plan, Plan) or plan.finish == "exp":
            return super().apply(function, plan, *arrays)
        given = _counted(plan, _with_whole_rows(plan, arrays[0], needed=True))
        made = parts.applied(self.xp, function, *given, arrays[1:])
        return tuple(recut(x, arrays[0].prediction) for x in made)

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call."""
        plan, operands = _counted(plan, _with_whole_rows(plan, operands))
        if plan.finish == "exp":
            return self.xp.exp(self.value(replace(plan, finish="none"), operands))
        if _are_calls(plan, operands):
            return parts.run(self.xp, plan, operands, sloped=False)[0]
        return super().value(plan, operands)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and its gradient with respect to the prediction."""
        given, (plan, operands) = operands, _counted(plan, _with_whole_rows(plan, operands))
        if plan.finish == "exp" and plan.reduction != "none":
            value, g = self._exponential(plan, operands)
        elif _are_calls(plan, operands):
            value, g = parts.run(self.xp, plan, operands, sloped=True)
        else:
            value, g = super().value_and_gradient(plan, operands)
        return value, recut(g, given.prediction)

    def _exponential(self, plan: Plan, operands: Operands) -> tuple[Any, Any]:
        """Return exp of the cost and its gradient, which is the cost's divided by exp(−cost).

        What is beyond the range of the dtype multiplies last, in each chunk that has it.
        """
        xp, plan = self.xp, replace(plan, finish="none")
        plan, operands = divided_by(xp, plan, operands, rows_of(plan, operands), counted=True)
        cost: Any = self.value(plan, operands)
        within = xp.minimum(cost, log(xp.finfo(cost.dtype).max) - 1)
        divisor = xp.exp(-within)
        if operands.denominator is not None:
            divisor = divisor * operands.denominator
        plan = replace(plan, reduction="mean", even=False)
        g: Any = self.value_and_gradient(plan, operands._replace(denominator=divisor))[1]
        return xp.exp(cost), da.map_blocks(_beyond, g, cost - within, dtype=g.dtype, meta=g._meta)

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
        """Return the value of a linear loss."""
        return self._linear(plan, head, operands, chunks, sloped=False)[0]

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients."""
        return self._linear(plan, head, operands, chunks, sloped=True)

    def _linear(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks, *, sloped: bool
    ) -> tuple[Any, Any]:
        if not plan.kernel.merges:
            bias = None if head.bias is None else uncut(head.bias, 0)
            weight: Any = head.weight
            head = Head(head.features, weight.rechunk(-1), bias)
        logits = operands._replace(prediction=linear.logits_of(head))
        operands = _with_whole_rows(plan, logits)
        plan, operands = _counted(plan, operands)
        return linear.run(self.xp, plan, head, operands, chunks, sloped=sloped)

    def logit_size(self, features: Array) -> int:
        """Return the bytes of a logit, as NumPy makes it."""
        return max(4, _dtype.size(features))


def _with_whole_rows(plan: Plan, operands: Operands, *, needed: bool = False) -> Operands:
    """Return operands whose rows are one chunk each, if the prediction's are or the plan needs them whole."""
    axis, target, weights = plan.axis, operands.target, operands.class_weight
    x: Any = operands.prediction
    if operands.target_probs is not None:
        target, probs = (uncut(x, x.ndim - 1) for x in (target, operands.target_probs))
        operands = operands._replace(target=target, target_probs=probs)
    if axis is None:
        return operands
    whole = needed or not plan.kernel.merges or plan.target is targets.SOFTMAX_OF
    if not whole and x.numblocks[axis] != 1:
        return operands
    if target is not None and not plan.target.by_label:
        target = uncut(target, axis)
    weights = None if weights is None else uncut(weights, 0)
    if plan.row_axis is None and operands.sample_weight is not None:  # one for each class
        operands = operands._replace(sample_weight=uncut(operands.sample_weight, axis))
    second: Any = operands.target_weight
    if second is not None:
        bias = operands.target_bias
        bias = None if bias is None else uncut(bias, 0)
        operands = operands._replace(target_weight=second.rechunk(-1), target_bias=bias)
    return operands._replace(prediction=uncut(x, axis), target=target, class_weight=weights)


def _are_calls(plan: Plan, operands: Operands) -> bool:
    """Whether each chunk has whole rows, and its value is a share of a sum, or all that is asked of it."""
    x: Any = operands.prediction
    whole = plan.axis is None or x.numblocks[plan.axis] == 1
    return whole and plan.finish != "exp" and plan.reduction != "prod"


def _counted(plan: Plan, operands: Operands) -> tuple[Plan, Operands]:
    """Return plan and operands with a mask of all rows where a mean can't know their number: it is counted.

    Weights whose rows are not known are looked at when they are.
    """
    x: Any = operands.prediction
    if not isnan(prod(x.shape)):
        return plan, operands
    rows = x if plan.row_axis is None else x[(slice(None),) * plan.row_axis + (0, ...)]
    sample: Any = operands.sample_weight
    where = operands.where
    if sample is not None:
        sample = da.map_blocks(_like_rows, sample, rows, dtype=sample.dtype, meta=sample._meta)
    if plan.reduction == "mean" and where is None:
        plan, where = replace(plan, even=False), da.ones_like(rows, dtype=bool)
    return plan, operands._replace(sample_weight=sample, where=where)


def _known(sizes: Any, shape: Any) -> None:
    """Raise unless the sizes are known."""
    if isnan(prod(sizes)):
        raise ValueError(f"sizes of {shape} are unknown; call compute_chunk_sizes() first")


def _like_rows(x: Any, rows: Any) -> Any:
    return of_rows(x, tuple(rows.shape))


def _beyond(g: Any, excess: Any) -> Any:
    """Return the gradient times what its factor has beyond the range, 0 where it is 0."""
    if not excess > 0:
        return g
    engine = _dispatch.engine_of("g", g)
    return engine.run(_times_exp, engine.xp, g, excess)


def _times_exp(xp: Any, g: Any, excess: Any) -> Any:
    product = m.silent(xp, _dtype.cast(xp, g, excess.dtype), xp.exp(excess))
    return _dtype.cast(xp, product, g.dtype)


def _rows_of(x: Any, shape: Any) -> Any:
    return x.reshape((prod(x.shape) // max(1, prod(shape)), *shape))


def _log(x: Any) -> Any:
    engine = _dispatch.engine_of("x", x)
    return engine.run(engine.xp.log, x)


def _first_peak(x: Any, axis: int) -> Any:
    return _dispatch.engine_of("x", x).xp.first_peak(x, axis)


def _pick(x: Any, index: Any, axis: int) -> Any:
    return _dispatch.engine_of("x", x).xp.pick(x, index, axis)
