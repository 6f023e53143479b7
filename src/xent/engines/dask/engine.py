"""Dask's verbs, and the engine that makes of a plan the tasks that run it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import isnan, log, prod
from typing import Any

import dask.array as da

from xent import _dispatch
from xent._elementary import LOGSUMEXP
from xent._engine import Engine
from xent._linear import Chunks, Gradients, Head
from xent._made_target import SOFTMAX_OF
from xent._namespace import Sight
from xent._plan import NOTHING, READY, Operands, Plan
from xent._rows import divided_by, times
from xent._target import LOGITS
from xent._typing import Array
from xent.engines.dask import linear, parts
from xent.engines.dask.graph import Graph
from xent.engines.dask.tasks import of_rows, recut, rows_of, uncut
from xent.engines.dask.verbs import DaskVerbs


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

    def follows(self, operands: Operands) -> bool:
        """Whether the library may differentiate what is computed: never."""
        return False

    def apply(self, function: Any, plan: Any, *arrays: Any) -> Any:
        """Return what a function makes of chunks of whole rows; of a head or an exponential, of all."""
        if not isinstance(plan, Plan) or plan.finish == "exp":
            return super().apply(function, plan, *arrays)
        given = _counted(plan, _with_whole_rows(plan, arrays[0], needed=True))
        made = parts.applied(self.xp, function, *given, arrays[1:])
        return tuple(recut(x, arrays[0].prediction) for x in made)

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call."""
        plan, operands = self._known(plan, operands)
        plan, operands = _counted(plan, _with_whole_rows(plan, operands))
        if plan.finish == "exp":
            return self.xp.exp(self.value(replace(plan, finish="none"), operands))
        if _are_calls(plan, operands):
            return parts.run(self.xp, plan, operands, sloped=False)[0]
        return super().value(plan, operands)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and its gradient with respect to the prediction."""
        given, (plan, operands) = operands, self._known(plan, operands)
        plan, operands = _counted(plan, _with_whole_rows(plan, operands))
        if plan.finish == "exp" and plan.reduction != "none":
            value, g = self._exponential(plan, operands)
        elif _are_calls(plan, operands):
            value, g = parts.run(self.xp, plan, operands, sloped=True)
        else:
            value, g = super().value_and_gradient(plan, operands)
        return value, recut(g, given.prediction)

    def _known(self, plan: Plan, operands: Operands) -> tuple[Plan, Operands]:
        """Return a target that is a softmax as its probabilities, where its rows are cut.

        They are the gradient of a logsumexp, whose statistics merge.
        """
        x: Any = operands.prediction
        if plan.target is not SOFTMAX_OF or plan.axis is None or x.numblocks[plan.axis] == 1:
            return plan, operands
        logits: Any = LOGITS.ready(self.xp, plan, operands, 0)
        of_row = Plan(LOGSUMEXP, NOTHING, "logits", plan.axis, plan.row_axis, plan.classes)
        graph = Graph(of_row, Operands(logits))
        statistics = graph.statistics()
        probs = graph.gradient(statistics, da.ones_like(graph.rows(statistics)))
        return replace(plan, target=READY), operands._replace(target=recut(probs, x))

    def _exponential(self, plan: Plan, operands: Operands) -> tuple[Any, Any]:
        """Return exp of the cost and its gradient, which is the cost's divided by exp(−cost).

        What is beyond half the range of the dtype multiplies last, in each chunk that has it.
        """
        xp, plan = self.xp, replace(plan, finish="none")
        plan, operands = divided_by(xp, plan, operands, rows_of(plan, operands), counted=True)
        cost: Any = self.value(plan, operands)
        within = xp.minimum(cost, log(xp.finfo(cost.dtype).max) / 2)
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
            weight: Any = head.weight
            head = Head(head.features, weight.rechunk(-1), uncut(head.bias, 0))
        logits = operands._replace(prediction=linear.logits_of(head))
        operands = _with_whole_rows(plan, logits)
        plan, operands = _counted(plan, operands)
        return linear.run(self.xp, plan, head, operands, chunks, sloped=sloped)


def _with_whole_rows(plan: Plan, operands: Operands, *, needed: bool = False) -> Operands:
    """Return operands whose rows are one chunk each, if the prediction's are or the plan needs them whole."""
    axis, target = plan.axis, operands.target
    x: Any = operands.prediction
    if operands.target_probs is not None:
        target, probs = (uncut(x, x.ndim - 1) for x in (target, operands.target_probs))
        operands = operands._replace(target=target, target_probs=probs)
    if axis is None:
        return operands
    whole = needed or not plan.kernel.merges
    if not whole and x.numblocks[axis] != 1:
        return operands
    target = target if plan.target.by_label else uncut(target, axis)
    weights = uncut(operands.class_weight, 0)
    if plan.row_axis is None:  # one for each class
        operands = operands._replace(sample_weight=uncut(operands.sample_weight, axis))
    second: Any = operands.target_weight
    if second is not None:
        bias = uncut(operands.target_bias, 0)
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


def _like_rows(x: Any, rows: Any) -> Any:
    return of_rows(x, tuple(rows.shape))


def _beyond(g: Any, excess: Any) -> Any:
    """Return the gradient times what its factor has beyond the range, 0 where it is 0."""
    if not excess > 0:
        return g
    engine = _dispatch.engine_of("g", g)
    return engine.run(times, engine.xp, g, engine.run(engine.xp.exp, excess))
