"""A loss of a linear head: the call of a loss of logits, checked beside the head that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from math import prod
from typing import Any, NamedTuple

from xent import _dispatch, _dtype, _options
from xent import _math as m
from xent._call import planned, seen
from xent._check import arguments, structure
from xent._engine import Engine
from xent._linear import BUDGET, DEVICE_BUDGET, Chunks, Gradients, Head
from xent._made import part_of
from xent._namespace import Sight
from xent._plan import Operands, Plan
from xent._request import Call, Outline, weighing
from xent._typing import Array


@dataclass(frozen=True)
class LinearCall:
    """What a caller asks of a linear loss: the call, but for the logits, and the head."""

    call: Call
    head: Mapping[str, Any]
    chunk_bytes: Any


def of_logits(
    loss_of_logits: Any, target: Any, features: Any, weight: Any, bias: Any, options: Any
) -> LinearCall:
    """Return the call of a loss of logits that a head makes of features."""
    options = dict(options)
    chunk_bytes = options.pop("chunk_bytes", _options.DEFAULTS["chunk_bytes"])
    call = part_of(loss_of_logits, "call")(target, logits=UNMADE, **options)
    return LinearCall(call, {"features": features, "weight": weight, "bias": bias}, chunk_bytes)


_NAME = "features @ weight.T"
"""What messages call them."""

UNMADE = object()
"""The logits, before their shape is known."""


class LinearProblem(NamedTuple):
    """A checked call of a linear loss."""

    engine: Engine
    plan: Plan
    operands: Operands
    head: Head
    chunks: Chunks
    given: Head

    def value(self) -> Array:
        """Return the value."""
        return self.engine.run(self._value)

    def value_and_gradient(self) -> tuple[Array, Gradients]:
        """Return the value, and the gradients by name."""
        return self.engine.run(self._value_and_gradient)

    def _value(self) -> Array:
        plan, xp = self._without_exp, self.engine.xp
        value = self.engine.linear_value(plan, self.head, self.operands, self.chunks)
        return self._shaped(value if plan is self.plan else xp.exp(value))

    def _value_and_gradient(self) -> tuple[Array, Gradients]:
        plan, xp = self._without_exp, self.engine.xp
        value, g = self.engine.linear_value_and_gradient(
            plan, self.head, self.operands, self.chunks
        )
        if plan is not self.plan:
            value = xp.exp(value)
            g = Gradients(*(None if x is None else _times(xp, x, value) for x in g))
        both = zip(g, self.given, strict=True)
        like = (
            None if x is None else _dtype.cast(xp, xp.reshape(d, x.shape), x.dtype) for d, x in both
        )
        return self._shaped(value), Gradients(*like)

    @property
    def _without_exp(self) -> Plan:
        """The plan, but for an exponential, which no chunk can take of its share of the cost."""
        return replace(self.plan, finish="none") if self.plan.finish == "exp" else self.plan

    def _shaped(self, value: Array) -> Array:
        if self.plan.reduction != "none":
            return value
        shape = tuple(self.given.features.shape[:-1])
        if self.plan.axis is None:
            shape += tuple(self.given.weight.shape[:-1])
        return self.engine.xp.reshape(value, shape)


def _times(xp: Any, g: Array, value: Array) -> Array:
    """Return ``g · value`` in the dtype of ``g``, 0 where that is."""
    product = m.silent(xp, _dtype.cast(xp, g, value.dtype), value)
    return _dtype.cast(xp, product, g.dtype)


def prepare(function: str, given: LinearCall) -> LinearProblem:
    """Check a call of a linear loss; return what runs it, its rows flat."""
    call, options = given.call, given.call.options
    arguments.exactly_one(function, **call.predictions)
    every = {**given.head, call.target_name: call.target, **weighing(options)}
    engine, arrays = _dispatch.resolve(every, like="features")
    of_head = Head(arrays["features"], arrays["weight"], arrays.get("bias"))
    structure.head(*of_head, narrow=call.elementwise)
    rows, classes = tuple(of_head.features.shape[:-1]), tuple(of_head.weight.shape[:-1])
    features, weight, bias = _in_one_dtype(engine, of_head)
    logits: Any = Outline((*rows, *classes), features.dtype)
    structure.last_axis(options.get("axis", -1), logits.ndim)
    sight = engine.sight(arrays.values()) if engine.has_devices else Sight.READABLE
    arrays[_NAME] = logits
    plan, operands = planned(engine, call, arrays, _NAME, "logits", sight)
    plan = seen(engine, call, plan, operands._replace(prediction=features), "features", sight)
    n, k, width = prod(rows), prod(classes), features.shape[-1]
    reshape = engine.xp.reshape
    head = Head(
        reshape(features, (n, width)),
        reshape(weight, (k, width)),
        None if bias is None else reshape(bias, (k,)),
    )
    if plan.axis is not None:
        plan = replace(plan, axis=1, row_axis=1)
    chunks = _chunks(given.chunk_bytes, plan, (n, k), engine.logit_size(features), width, sight)
    operands = _flat(engine.xp, plan, operands, rows, classes)._replace(prediction=head.features)
    return LinearProblem(engine, plan, operands, head, chunks, of_head)


def _chunks(
    given: Any, plan: Plan, shape: tuple[int, int], size: int, width: int, sight: Sight
) -> Chunks:
    """Return how the logits are cut, by what the caller gave or by where they are made."""
    elsewhere = sight is Sight.ELSEWHERE
    budget = structure.budget(given, DEVICE_BUDGET if elsewhere else BUDGET)
    budget = budget if plan.penalty is None else -(-budget // 2)  # it has a gradient of its own
    entire = plan.row_axis is not None and not plan.kernel.merges
    return Chunks(budget, shape, size, width, elsewhere, asked=given is not None, entire=entire)


def _in_one_dtype(engine: Engine, head: Head) -> Head:
    """Return the arrays of a head in the dtype of their product; a derivative is back in its own."""
    xp, dtypes = engine.xp, [x.dtype for x in head if x is not None]
    dtype = engine.product_dtype(reduce(partial(_dtype.wider, xp), dtypes), head.features)
    features, weight, bias = head
    bias = None if bias is None else _dtype.cast(xp, bias, dtype)
    return Head(_dtype.cast(xp, features, dtype), _dtype.cast(xp, weight, dtype), bias)


def _flat(
    xp: Any,
    plan: Plan,
    operands: Operands,
    rows: tuple[int, ...],
    classes: tuple[int, ...],
) -> Operands:
    """Return operands with one axis of rows, or of rows and one of classes."""
    wide = (prod(rows), prod(classes))
    row = wide if plan.axis is None else wide[:1]
    shapes = {
        "target": row if plan.target.by_label else wide,
        "sample_weight": row,
        "where": row,
    }
    flat: dict[str, Any] = {
        name: None if x is None else xp.reshape(x, shapes[name])
        for name, x in operands._asdict().items()
        if name in shapes
    }
    pos_weight = operands.pos_weight
    if pos_weight is not None and pos_weight.ndim > len(classes):  # it has an axis of rows
        last = pos_weight.shape[-1:] if classes else ()
        pos_weight = xp.broadcast_to(pos_weight, (*rows, *last))
        pos_weight = xp.reshape(pos_weight, (prod(rows), prod(last)))
    return operands._replace(pos_weight=pos_weight, **flat)
