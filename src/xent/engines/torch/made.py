"""A value with its gradients made beside it: of a loss, and of a linear head whose logits are dropped."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch

from xent import _math as m
from xent._beside import values_of
from xent._engine import value_of
from xent._linear import Chunks, Head, Wanted
from xent._plan import Operands, Plan
from xent._rows import divided_by
from xent.engines import head as heads
from xent.engines.columns import value_of_both
from xent.engines.head_loop import with_logits
from xent.engines.torch import half, tensor
from xent.engines.torch.tensor import eager
from xent.engines.torch.values import UNSEEN


class Made(torch.autograd.Function):
    """A value with its gradients made beside it, to be scaled by the incoming one.

    A second backward makes them again, and one that is to be differentiated does so from the plain
    value: so nothing but time is lost by either.
    """

    @staticmethod
    def forward(ctx: Any, loss: Any, *inputs: Any) -> Any:
        made, ctx.gradients = loss.made(loss.operands, *inputs)
        ctx.loss, ctx.count = loss, len(inputs)
        value = made
        if loss.plan.beside:  # a function returns no tuple in a tuple
            value = (made[0], *made[1])
            if ctx.gradients is not None:
                ctx.mark_non_differentiable(*made[1])
        # Autograd keeps all tensors, and frees them; the loss keeps none.
        others, loss.operands = loss.operands[1:-1], None
        ctx.save_for_backward(*inputs, *others)
        return value

    @staticmethod
    def backward(ctx: Any, *ws: Any) -> Any:
        if torch.is_grad_enabled():
            return _followed(ctx, ws)
        gradients, ctx.gradients = ctx.gradients, None
        known = None if gradients is None else _scaled(gradients, ws[0])
        return (None, *(_again(ctx, ws) if known is None else known)[: ctx.count])


def _followed(ctx: Any, ws: Any) -> Any:
    """Return the gradients as autograd can differentiate them.

    Of tensors of their own: one may have been made of another, whose derivative is not this one.
    """
    saved, count, wanted = ctx.saved_tensors, ctx.count, ctx.needs_input_grad[1:]
    each = zip(saved[:count], wanted, strict=True)
    inputs = tuple(x.view_as(x) if want else x for x, want in each)
    sought = [x for x, want in zip(inputs, wanted, strict=True) if want]
    values, some = _learned(flat(ctx.loss.plain(saved[count:], *inputs)), ws)
    found = iter(torch.autograd.grad(values, sought, some, create_graph=True))
    return (None, *(next(found) if want else None for want in wanted))


def _again(ctx: Any, ws: Any) -> Any:
    """Return gradients that are no longer there, to the last bit as at first, or that can't be scaled."""
    loss, saved, count = ctx.loss, ctx.saved_tensors, ctx.count
    inputs, others = saved[:count], saved[count:]
    known = None
    if loss.known and not _is_refused(inputs, ws[0]):
        _, gradients = loss.made(loss.with_others(inputs[0], others), *inputs)
        known = _scaled(gradients, ws[0])
    return loss.again(ws, others, *inputs) if known is None else known


def flat(value: Any) -> list[Any]:
    """Return a value, and those beside it if any."""
    return [value[0], *value[1]] if isinstance(value, tuple) else [value]


def _scaled(gradients: Any, w: Any) -> Any:
    """Return the gradients times the incoming one, written over where that is a number; or None.

    None where that is refused.
    """
    here = eager((w,))
    factor = w.item() if here and w.device.type == tensor.HOST else None
    if factor == 1:
        return gradients
    if _is_refused(gradients, w):
        return None
    if here and factor != 0:
        return [None if g is None else g.mul_(w) for g in gradients]
    return [None if g is None else m.scaled(UNSEEN.xp, w, g) for g in gradients]


def _is_refused(tensors: Any, w: Any) -> bool:
    """Whether to scale by ``w`` would round one in half precision a second time, as far as can be seen."""
    if not any(x is not None and x.dtype in _HALF for x in tensors):
        return False
    here = eager((w,))
    factor = w.item() if here and w.device.type == tensor.HOST else None
    return factor != 1 and not (factor == 0 if factor is not None else here)


def _learned(values: list[Any], ws: Any) -> tuple[list[Any], list[Any]]:
    """Return the values that what is learned takes part in, and what is pulled back of each."""
    pairs = [(x, w) for x, w in zip(values, ws, strict=False) if x.requires_grad]
    return [x for x, _ in pairs], [w for _, w in pairs]


_HALF = (torch.float16, torch.bfloat16)


class Loss:
    """A loss of which the prediction alone is differentiated."""

    known = True
    """Whether its gradients are made with its value."""

    def __init__(self, engine: Any, own: Any, plan: Plan, operands: Operands) -> None:
        self.engine, self.own, self.plan = engine, own, plan
        self.operands: Any = operands
        self.numbers = operands.numbers

    def with_others(self, x: Any, others: Any) -> Operands:
        """Return the operands again."""
        return Operands._make((x, *others, self.numbers))

    def made(self, operands: Operands, x: Any) -> Any:
        """Return the value and the gradient."""
        value, g = self.own.value_and_gradient(self.plan, operands)
        return value, (g,)

    def plain(self, others: tuple[Any, ...], x: Any) -> Any:
        """Return the value, for autograd to follow."""
        return value_of(self.engine, self.plan, self.with_others(x, others))

    def again(self, ws: Any, others: tuple[Any, ...], x: Any) -> Any:
        """Return the gradient of w · value."""
        return gradients_of(partial(self.plain, others), [x], [True], ws)


class HeadLoss(Loss):
    """A loss of a linear head of which the head's inputs alone are differentiated."""

    def __init__(
        self,
        engine: Any,
        own: Any,
        plan: Plan,
        operands: Operands,
        chunks: Chunks,
        wanted: Wanted,
    ) -> None:
        super().__init__(engine, own, plan, operands)
        self.chunks, self.wanted = chunks, wanted
        dtype: Any = operands.prediction.dtype
        self.known = any(wanted) and plan.reduction != "none" and dtype != torch.float16

    @property
    def rows(self) -> tuple[int, ...]:
        """The shape of what has one entry per value."""
        return self.chunks.shape if self.plan.row_axis is None else self.chunks.shape[:1]

    def made(self, operands: Operands, *inputs: Any) -> Any:
        """Return the value, and the gradients where they are known with it."""
        operands = operands._replace(prediction=inputs[0])
        wanted = self.wanted if self.known else None
        return heads.run(self.own, self.plan, Head(*inputs), operands, self.chunks, wanted)

    def plain(self, others: tuple[Any, ...], *inputs: Any) -> Any:
        """Return the value of whole logits, for autograd to follow."""
        operands = self.with_others(inputs[0], others)
        return of_logits(self.engine, self.plan, operands, self.chunks.size >= 4, *inputs)

    def again(self, ws: Any, others: tuple[Any, ...], *inputs: Any) -> Any:
        """Return the gradients of Σ w · value, of the value and of those beside it."""
        if not eager(ws):  # a batch of incoming gradients
            return gradients_of(partial(self.plain, others), inputs, self.wanted, ws)
        # It is the sum, or the mean, of rows that w weighs too.
        plan, operands = self.plan, self.with_others(inputs[0], others)
        sample = operands.sample_weight
        rows = self.rows
        w, *beside = (w.expand(rows) for w in ws)
        plan, some = divided_by(self.own.xp, plan, operands, rows)
        w = w if sample is None else w * sample
        some = some._replace(sample_weight=torch.stack([w, *beside], -1) if beside else w)
        summed = "sum" if plan.reduction == "none" else plan.reduction
        plan = replace(plan, reduction=summed, even=False)
        return heads.run(self.own, plan, Head(*inputs), some, self.chunks, self.wanted)[1]


def of_logits(
    engine: Any, plan: Plan, operands: Operands, wide: bool, features: Any, *head: Any
) -> Any:
    """Return the value of whole logits, made in float32 if ``wide``, for autograd to follow."""
    product = partial(half.linear, wide=wide)
    _, operands = with_logits(engine.xp, plan, operands, product, Head(features, *head))
    return values_of(partial(value_of_both, engine.value, engine.xp), plan, operands)


def gradients_of(plain: Any, inputs: Any, wanted: Any, ws: Any) -> list[Any]:
    """Return the gradients of w · plain of the inputs that are wanted, None for the others."""
    with torch.enable_grad():
        both = zip(inputs, wanted, strict=False)
        inputs = [x if x is None else x.detach().requires_grad_(want) for x, want in both]
        sought = [x for x in inputs if x is not None and x.requires_grad]
        values, some = _learned(flat(plain(*inputs)), ws)
        found = iter(torch.autograd.grad(values, sought, some))
    return [next(found) if want else None for want in wanted]
