"""A linear loss as one operation of torch's compiler, which sees nothing of its chunks.

A compiler that is shown the chunks puts them in an order of its own, and all logits are there at once.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true

from xent import _math as m
from xent._linear import Chunks, Gradients, Wanted
from xent._plan import Operands, Plan
from xent.engines.torch import tensor
from xent.engines.torch.device import DEVICE
from xent.engines.torch.lent import PLAIN
from xent.engines.torch.made import HeadLoss, flat
from xent.engines.torch.values import TRACED
from xent.engines.torch.written import apart, emptied, filled, read, written


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
    operands = emptied(loss.operands[1:], given)
    text = written(apart(Static(plan, chunks, operands, loss.wanted, known)))
    if not text:
        return None
    value, *more = _linear(text, *head, given)
    count = len(plan.beside)
    gradients = iter(more[count:])
    value = (value, tuple(more[:count])) if plan.beside else value
    return value, Gradients(*(next(gradients) if known and want else None for want in loss.wanted))


def _loss(text: str, features: Any, weight: Any, bias: Any, given: Any) -> tuple[HeadLoss, Any]:
    """Return the loss of tensors whose values are there, or of what stands for them, and what made it."""
    static, (n, width), k = read(text), features.shape, weight.shape[0]
    elsewhere = features.device.type != tensor.HOST
    chunks = replace(static.chunks, shape=(n, k), width=width, elsewhere=elsewhere)
    operands = Operands(features, *filled(static.operands, iter(given)))
    own, plan = DEVICE if elsewhere else PLAIN, replace(static.plan, classes=k)
    loss = HeadLoss(TRACED, own, plan, operands, chunks, static.wanted)
    loss.known = static.known
    return loss, [x for x in (features, weight, bias) if x is not None]


# --- the operations ---

_GIVEN = "str text, Tensor features, Tensor weight, Tensor? bias, Tensor[] given"


# It may compile what it runs.
_TAGS = (torch.Tag.cudagraph_unsafe,)
_operation = partial(torch.library.custom_op, mutates_args=(), tags=_TAGS)


@_operation("xent::linear", schema=f"({_GIVEN}) -> Tensor[]")
def _linear(*args: Any) -> list[Any]:
    loss, inputs = _loss(*args)
    value, gradients = loss.made(loss.operands, *inputs)
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
    ctx.values, ctx.given = 1 + len(read(ctx.text).plan.beside), len(given)
    ctx.save_for_backward(*head, *given, *output[ctx.values :])


def _backward(ctx: Any, ws: Any) -> Any:
    """Return the gradients times the incoming one, or made anew where that is not known yet."""
    if torch.is_grad_enabled():
        raise NotImplementedError(_ONCE)
    static, saved, stop = read(ctx.text), ctx.saved_tensors, 3 + ctx.given
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
