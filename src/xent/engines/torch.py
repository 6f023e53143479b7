"""torch: values by blocks, and autograd through the kernels' own gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import array_api_compat.torch
import torch

from xent._engine import Engine
from xent._linear import Chunks, Gradients, Head, clean, run
from xent._plan import LOG, QUOTIENT, Operands, Plan, kept, ready_target, widened
from xent._reduce import divided_by
from xent._typing import Array
from xent.engines.torch_function import Compiled, Made, Rows, broadcast, scalable, silent
from xent.engines.torch_tensor import differentiable, eager, transformed, visible, wants_graph
from xent.engines.torch_values import TensorNamespace, engine_of, of_values


class TorchNamespace(TensorNamespace):
    """torch's namespace."""

    def maybe(self, condition: Callable[[], Any]) -> bool:
        """Return whether any entry holds, True where that can't be seen at no cost."""
        entries = condition()
        return not visible(entries) or bool(entries.any())

    def log(self, x: Any) -> Any:
        """Return log ``x``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        if torch.compiler.is_compiling() or not differentiable(x):
            return torch.log(x)
        return TORCH.rows(LOG, Operands(x))

    def divide(self, a: Any, b: Any) -> Any:
        """Return ``a / b``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        if torch.compiler.is_compiling() or not (differentiable(a) or differentiable(b)):
            return a / b
        p, q = broadcast(a, b)
        return TORCH.rows(QUOTIENT, Operands(q, p))

    def silent(self, a: Any, b: Any) -> Any:
        """Return ``a · b``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        return silent(a, b)


class Torch(Engine):
    """Runs plans on tensors, and lets autograd differentiate them by the kernels' own gradients."""

    namespace = TorchNamespace

    def device(self, x: Any) -> Any:
        """Return the device of ``x``."""
        return x.device

    def readable(self, x: Any) -> bool:
        """Whether the values of ``x`` can be read."""
        return visible(x)

    def traced(self, x: Any) -> bool:
        """Whether ``x`` is being compiled or transformed."""
        return torch.compiler.is_compiling() or transformed(x)

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row, differentiable where a graph is wanted."""
        prediction, *others = (x is not None and differentiable(x) for x in operands[:4])
        soft = not plan.by_label or plan.kind == "smoothed labels"
        targets_too = soft and any(others)
        if not (prediction or targets_too):
            return of_values(self, operands, "rows")(plan, operands)
        keep = kept(plan, operands)
        weights = operands.class_weight, operands.pos_weight
        targets: tuple[Any, ...] = (operands.target,)
        if targets_too:
            target = ready_target(self.xp, plan, operands, keep)
            targets = target if isinstance(target, tuple) else (target,)
            # A soft binary target may come twice, and torch.compile takes no tensor twice.
            targets = (*targets[:2], *(x.view_as(x) for x in targets[2:]))
            weights, plan = (None, None), replace(plan, kind="ready")
        plan = replace(plan, ignore_index=None)  # it is in keep already
        function = Compiled if torch.compiler.is_compiling() else Rows
        rows: Array = function.apply(self, plan, keep, *weights, operands.prediction, *targets)
        return rows

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value; its gradient is made with it where it will be wanted and is known then.

        It is known of a reduced value that only the prediction is to be differentiated of. In float16
        it would underflow before the incoming gradient scales it.
        """
        x, *others = (y for y in operands if y is not None)
        if any(map(differentiable, others)):
            return super().value(plan, widened(self.xp, operands))
        engine = engine_of((x, *others))
        if engine is None:
            return super().value(plan, operands)
        if not differentiable(x):
            return engine.value(plan, operands)
        known = plan.reduction in ("sum", "mean") and x.dtype != torch.float16
        if not (known and wants_graph(x) and scalable(x, plan)):
            return super().value(plan, operands)

        def made(x: Any) -> Any:
            value, g = engine.value_and_gradient(plan, operands._replace(prediction=x))
            return value, [g]

        def plain(x: Any) -> Any:
            return Engine.value(self, plan, operands._replace(prediction=x))

        def again(w: Any, x: Any) -> Any:
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                return torch.autograd.grad(plain(x), x, w)

        return Made.apply(made, again, plain, x)

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss, its gradients made with it where they are known."""
        inputs: list[Any] = [x for x in head if x is not None]
        others = [x for x in operands[1:] if x is not None and differentiable(x)]
        if not (others or any(map(differentiable, inputs))):
            return of_values(self, (*inputs, *operands), "linear_value")(
                plan, head, operands, chunks
            )

        def plain(*inputs: Any) -> Any:
            features, *others = inputs
            logits = self.product(clean(self.xp, plan, operands, features), *others)
            return self.value(plan, operands._replace(prediction=logits))

        tensors = [x for x in (*inputs, *operands) if x is not None]
        if others or not all(map(eager, tensors)) or not any(map(wants_graph, inputs)):
            return plain(*inputs)
        engine = engine_of(tensors)
        wanted = (*(x.requires_grad for x in inputs), False)[:3]

        def made(*inputs: Any) -> Any:
            if plan.reduction == "none" or head.features.dtype == torch.float16:
                return run(engine, plan, Head(*inputs), operands, chunks)
            return run(engine, plan, Head(*inputs), operands, chunks, wanted)

        def again(w: Any, *inputs: Any) -> Any:
            if not eager(w):  # a batch of incoming gradients
                return _batch_of_gradients(plain, inputs, wanted, w)
            # Σ w · value is the sum, or the mean, of rows that w weighs too.
            sample = operands.sample_weight
            rows = chunks.shape if plan.row_axis is None else chunks.shape[:1]
            w = w.expand(rows)
            some = divided_by(self.xp, plan, operands, rows)
            some = some._replace(sample_weight=w if sample is None else w * sample)
            own = replace(plan, reduction="sum") if plan.reduction == "none" else plan
            return run(engine, own, Head(*inputs), some, chunks, wanted)[1]

        return Made.apply(made, again, plain, *inputs)

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients; with a graph in one block."""
        tensors: list[Any] = [x for x in (*head, *operands) if x is not None]
        if all(map(eager, tensors)) and not any(map(differentiable, tensors)):
            own: Any = engine_of(tensors)
            return Engine.linear_value_and_gradient(own, plan, head, operands, chunks)
        features: Any = clean(self.xp, plan, operands, head.features)
        logits = self.product(features, head.weight, head.bias)
        value, g = self.value_and_gradient(plan, operands._replace(prediction=logits))
        down = self.product(g, head.weight, transposed=False)
        bias = None if head.bias is None else self.xp.sum(g, axis=0)
        return value, Gradients(down, self.product(g.T, features, transposed=False), bias)

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return rows and gradient; with a graph in one block, which autograd can follow."""
        if any(x is not None and differentiable(x) for x in (*operands, w)):
            _, g = Engine.rows_and_gradient(self, plan, operands, w)
            return self.rows(plan, operands), g
        return of_values(self, (*operands, w), "rows_and_gradient")(plan, operands, w)


TORCH = Torch(array_api_compat.torch, "torch")
"""The one engine for tensors: torch.compile follows a global, but no cache."""


def ENGINE(api: Any, library: str) -> Engine:  # noqa: N802  # what an engine's file is asked for
    """Return the engine, whatever subclass of tensor it was found by."""
    return TORCH


def _batch_of_gradients(plain: Any, inputs: Any, wanted: Any, w: Any) -> list[Any]:
    """Return the gradients of the inputs that are wanted, for a batch of incoming ones."""
    with torch.enable_grad():
        inputs = [x.detach().requires_grad_(want) for x, want in zip(inputs, wanted, strict=False)]
        sought = [x for x in inputs if x.requires_grad]
        found = iter(torch.autograd.grad(plain(*inputs), sought, w))
    return [next(found) if x.requires_grad else None for x in inputs]
