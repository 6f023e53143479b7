"""The kernels' gradients as torch's derivatives: of every order, backwards and forwards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from xent import _math as m
from xent._engine import Engine
from xent._plan import Numbers, Operands, Plan
from xent._rows import ones, rows_and_gradient_of
from xent._target import along, ready
from xent.engines.torch.choice import gradient_of_values, rows_of_values
from xent.engines.torch.tensor import differentiable, once_forwards


@dataclass(frozen=True)
class Work:
    """What a `Rows` computes of its tensors; one object, as `torch.func` takes tuples apart."""

    engine: Engine
    plan: Plan
    numbers: Numbers


def operands_of(numbers: Numbers, saved: Any) -> Operands:
    """Return operands of what was saved of them."""
    keep, class_weight, pos_weight, prediction, *targets = saved
    target: Any = targets[0] if len(targets) == 1 else tuple(targets)
    weights = class_weight, pos_weight
    return Operands(prediction, target, *weights, where=keep, numbers=numbers)


class Compiled(torch.autograd.Function):
    """The rows of a plan; the kernel's gradient is the backward pass, itself differentiable.

    In a class of its own, because torch.compile refuses one with a jvp.
    """

    @staticmethod
    def forward(work: Work, *saved: Any) -> Any:
        return rows_of_values(work.engine, work.plan, operands_of(work.numbers, saved))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.work, *saved = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*saved)
        ctx.save_for_forward(*saved)

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        if w is None:
            return (None,) * len(ctx.needs_input_grad)
        engine, plan = ctx.work.engine, ctx.work.plan
        operands = operands_of(ctx.work.numbers, ctx.saved_tensors)
        wanted = ctx.needs_input_grad[4:]
        g: Any = None
        if wanted[0]:
            # Under a transform the incoming gradient may be a batch of them: no blocks.
            if torch.is_grad_enabled():
                g = rows_and_gradient_of(engine.xp, plan, operands, w)[1]
            else:
                g = gradient_of_values(engine, plan, operands, w)[1]
        d_targets = [None] * (len(wanted) - 1)
        if any(wanted[1:]):
            d_targets = target_gradients(engine, plan, operands, w)
        return (None,) * 4 + (g, *d_targets)


class Rows(Compiled):
    """The same with a forward mode, and with a rule for `vmap`."""

    generate_vmap_rule = True

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        once_forwards()
        engine, plan = ctx.work.engine, ctx.work.plan
        operands = operands_of(ctx.work.numbers, ctx.saved_tensors)
        d_prediction, *d_targets = tangents[4:]
        if plan.kernel.shape == "block":
            # The gradient is linear in w: the derivative along a tangent is its transpose.
            slope = partial(rows_and_gradient_of, engine.xp, plan, operands)
            zeros = torch.zeros_like(ones(engine.xp, plan, operands))
            return torch.func.vjp(lambda w: slope(w)[1], zeros)[1](d_prediction)[0]
        one = ones(engine.xp, plan, operands)
        total = torch.zeros_like(one)
        if d_prediction is not None:
            g = rows_and_gradient_of(engine.xp, plan, operands, one)[1]
            total = total + _summed(engine, plan, d_prediction, g)
        if any(d is not None for d in d_targets):
            for d, g in zip(d_targets, target_gradients(engine, plan, operands, one), strict=True):
                total = total if d is None else total + _summed(engine, plan, d, g)
        return total


class CompiledProduct(torch.autograd.Function):
    """The product of two tensors of one shape, with 0 · ∞ = 0 in its derivative."""

    @staticmethod
    def forward(a: Any, b: Any) -> Any:
        return a * b

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        a, b = ctx.saved_tensors
        return tuple(
            _silenced(w, x) if wanted else None
            for x, wanted in zip((b, a), ctx.needs_input_grad, strict=True)
        )


class Product(CompiledProduct):
    """The same with a forward mode, and with a rule for `vmap`."""

    generate_vmap_rule = True

    @staticmethod
    def jvp(ctx: Any, da: Any, db: Any) -> Any:
        a, b = ctx.saved_tensors
        once_forwards()
        return _silenced(da, b) + _silenced(a, db)


def target_gradients(engine: Engine, plan: Plan, operands: Operands, w: Any) -> list[Any]:
    """Return the gradient with respect to each part of the target."""
    kernel, xp = plan.kernel.filled(operands.numbers.kernel), engine.xp
    prediction, target = ready(xp, plan, operands)
    statistics, _ = kernel.measure(xp, prediction, target, plan.axis)
    w = along(w, plan.row_axis)
    g = kernel.target_gradient(xp, prediction, target, statistics, w, plan.axis)
    return list(g) if isinstance(g, tuple) else [g]


def _summed(engine: Engine, plan: Plan, tangent: Any, g: Any) -> Any:
    """Return the derivative of the rows along a tangent, in the dtype of the rows."""
    product: Any = m.silent(engine.xp, tangent, g)
    return product if plan.row_axis is None else product.sum(plan.row_axis)


def silent(a: Any, b: Any) -> Any:
    """Return ``a · b``; where it is differentiated, 0 · ∞ is 0 in the derivative (R4)."""
    if not differentiable([a, b]):
        return a * b
    function = CompiledProduct if torch.compiler.is_dynamo_compiling() else Product
    return function.apply(*broadcast(a, b))


def _silenced(a: Any, b: Any) -> Any:
    """Return ``a · b`` with 0 · ∞ = 0, also in its derivative."""
    a, b = (torch.where((x == 0) & torch.isinf(y), 0, y) for x, y in ((b, a), (a, b)))
    return silent(a, b)


def broadcast(*tensors: Any) -> Any:
    """Return tensors of one shape: `torch.broadcast_tensors` for a batch of gradients too."""
    shape = torch.broadcast_shapes(*(x.shape for x in tensors))
    return (x.expand(shape) for x in tensors)
