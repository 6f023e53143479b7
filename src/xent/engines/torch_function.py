"""The kernels' gradients as torch's derivatives: of every order, backwards and forwards."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from xent import _dtype
from xent import _math as m
from xent._engine import Engine, ones
from xent._plan import Operands, Plan, along, kept, ready
from xent.engines.torch_tensor import differentiable, eager, visible
from xent.engines.torch_values import UNSEEN, of_values


def _operands(saved: Any) -> Operands:
    keep, class_weight, pos_weight, prediction, *targets = saved
    target: Any = targets[0] if len(targets) == 1 else tuple(targets)
    return Operands(prediction, target, class_weight, pos_weight, where=keep)


class Made(torch.autograd.Function):
    """A value with its gradients made beside it, to be scaled by the incoming one.

    A second backward makes them again, and one that is to be differentiated does so from the plain
    value: so nothing but time is lost by either.
    """

    @staticmethod
    def forward(ctx: Any, made: Any, again: Any, plain: Any, *inputs: Any) -> Any:
        value, ctx.gradients = made(*inputs)
        ctx.again, ctx.plain = again, plain
        ctx.save_for_backward(*inputs)
        return value

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        inputs, wanted = ctx.saved_tensors, ctx.needs_input_grad[3:]
        if torch.is_grad_enabled():
            sought = [x for x, want in zip(inputs, wanted, strict=True) if want]
            found = iter(torch.autograd.grad(ctx.plain(*inputs), sought, w, create_graph=True))
            return (None,) * 3 + tuple(next(found) if want else None for want in wanted)
        gradients, ctx.gradients = ctx.gradients, None
        known = gradients is not None and _may_be_scaled(gradients, w)
        gradients = _scaled(gradients, w) if known else ctx.again(w, *inputs)
        return (None,) * 3 + tuple(gradients[: len(inputs)])


def scalable(x: Any, plan: Plan) -> bool:
    """Whether a gradient that is made with the value can be scaled later by the incoming one.

    On a device no zero can be seen that would silence an infinite gradient; those of logits are finite.
    """
    return visible(x) or plan.form == "logits"


def _may_be_scaled(gradients: Any, w: Any) -> bool:
    """Whether that rounds no gradient in half precision a second time, as far as can be seen."""
    if not any(_dtype.is_half(g) for g in gradients if g is not None):
        return True
    return w.item() in (0, 1) if visible(w) else eager(w)


def _scaled(gradients: Any, w: Any) -> Any:
    """Return the gradients times the incoming one: written over where that is a single number."""
    factor = w.item() if visible(w) else None
    if factor == 1:
        return gradients
    if eager(w) and factor != 0:
        return [None if g is None else g.mul_(w) for g in gradients]
    return [None if g is None else m.scaled(UNSEEN.xp, w, g) for g in gradients]


class Compiled(torch.autograd.Function):
    """The rows of a plan; the kernel's gradient is the backward pass, itself differentiable.

    In a class of its own, because torch.compile refuses one with a jvp.
    """

    @staticmethod
    def forward(engine: Engine, plan: Plan, *saved: Any) -> Any:
        operands = _operands(saved)
        return of_values(engine, operands, "rows")(plan, operands)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.engine, ctx.plan, *saved = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*saved)
        ctx.save_for_forward(*saved)

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        if w is None:
            return (None,) * len(ctx.needs_input_grad)
        operands, wanted = _operands(ctx.saved_tensors), ctx.needs_input_grad[5:]
        g: Any = None
        if wanted[0]:
            # Under a transform the incoming gradient may be a batch of them: no blocks.
            run = partial(Engine.rows_and_gradient, ctx.engine)
            if not torch.is_grad_enabled():
                run = of_values(ctx.engine, (*operands, w), "rows_and_gradient")
            g = run(ctx.plan, operands, w)[1]
        d_targets = [None] * (len(wanted) - 1)
        if any(wanted[1:]):
            d_targets = _target_gradients(ctx.engine, ctx.plan, operands, w)
        return (None,) * 5 + (g, *d_targets)


class Rows(Compiled):
    """The same with a forward mode, and with a rule for `vmap`."""

    generate_vmap_rule = True

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        engine, plan, operands = ctx.engine, ctx.plan, _operands(ctx.saved_tensors)
        d_prediction, *d_targets = tangents[5:]
        if plan.kernel.shape == "block":
            # The gradient is linear in w: the derivative along a tangent is its transpose.
            slope = partial(Engine.rows_and_gradient, engine, plan, operands)
            zeros = torch.zeros_like(ones(engine.xp, plan, operands))
            return torch.func.vjp(lambda w: slope(w)[1], zeros)[1](d_prediction)[0]
        one = ones(engine.xp, plan, operands)
        total = torch.zeros_like(one)
        if d_prediction is not None:
            g = Engine.rows_and_gradient(engine, plan, operands, one)[1]
            total = total + _summed(engine, plan, d_prediction, g)
        if any(d is not None for d in d_targets):
            for d, g in zip(d_targets, _target_gradients(engine, plan, operands, one), strict=True):
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
        return _silenced(da, b) + _silenced(a, db)


def _target_gradients(engine: Engine, plan: Plan, operands: Operands, w: Any) -> list[Any]:
    """Return the gradient with respect to each part of the target."""
    kernel, xp = plan.kernel, engine.xp
    assert kernel.target_gradient is not None
    prediction, target = ready(xp, plan, operands, kept(plan, operands))
    statistics = kernel.measure(xp, prediction, target, plan.axis)
    w = along(w, plan.row_axis)
    g = kernel.target_gradient(xp, prediction, target, statistics, w, plan.axis)
    return list(g) if isinstance(g, tuple) else [g]


def _summed(engine: Engine, plan: Plan, tangent: Any, g: Any) -> Any:
    """Return the derivative of the rows along a tangent, in the dtype of the rows."""
    product: Any = m.silent(engine.xp, tangent, g)
    return product if plan.row_axis is None else product.sum(plan.row_axis)


def silent(a: Any, b: Any) -> Any:
    """Return ``a · b``; where it is differentiated, 0 · ∞ is 0 in the derivative (R4)."""
    if not (differentiable(a) or differentiable(b)):
        return a * b
    function = CompiledProduct if torch.compiler.is_compiling() else Product
    return function.apply(*broadcast(a, b))


def _silenced(a: Any, b: Any) -> Any:
    """Return ``a · b`` with 0 · ∞ = 0, also in its derivative."""
    a, b = (torch.where((x == 0) & torch.isinf(y), 0, y) for x, y in ((b, a), (a, b)))
    return silent(a, b)


def broadcast(*tensors: Any) -> Any:
    """Return tensors of one shape: `torch.broadcast_tensors` for a batch of gradients too."""
    shape = torch.broadcast_shapes(*(x.shape for x in tensors))
    return (x.expand(shape) for x in tensors)
