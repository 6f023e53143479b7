"""A loss of two arrays whose rows are pairs: a linear head, each row of one a class of the other's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, Generic, NamedTuple

from xent import _dispatch, _dtype
from xent._check import pairs as check
from xent._check import structure
from xent._engine import Engine
from xent._linear import Gradients, Head
from xent._linear_call import LinearCall, LinearProblem
from xent._linear_call import prepare as prepare_head
from xent._request import Call, weighing
from xent._target import without
from xent._typing import Array, R, R_co, Verbs


class ByTemperature(NamedTuple, Generic[R]):
    """The gradients of `contrastive_loss`."""

    a: R
    b: R
    temperature: R


class BySign(NamedTuple, Generic[R]):
    """The gradients of `sigmoid_contrastive_loss`."""

    a: R
    b: R
    scale: R
    bias: R


@dataclass(frozen=True)
class Pairs(Generic[R_co]):
    """How two arrays and some numbers make a head, and gradients of them of those of the head.

    Attributes
    ----------
    mutual : whether the columns of the logits are rows too, the loss being the mean of both
    head : of verbs, ``a`` and the numbers; the features that meet ``b``, and what is added to the logits
        of each of its rows, or None
    gradients : of verbs, the gradients of the head, ``a`` and the numbers; a named tuple of those of all
    """

    mutual: bool
    head: Callable[..., tuple[Array, Array | None]]
    gradients: Callable[..., R_co]


class PairCall(NamedTuple):
    """What a caller asks of a loss of pairs: the call of their logits, but for these, and both arrays."""

    call: Call
    pairs: Pairs[Any]
    a: Any
    b: Any
    numbers: Mapping[str, Any]
    chunk_bytes: Any


class PairProblem(NamedTuple, Generic[R_co]):
    """A checked call of a loss of pairs.

    Attributes
    ----------
    heads : that of ``a``; where the loss is mutual one of both directions, or one of each
    a, numbers : as they are computed with
    given : all that the gradients are of, in their order
    """

    engine: Engine
    pairs: Pairs[R_co]
    heads: list[LinearProblem]
    a: Array
    numbers: list[Array]
    given: list[Array]
    returns: None = None

    def value(self) -> Array:
        """Return the value."""
        value = reduce(add, (head.value() for head in self.heads))
        return value / 2 if self.pairs.mutual else value

    def value_and_gradient(self) -> tuple[Array, R_co]:
        """Return the value, and the gradients by name."""
        return self.engine.run(self._value_and_gradient)

    def _value_and_gradient(self) -> tuple[Array, R_co]:
        (value, g), *others = (head.value_and_gradient() for head in self.heads)
        for other, h in others:  # whose features are the classes of the first
            value = value + other
            g = Gradients(g.features + h.weight, g.weight + h.features, None)
        if self.pairs.mutual:
            value, g = value / 2, Gradients(g.features / 2, g.weight / 2, None)
        xp = self.engine.xp
        slopes: Any = self.pairs.gradients(xp, g, self.a, *self.numbers)
        both = zip(slopes, self.given, strict=True)
        return value, type(slopes)(*(self._like(d, x) for d, x in both))

    def _like(self, d: Array, x: Array) -> Array:
        """Return a gradient in the dtype of what it is of, and lying as that does."""
        d = _dtype.cast(self.engine.xp, d, x.dtype) if _dtype.is_floating(x) else d
        return self.engine.placed(d, x)


def prepare(function: str, given: PairCall) -> PairProblem[Any]:
    """Check a call of a loss of pairs; return what runs it."""
    numbers = {name: check.number(name, x) for name, x in given.numbers.items()}
    every = {"a": given.a, "b": given.b, **numbers, **weighing(given.call.options)}
    wider = check.wider(given.a, given.b)
    # Of the given array before NumPy warns of a cast; of what it became, as a library may have no float64.
    check.held(numbers, every[wider])
    engine, arrays = _dispatch.resolve(every, like=wider)
    check.held(numbers, arrays.get(wider))
    check.rows(*(structure.there(name, arrays) for name in ("a", "b")))
    where = arrays.get("where")
    structure.mask(where, arrays["a"].shape[:1])
    those = [arrays[name] for name in ("a", "b", *numbers)]
    *beside, mask = engine.beside([*those, where])
    a, b, features, bias, *own = engine.run(_made, engine.xp, given.pairs, mask, beside)
    labels = engine.xp.iota_of(a, a.shape[0], 1, 0)
    options = {name: arrays.get(name, x) for name, x in given.call.options.items()}
    call = replace(given.call, target=labels, options=options)

    def head(x: Array, y: Array) -> LinearProblem:
        made = LinearCall(call, Head(x, y, bias)._asdict(), given.chunk_bytes)
        return prepare_head(function, made)

    heads = [head(features, b)]
    if given.pairs.mutual:
        first = heads[0]
        both = _both_ways(first)
        at_once = first.engine.measures_columns(first.head, first.operands, both.chunks)
        heads = [both] if at_once else [first, head(b, features)]
    return PairProblem(engine, given.pairs, heads, a, own, those)


def _both_ways(first: LinearProblem) -> LinearProblem:
    """Return the problem of rows and columns together; as it keeps logits beside their gradient, of half
    as many at a time.
    """
    plan, chunks = replace(first.plan, mutual=True), replace(first.chunks, doubled=True)
    return first._replace(plan=plan, chunks=chunks)


def _made(xp: Verbs, pairs: Pairs[Any], where: Array | None, given: list[Array]) -> Any:
    """Return both arrays and the numbers as they are computed with, and the head that they make.

    A pair that is taken out is 0 and, by a logit of −inf, no other row's class.
    """
    a, b, *_ = given
    wider = _dtype.wider(xp, a.dtype, b.dtype)
    dtype = xp.float32 if _dtype.name(wider) in _dtype.HALF else wider
    a, b, *numbers = (_dtype.cast(xp, x, dtype) for x in given)
    a, b = (without(xp, x, where, 1, 0.0) for x in (a, b))
    features, bias = pairs.head(xp, a, *numbers)
    if where is not None:
        bias = xp.zeros_like(b[:, 0]) if bias is None else bias
        bias = xp.where(where, bias, -xp.inf)
    return a, b, features, bias, *numbers
