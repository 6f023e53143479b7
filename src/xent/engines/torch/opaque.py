"""A linear loss as one operation of torch's compiler, which sees nothing of its chunks.

A compiler that is shown the chunks puts them in an order of its own, and all logits are there at once. What
a call has that is no tensor is written as a text, of which the operation makes its plan again, in whatever
process it runs.
"""

from __future__ import annotations

import pickle
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx.experimental.symbolic_shapes import statically_known_true

from xent import _math as m
from xent._kernel import HOLE
from xent._linear import Chunks, Gradients, Wanted
from xent._nested import filled, mapped
from xent._plan import Operands, Plan, Target
from xent.engines.torch import tensor
from xent.engines.torch.device import DEVICE
from xent.engines.torch.made import HeadLoss, flat
from xent.engines.torch.values import PLAIN, TRACED


class Static(NamedTuple):
    """What a call has that is no tensor.

    Attributes
    ----------
    plan, chunks : those of the call, but for what its shapes say
    operands : all but the first, `HOLE` for a tensor and `float` for a number
    wanted : the gradients of features, weight and bias that may be asked for
    known : whether they are made with the value
    """

    plan: Plan
    chunks: Chunks
    operands: Any
    wanted: Wanted
    known: bool


def made(loss: HeadLoss, head: Any, *, known: bool = False) -> Any:
    """Return the value, with those beside it if any, and the gradients if ``known``; or None.

    None where all logits are one chunk, which a compiler may see, and where the plan can't be written.
    """
    features, chunks, (n, k) = head.features, loss.chunks, loss.chunks.shape
    elsewhere = features.device.type != tensor.HOST
    budget = replace(chunks, elsewhere=elsewhere).budget
    if statically_known_true(n * k * chunks.size <= budget):
        return None
    # Of half precision on a processor the gradients wait for the incoming one, as eager ones do unless
    # that is a one, which can't be seen here: they would be rounded a second time.
    known = known or (loss.known and (elsewhere or features.itemsize >= 4))
    plan = replace(loss.plan, classes=0, traced=False)
    chunks = replace(chunks, shape=(0, 0), width=0)
    given: list[Any] = []
    operands = _emptied(loss.operands[1:], given)
    text = _written(_apart((plan, chunks, operands, loss.wanted, known)))
    if not text:
        return None
    value, *more = _linear(text, *head, given)
    count = len(plan.beside)
    gradients = iter(more[count:])
    value = (value, tuple(more[:count])) if plan.beside else value
    return value, Gradients(*(next(gradients) if known and want else None for want in loss.wanted))


# --- what is no tensor, as a text ---


def _emptied(x: Any, given: list[Any]) -> Any:
    """Return operands with a mark in the place of each, which is added to the tensors that are ``given``."""

    def of(x: Any) -> Any:
        number = not isinstance(x, Tensor)
        given.append(tensor.symbol(x, torch.float64, tensor.HOST) if number else x)
        return float if number else HOLE

    return mapped(of, x)


def _filled(x: Any, given: Iterator[Any]) -> Any:
    """Return operands with what was given in the place of each mark."""

    def of(mark: Any, own: Any) -> Any:
        return own.item() if mark is float and tensor.visible([own]) else own

    return filled(of, x, given)


def _apart(x: Any) -> Any:
    """Return constants of which `_together` makes ``x``: torch.compile knows no other object's value."""
    if isinstance(x, Target):
        return (Target, type(x), x.name)
    if x is None or isinstance(x, (bool, int, float, str, Enum, type, FunctionType)):
        return x
    if isinstance(x, tuple):
        return (type(x), *map(_apart, x))
    if is_dataclass(x):
        return (type(x), *(_apart(getattr(x, f.name)) for f in fields(x)))
    return ...


def _together(x: Any) -> Any:
    """Return what was taken apart."""
    if not isinstance(x, tuple):
        if x is ...:
            raise TypeError("a parameter of a kernel that no text can hold")
        return x
    kind, parts = x[0], [_together(y) for y in x[1:]]
    if kind is Target:  # each is one, in the module of its class
        found = getattr(sys.modules[parts[0].__module__], parts[1])
        if type(found) is not parts[0]:
            raise TypeError("a target of one call")
        return found
    if is_dataclass(kind):
        made_by = next(vars(c) for c in x[0].__mro__ if "__init__" in vars(c))
        if "__dataclass_params__" not in made_by or not made_by["__dataclass_params__"].init:
            raise TypeError("a kernel that is more than its fields")
        names = [f.name for f in fields(kind)]
        return x[0](**dict(zip(names, parts, strict=True)))
    return kind(parts) if kind is tuple else kind(*parts)


_WRITTEN: dict[str, Static] = {}
"""What each text of this process stands for; programs hold texts, so that none is forgotten."""


@torch.compiler.assume_constant_result
def _written(constants: Any) -> str:
    """Return the text of a `Static`, none where there is something that can't be written."""
    try:
        static = Static(*_together(constants))
        text = b64encode(pickle.dumps(static)).decode()
    except (pickle.PicklingError, AttributeError, KeyError, TypeError):
        return ""
    while _WRITTEN.setdefault(text, static) != static:  # a class of that name is another one now
        text = f" {text}"
    return text


def _read(text: str) -> Static:
    """Return what a text stands for, of another process too: a program that is kept is trusted as code is."""
    static = _WRITTEN.get(text)
    return static or _WRITTEN.setdefault(text, pickle.loads(b64decode(text)))


def _loss(text: str, features: Any, weight: Any, bias: Any, given: Any) -> tuple[HeadLoss, Any]:
    """Return the loss of tensors whose values are there, or of what stands for them, and what made it."""
    static, (n, width), k = _read(text), features.shape, weight.shape[0]
    elsewhere = features.device.type != tensor.HOST
    chunks = replace(static.chunks, shape=(n, k), width=width, elsewhere=elsewhere)
    operands = Operands(features, *_filled(static.operands, iter(given)))
    own, plan = DEVICE if elsewhere else PLAIN, replace(static.plan, classes=k)
    loss = HeadLoss(TRACED, own, plan, operands, chunks, static.wanted)
    loss.known = static.known
    return loss, [x for x in (features, weight, bias) if x is not None]


# --- the operations ---

_GIVEN = "str text, Tensor features, Tensor weight, Tensor? bias, Tensor[] given"


_operation = partial(
    torch.library.custom_op, mutates_args=(), tags=(torch.Tag.cudagraph_unsafe,)
)  # it may compile what it runs


@_operation("xent::linear", schema=f"({_GIVEN}) -> Tensor[]")
def _linear(*args: Any) -> list[Any]:
    loss, inputs = _loss(*args)
    value, gradients = loss.made(*inputs)
    return [*flat(value), *_there(gradients or ())]


@_linear.register_fake
def _(*args: Any) -> list[Any]:
    loss, inputs = _loss(*args)
    values = flat(loss.plain(loss.operands[1:-1], *inputs))
    return [*values, *(_empty(loss, inputs) if loss.known else ())]


@_operation("xent::linear_gradient", schema=f"({_GIVEN}, Tensor[] ws) -> Tensor[]")
def _gradient(*args: Any) -> list[Any]:
    loss, inputs = _loss(*args[:-1])
    return _there(loss.again(args[-1], loss.operands[1:-1], *inputs))


@_gradient.register_fake
def _(*args: Any) -> list[Any]:
    return _empty(*_loss(*args[:-1]))


def _there(gradients: Any) -> list[Any]:
    """Return the gradients that are made, as they lie in memory by `_empty`."""
    return [g.contiguous() for g in gradients if g is not None]


def _empty(loss: HeadLoss, inputs: list[Any]) -> list[Any]:
    """Return tensors of the shapes and dtypes of the gradients that are wanted."""
    return [x.new_empty(x.shape) for x, want in zip(inputs, loss.wanted, strict=False) if want]


def _setup_context(ctx: Any, inputs: Any, output: Any) -> None:
    ctx.text, *head, given = inputs
    ctx.values, ctx.given = 1 + len(_read(ctx.text).plan.beside), len(given)
    ctx.save_for_backward(*head, *given, *output[ctx.values :])


def _backward(ctx: Any, ws: Any) -> Any:
    """Return the gradients times the incoming one, or made anew where that is not known yet."""
    if torch.is_grad_enabled():
        raise NotImplementedError(_ONCE)
    static, saved, stop = _read(ctx.text), ctx.saved_tensors, 3 + ctx.given
    head, given, gradients = saved[:3], saved[3:stop], saved[stop:]
    if static.known:
        scaled: Any = partial(m.scaled, TRACED.xp, ws[0])
        gradients = [scaled(g).to(g.dtype) for g in gradients]
    else:
        gradients = _gradient(ctx.text, *head, given, ws[: ctx.values])
    found = iter(gradients)
    wanted = (next(found) if want else None for want in static.wanted)
    return (None, *wanted, [None] * ctx.given)


_ONCE = (
    "inside torch.compile a linear loss is differentiated once; torch.compiler.disable(loss) keeps it from "
    "the compiler, but not in one graph"
)

_linear.register_autograd(_backward, setup_context=_setup_context)
