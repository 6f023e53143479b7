"""A loss of a linear head: the call of a loss of logits, checked beside the head that makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from math import prod
from typing import Any, NamedTuple, Protocol

from xent import _dispatch, _dtype
from xent._beside import slopes_of, values_of
from xent._call import planned, seen
from xent._check import arguments, structure
from xent._engine import Engine
from xent._linear import Chunks, Gradients, Head
from xent._made import part_of
from xent._namespace import Sight
from xent._plan import Operands, Plan
from xent._request import Call, Outline, weighing, with_numbers
from xent._rows import times
from xent._sparse import SparseDistribution
from xent._sparse_target import apart
from xent._typing import Array


@dataclass(frozen=True)
class LinearCall:
    """What a caller asks of a linear loss: the call, but for the logits, and the head.

    Where a second head makes the target's logits its arrays are those of the ``teacher``, by their names.
    """

    call: Call
    head: Mapping[str, Any]
    chunk_bytes: Any
    teacher: Mapping[str, Any] = field(default_factory=dict)


def of_logits(
    loss_of_logits: Any, target: Any, features: Any, weight: Any, bias: Any, options: Any
) -> LinearCall:
    """Return the call of a loss of logits that a head makes of features; the options are ours to take."""
    chunk_bytes = options.pop("chunk_bytes", None)
    call = part_of(loss_of_logits, "call")(target, logits=UNMADE, **options)
    return LinearCall(call, {"features": features, "weight": weight, "bias": bias}, chunk_bytes)


def of_two_heads(
    loss_of_logits: Any, teacher: tuple[Any, ...], student: tuple[Any, ...], options: Any
) -> LinearCall:
    """Return the call of a loss of two rows of logits, each of which a head makes of its features."""
    chunk_bytes = options.pop("chunk_bytes", None)
    call = part_of(loss_of_logits, "call")(target_logits=UNMADE, logits=UNMADE, **options)
    head = dict(zip(Head._fields, student, strict=True))
    of = {f"target_{name}": x for name, x in zip(Head._fields, teacher, strict=True)}
    return LinearCall(replace(call, target_name=_TARGET), head, chunk_bytes, of)


LOGITS, _TARGET = "features @ weight.T", "target_features @ target_weight.T"
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
    returns: Callable[..., Any] | None = None

    def value(self) -> Any:
        """Return the value."""
        return self.engine.run(self._value)

    def value_and_gradient(self) -> tuple[Any, Gradients]:
        """Return the value, and the gradients by name."""
        return self.engine.run(self._value_and_gradient)

    def _value(self) -> Any:
        plan, xp = self._without_exp, self.engine.xp
        if self.engine.measures_beside:
            value = self._value_of(plan, self.operands)
        else:
            value = values_of(self._value_of, plan, self.operands)
        return self._shaped(value if plan is self.plan else xp.exp(value))

    def _value_of(self, plan: Plan, operands: Operands) -> Any:
        return self.engine.linear_value(plan, self.head, operands, self.chunks)

    def _both_of(self, plan: Plan, operands: Operands) -> tuple[Any, Gradients]:
        return self.engine.linear_value_and_gradient(plan, self.head, operands, self.chunks)

    def _value_and_gradient(self) -> tuple[Any, Gradients]:
        plan, xp = self._without_exp, self.engine.xp
        if self.engine.measures_beside or not plan.beside:
            value, g = self._both_of(plan, self.operands)
        else:
            value, g = slopes_of(self._value_of, self._both_of, plan, self.operands)
        if plan is not self.plan:
            value = xp.exp(value)
            g = Gradients(*(None if x is None else times(xp, x, value) for x in g))
        return self._shaped(value), self.like(g)

    def like(self, g: Gradients) -> Gradients:
        """Return derivatives in the shapes and dtypes of what was given."""
        xp, both = self.engine.xp, zip(g, self.given, strict=True)

        def of(d: Any, x: Any) -> Any:
            return self.engine.placed(_dtype.cast(xp, xp.reshape(d, x.shape), x.dtype), x)

        return Gradients(*(None if x is None else of(d, x) for d, x in both))

    @property
    def _without_exp(self) -> Plan:
        """The plan, but for an exponential, which no chunk can take of its share of the cost."""
        return replace(self.plan, finish="none") if self.plan.finish == "exp" else self.plan

    def flat(self, x: Array) -> Array:
        """Return what has one entry per value as the plan counts rows: along one axis."""
        own = self.operands.prediction.shape[:1]
        if self.plan.axis is None:
            own = (*own, self.head.weight.shape[0])
        return self.engine.xp.reshape(x, own)

    def _shaped(self, value: Any) -> Any:
        shape = tuple(self.given.features.shape[:-1])
        if self.plan.axis is None:
            shape += tuple(self.given.weight.shape[:-1])
        reshape = self.engine.xp.reshape
        value, beside = value if self.plan.beside else (value, ())
        if self.plan.reduction == "none":
            value = reshape(value, shape)
        beside = tuple(reshape(x, shape) for x in beside)
        return value if self.returns is None else self.returns(value, beside)


class LossOfHead(Protocol):
    """What a checker knows of every loss of a linear head; each adds the arguments that it takes."""

    __name__: str

    @property
    def problem(self) -> Callable[..., LinearProblem]: ...


def prepare(function: str, given: LinearCall) -> LinearProblem:
    """Check a call of a linear loss; return what runs it, its rows flat."""
    call, options = given.call, given.call.options
    arguments.exactly_one(function, **call.predictions)
    target = given.teacher or {call.target_name: call.target}
    if type(call.target) is SparseDistribution:
        call, target = apart(call)
    every = {**given.head, **target, **weighing(options)}
    engine, arrays = _dispatch.resolve(every, like="features")
    engine, arrays = with_numbers(engine, arrays, every, call.kernels, "features")
    of_head = _head(arrays, narrow=call.elementwise)
    rows, classes = tuple(of_head.features.shape[:-1]), tuple(of_head.weight.shape[:-1])
    head = _flat_head(engine, of_head)
    sight = engine.sight(arrays.values()) if engine.has_devices else Sight.READABLE
    second = _second(engine, arrays) if given.teacher else {}
    logits = arrays[LOGITS] = _outline(of_head, head)
    structure.last_axis(options.get("axis", -1), logits.ndim)
    plan, operands = planned(engine, call, arrays, LOGITS, "logits", sight)
    operands = operands._replace(prediction=head.features, **second)
    plan = seen(engine, call, plan, operands, "features", sight)
    if plan.axis is not None:
        plan = replace(plan, axis=1, row_axis=1)
    operands = _flat(engine.xp, plan, operands, rows, classes)
    size = engine.logit_size(head.features)
    chunks = _chunks(given.chunk_bytes, plan, head, size, sight, two=len(second) > 0)
    return LinearProblem(engine, plan, operands, head, chunks, of_head, call.returns)


def _second(engine: Engine, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return a second head's operands, and put among the arrays what stands for its logits."""
    head = _head(arrays, of="target_")
    flat = _flat_head(engine, head)
    arrays[_TARGET] = _outline(head, flat)
    return {"target": flat.features, "target_weight": flat.weight, "target_bias": flat.bias}


def _head(arrays: Mapping[str, Any], *, narrow: bool = False, of: str = "") -> Head:
    """Return the head of arrays that have these names after ``of``, once it is known to be one."""
    features = structure.there(f"{of}features", arrays)
    head = Head(features, structure.there(f"{of}weight", arrays), arrays.get(f"{of}bias"))
    structure.head(*head, narrow=narrow, of=of)
    return head


def _outline(head: Head, flat: Head) -> Any:
    """Return shape and dtype of the logits of a head, which stand for these where they are checked."""
    return Outline((*head.features.shape[:-1], *head.weight.shape[:-1]), flat.features.dtype)


def _chunks(given: Any, plan: Plan, head: Head, size: int, sight: Sight, *, two: bool) -> Chunks:
    """Return how the logits are cut, by what the caller gave or by where they are made."""
    entire = plan.row_axis is not None and not plan.kernel.merges
    doubled = two or plan.penalty is not None or len(plan.beside) > 0
    (n, width), k = head.features.shape, head.weight.shape[0]
    where = sight is Sight.ELSEWHERE
    return Chunks(structure.budget(given), (n, k), size, width, where, entire, doubled)


def _flat_head(engine: Engine, head: Head) -> Head:
    """Return a head in the dtype of its product, with one axis of rows and one of classes.

    A derivative is back in its own shape and dtype.
    """
    xp, dtypes = engine.xp, [x.dtype for x in head if x is not None]
    dtype = engine.product_dtype(reduce(partial(_dtype.wider, xp), dtypes), head.features)
    (*rows, width), k = head.features.shape, prod(head.weight.shape[:-1])
    shapes = (prod(rows), width), (k, width), (k,)
    each = zip(head, shapes, strict=True)
    flat: Any = (
        None if x is None else _dtype.cast(xp, xp.reshape(x, shape), dtype) for x, shape in each
    )
    return Head(*flat)


def _flat(
    xp: Any, plan: Plan, operands: Operands, rows: tuple[int, ...], classes: tuple[int, ...]
) -> Operands:
    """Return operands with one axis of rows, or of rows and one of classes."""
    wide = (prod(rows), prod(classes))
    row = wide if plan.axis is None else wide[:1]
    probs = operands.target_probs
    of_entries = (*row, probs.shape[-1]) if probs is not None else row
    shapes = {"target_probs": of_entries, "sample_weight": row, "where": row}
    if operands.target_weight is None:
        shapes["target"] = of_entries if plan.target.by_label else wide
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
