"""torch: blocks without a graph; with one, the kernels' gradients as the derivatives of their values."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import array_api_compat.torch
import torch
from torch import Tensor
from torch.autograd import forward_ad

from xent import _dtype
from xent import _math as m
from xent._engine import Engine, rows_like
from xent._linear import Chunks, Gradients, Head, clean, run
from xent._plan import (
    LOG,
    QUOTIENT,
    Operands,
    Plan,
    along,
    kept,
    ready,
    ready_target,
    widened,
)
from xent._reduce import divided_by
from xent._typing import Array
from xent.engines.eager import Eager, EagerNamespace


class TorchNamespace(EagerNamespace):
    """torch's namespace."""

    def maybe(self, condition: Any) -> bool:
        """Return whether any entry holds, True where that can't be seen at no cost."""
        return not _visible(condition) or bool(condition.any())

    def constant(self, x: Any) -> Any:
        """Return ``x`` without a derivative."""
        return x.detach()

    def log(self, x: Any) -> Any:
        """Return log ``x``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        if torch.compiler.is_compiling() or not _differentiable(x):
            return torch.log(x)
        return TORCH.rows(LOG, Operands(x))

    def divide(self, a: Any, b: Any) -> Any:
        """Return ``a / b``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        if torch.compiler.is_compiling() or not (_differentiable(a) or _differentiable(b)):
            return a / b
        p, q = _broadcast(a, b)
        return TORCH.rows(QUOTIENT, Operands(q, p))

    def silent(self, a: Any, b: Any) -> Any:
        """Return ``a · b``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        if not (_differentiable(a) or _differentiable(b)):
            return a * b
        function = _CompiledProduct if torch.compiler.is_compiling() else _Product
        return function.apply(*_broadcast(a, b))

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``; `take_along_dim` would fix the size to compile."""
        return torch.gather(x, axis, index)

    def iota_of(self, x: Any, size: int, ndim: int, axis: int) -> Any:
        """Return 0, 1, … along ``axis``."""
        shape = [1] * ndim
        shape[axis] = size
        return torch.arange(size, device=x.device).reshape(shape)


class PlainNamespace(TorchNamespace):
    """torch's namespace where values alone are wanted, in host memory: temporaries are written over."""

    def maybe(self, condition: Any) -> bool:
        """Return whether any entry holds."""
        return bool(condition.any())

    def log(self, x: Any) -> Any:
        """Return log ``x``."""
        return torch.log(x)

    def exp_of(self, x: Any) -> Any:
        """Return exp ``x`` in ``x``."""
        return x.exp_()

    def times(self, x: Any, factor: Any) -> Any:
        """Return ``x · factor`` in ``x``."""
        return x.mul_(factor)

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        inside = (index >= 0) & (index < x.shape[axis])
        if not bool(inside.all()):
            index = torch.where(inside, index, 0)
            value = torch.where(inside, value, x.gather(axis, index))
        return x.scatter_(axis, index, value)


class Plain(Eager):
    """Runs plans on tensors in host memory for their values alone."""

    namespace = PlainNamespace

    def present(self, keep: Any) -> Any:
        """Return the positions of the rows that count."""
        return None if keep is None else keep.nonzero()[:, 0]

    def accumulate(self, total: Any, a: Any, b: Any) -> None:
        """Add ``a.T @ b`` to ``total`` in place."""
        if total.dtype == a.dtype:
            total.addmm_(a.T, b)
        else:
            super().accumulate(total, a, b)


class Torch(Engine):
    """Runs plans on tensors, and lets autograd differentiate them by the kernels' own gradients."""

    namespace = TorchNamespace

    def device(self, x: Any) -> Any:
        """Return the device of ``x``."""
        return x.device

    def readable(self, x: Any) -> bool:
        """Whether the values of ``x`` can be read."""
        return _visible(x)

    def traced(self, x: Any) -> bool:
        """Whether ``x`` is being compiled or transformed."""
        return torch.compiler.is_compiling() or _transformed(x)

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row, differentiable where a graph is wanted."""
        prediction, *others = (x is not None and _differentiable(x) for x in operands[:4])
        soft = not plan.by_label or plan.kind == "smoothed labels"
        targets_too = soft and any(others)
        if not (prediction or targets_too):
            return _of_values(self, operands, "rows")(plan, operands)
        keep = kept(plan, operands)
        weights = operands.class_weight, operands.pos_weight
        targets: tuple[Any, ...] = (operands.target,)
        if targets_too:
            target = ready_target(self.xp, plan, operands, keep)
            targets = target if isinstance(target, tuple) else (target,)
            weights, plan = (None, None), replace(plan, kind="ready")
        plan = replace(plan, ignore_index=None)  # it is in keep already
        function = _Compiled if torch.compiler.is_compiling() else _Rows
        rows: Array = function.apply(self, plan, keep, *weights, operands.prediction, *targets)
        return rows

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value; its gradient is made with it where it will be wanted and is known then.

        It is known of a reduced value that only the prediction is to be differentiated of. In float16
        it would underflow before the incoming gradient scales it.
        """
        x, others = operands.prediction, operands[1:]
        differentiable = any(y is not None and _differentiable(y) for y in others)
        if differentiable:
            operands = widened(self.xp, operands)
        if (
            plan.reduction not in ("sum", "mean")
            or x.dtype == torch.float16
            or not all(x is None or _visible(x) for x in operands)
            or not _wants_graph(x)
            or differentiable
        ):
            return super().value(plan, operands)

        def made(x: Any) -> Any:
            value, g = PLAIN.value_and_gradient(plan, operands._replace(prediction=x))
            return value, [g]

        def plain(x: Any) -> Any:
            return Engine.value(self, plan, operands._replace(prediction=x))

        def again(w: Any, x: Any) -> Any:
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                return torch.autograd.grad(plain(x), x, w)

        return _Made.apply(made, again, plain, x)

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss, its gradients made with it where they are known."""
        inputs: list[Any] = [x for x in head if x is not None]
        others = [x for x in operands[1:] if x is not None and _differentiable(x)]
        if not (others or any(map(_differentiable, inputs))):
            return _of_values(self, (*inputs, *operands), "linear_value")(
                plan, head, operands, chunks
            )

        def plain(*inputs: Any) -> Any:
            features, *others = inputs
            logits = self.product(clean(self.xp, plan, operands, features), *others)
            return self.value(plan, operands._replace(prediction=logits))

        tensors = [x for x in (*inputs, *operands) if x is not None]
        if others or not all(map(_eager, tensors)) or not any(map(_wants_graph, inputs)):
            return plain(*inputs)
        engine = _chunked(tensors)
        wanted = (*(x.requires_grad for x in inputs), False)[:3]

        def made(*inputs: Any) -> Any:
            if plan.reduction == "none" or head.features.dtype == torch.float16:
                return run(engine, plan, Head(*inputs), operands, chunks)
            return run(engine, plan, Head(*inputs), operands, chunks, wanted)

        def again(w: Any, *inputs: Any) -> Any:
            if not _eager(w):  # a batch of incoming gradients
                return _batch_of_gradients(plain, inputs, wanted, w)
            # Σ w · value is the sum, or the mean, of rows that w weighs too.
            sample = operands.sample_weight
            rows = chunks.shape if plan.row_axis is None else chunks.shape[:1]
            w = w.expand(rows)
            some = divided_by(self.xp, plan, operands, rows)
            some = some._replace(sample_weight=w if sample is None else w * sample)
            own = replace(plan, reduction="sum") if plan.reduction == "none" else plan
            return run(engine, own, Head(*inputs), some, chunks, wanted)[1]

        return _Made.apply(made, again, plain, *inputs)

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients; with a graph in one block."""
        tensors: list[Any] = [x for x in (*head, *operands) if x is not None]
        if all(map(_eager, tensors)) and not any(map(_differentiable, tensors)):
            return Engine.linear_value_and_gradient(_chunked(tensors), plan, head, operands, chunks)
        features: Any = clean(self.xp, plan, operands, head.features)
        logits = self.product(features, head.weight, head.bias)
        value, g = self.value_and_gradient(plan, operands._replace(prediction=logits))
        down = self.product(g, head.weight, transposed=False)
        bias = None if head.bias is None else self.xp.sum(g, axis=0)
        return value, Gradients(down, self.product(g.T, features, transposed=False), bias)

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return rows and gradient; with a graph in one block, which autograd can follow."""
        if any(x is not None and _differentiable(x) for x in (*operands, w)):
            _, g = Engine.rows_and_gradient(self, plan, operands, w)
            return self.rows(plan, operands), g
        return _of_values(self, (*operands, w), "rows_and_gradient")(plan, operands, w)


PLAIN = Plain(array_api_compat.torch, "torch")
TORCH = Torch(array_api_compat.torch, "torch")
"""The one engine for tensors: torch.compile follows a global, but no cache."""


def ENGINE(api: Any, library: str) -> Engine:  # noqa: N802  # what an engine's file is asked for
    """Return the engine, whatever subclass of tensor it was found by."""
    return TORCH


def _transformed(x: Any) -> bool:
    """Whether ``x`` stands for others, in `torch.func` or in a batch of incoming gradients.

    torch has no public way to tell.
    """
    functorch = torch._C._functorch
    return functorch.is_functorch_wrapped_tensor(x) or functorch.is_legacy_batchedtensor(x)


def _of_values(engine: Torch, tensors: Any, method: str) -> Any:
    """Return the method that computes values alone: by blocks in host memory, else in one block."""
    if all(x is None or (isinstance(x, Tensor) and _visible(x)) for x in tensors):
        return getattr(PLAIN, method)
    return partial(getattr(Engine, method), engine)


def _visible(x: Any) -> bool:
    """Whether the values of ``x`` are there: not compiled, not transformed, in host memory."""
    return x.device.type == "cpu" and _eager(x)


def _eager(x: Any) -> bool:
    """Whether the values of ``x`` are there, on whatever device."""
    return (
        not torch.compiler.is_compiling()
        and type(x) in (Tensor, torch.nn.Parameter)
        and not _transformed(x)
    )


def _chunked(tensors: Any) -> Engine:
    """Return the engine that runs chunks of tensors whose values are there."""
    return PLAIN if all(map(_visible, tensors)) else TORCH


def _batch_of_gradients(plain: Any, inputs: Any, wanted: Any, w: Any) -> list[Any]:
    """Return the gradients of the inputs that are wanted, for a batch of incoming ones."""
    with torch.enable_grad():
        inputs = [x.detach().requires_grad_(want) for x, want in zip(inputs, wanted, strict=False)]
        sought = [x for x in inputs if x.requires_grad]
        found = iter(torch.autograd.grad(plain(*inputs), sought, w))
    return [next(found) if x.requires_grad else None for x in inputs]


def _wants_graph(x: Any) -> bool:
    """Whether autograd will ask for the derivative of ``x`` backwards, and in no other way."""
    return x.requires_grad and torch.is_grad_enabled() and forward_ad.unpack_dual(x).tangent is None


def _differentiable(x: Any) -> bool:
    """Whether a derivative with respect to ``x`` may be asked for."""
    if not x.is_floating_point():
        return False
    if x.requires_grad and torch.is_grad_enabled():
        return True
    if torch.compiler.is_compiling():
        return False
    return _transformed(x) or forward_ad.unpack_dual(x).tangent is not None


def _operands(saved: Any) -> Operands:
    keep, class_weight, pos_weight, prediction, *targets = saved
    target: Any = targets[0] if len(targets) == 1 else tuple(targets)
    return Operands(prediction, target, class_weight, pos_weight, where=keep)


class _Made(torch.autograd.Function):
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


def _may_be_scaled(gradients: Any, w: Any) -> bool:
    """Whether that rounds no gradient in half precision a second time."""
    if not any(_dtype.is_half(g) for g in gradients if g is not None):
        return True
    return _visible(w) and bool((w == 0) | (w == 1))


def _scaled(gradients: Any, w: Any) -> Any:
    """Return the gradients times the incoming one: written over where that is a number to be seen."""
    if not _visible(w) or w == 0:
        return [None if g is None else m.scaled(TORCH.xp, w, g) for g in gradients]
    return gradients if w == 1 else [None if g is None else g.mul_(w) for g in gradients]


class _Compiled(torch.autograd.Function):
    """The rows of a plan; the kernel's gradient is the backward pass, itself differentiable.

    In a class of its own, because torch.compile refuses one with a jvp.
    """

    @staticmethod
    def forward(engine: Torch, plan: Plan, *saved: Any) -> Any:
        operands = _operands(saved)
        return _of_values(engine, operands, "rows")(plan, operands)

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
                run = _of_values(ctx.engine, (*operands, w), "rows_and_gradient")
            g = run(ctx.plan, operands, w)[1]
        d_targets = [None] * (len(wanted) - 1)
        if any(wanted[1:]):
            d_targets = _target_gradients(ctx.engine, ctx.plan, operands, w)
        return (None,) * 5 + (g, *d_targets)


class _Rows(_Compiled):
    """The same with a forward mode, and with a rule for `vmap`."""

    generate_vmap_rule = True

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        engine, plan, operands = ctx.engine, ctx.plan, _operands(ctx.saved_tensors)
        d_prediction, *d_targets = tangents[5:]
        if plan.kernel.shape == "block":
            # The gradient is linear in w: the derivative along a tangent is its transpose.
            slope = partial(Engine.rows_and_gradient, engine, plan, operands)
            zeros = torch.zeros_like(rows_like(engine.xp, plan, operands))
            return torch.func.vjp(lambda w: slope(w)[1], zeros)[1](d_prediction)[0]
        one = torch.ones_like(rows_like(engine.xp, plan, operands))
        total = torch.zeros_like(one)
        if d_prediction is not None:
            g = Engine.rows_and_gradient(engine, plan, operands, one)[1]
            total = total + _summed(engine, plan, d_prediction, g)
        if any(d is not None for d in d_targets):
            for d, g in zip(d_targets, _target_gradients(engine, plan, operands, one), strict=True):
                total = total if d is None else total + _summed(engine, plan, d, g)
        return total


def _broadcast(*tensors: Any) -> Any:
    """Return tensors of one shape: `torch.broadcast_tensors` for a batch of gradients too."""
    shape = torch.broadcast_shapes(*(x.shape for x in tensors))
    return (x.expand(shape) for x in tensors)


class _CompiledProduct(torch.autograd.Function):
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
            _silent(w, x) if wanted else None
            for x, wanted in zip((b, a), ctx.needs_input_grad, strict=True)
        )


class _Product(_CompiledProduct):
    """The same with a forward mode, and with a rule for `vmap`."""

    generate_vmap_rule = True

    @staticmethod
    def jvp(ctx: Any, da: Any, db: Any) -> Any:
        a, b = ctx.saved_tensors
        return _silent(da, b) + _silent(a, db)


def _silent(a: Any, b: Any) -> Any:
    """Return ``a · b`` with 0 · ∞ = 0, also in its derivative."""
    xp = TORCH.xp
    a, b = (xp.where((x == 0) & xp.isinf(y), xp.zeros_like(y), y) for x, y in ((b, a), (a, b)))
    return xp.silent(a, b)


def _target_gradients(engine: Torch, plan: Plan, operands: Operands, w: Any) -> list[Any]:
    """Return the gradient with respect to each part of the target."""
    kernel, xp = plan.kernel, engine.xp
    assert kernel.target_gradient is not None
    prediction, target = ready(xp, plan, operands, kept(plan, operands))
    statistics = kernel.measure(xp, prediction, target, plan.axis)
    w = along(w, plan.row_axis)
    g = kernel.target_gradient(xp, prediction, target, statistics, w, plan.axis)
    return list(g) if isinstance(g, tuple) else [g]


def _summed(engine: Torch, plan: Plan, tangent: Any, g: Any) -> Any:
    """Return the derivative of the rows along a tangent, in the dtype of the rows."""
    product: Any = m.silent(engine.xp, tangent, g)
    return product if plan.row_axis is None else product.sum(plan.row_axis)
