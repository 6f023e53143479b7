"""Tensors: values by blocks, and autograd through the kernels' own gradients."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import array_api_compat.torch
import torch

from xent import _dtype
from xent._beside import slopes_of
from xent._check import arguments
from xent._engine import value_and_gradient_of, value_of
from xent._linear import Chunks, Gradients, Head
from xent._namespace import Sight
from xent._plan import Operands, Plan, masked, widened
from xent._rows import rows_and_gradient_of
from xent._typing import Array
from xent.engines.columns import slopes_of_both
from xent.engines.head_loop import with_logits
from xent.engines.torch import half, learned, tensor
from xent.engines.torch.choice import engine_of, follows_numbers, gradient_of_values
from xent.engines.torch.device import DEVICE
from xent.engines.torch.followed import Followed
from xent.engines.torch.lent import PLAIN
from xent.engines.torch.made import HeadLoss, Loss, Made
from xent.engines.torch.tensor import differentiable, eager, is_recorded, wants_graph


class Torch(Followed):
    """Runs plans on tensors, and lets autograd differentiate them by the kernels' own gradients."""

    dense = torch.strided
    engine_of = staticmethod(engine_of)

    def taken(self, name: str, x: Any) -> Array:
        """Return the tensor that torch's functions see in ``x``, as in a variable of Keras."""
        array: Array = x
        if not isinstance(x, torch.Tensor):
            try:
                array = torch.reshape(x, x.shape)
            except (AttributeError, TypeError):
                raise arguments.not_an_array(name, x) from None
        elif x.layout is not self.dense or x.is_nested:
            raise arguments.not_dense(name, "nested" if x.is_nested else str(x.layout))
        elif torch.compiler.is_compiling() and type(x).__module__[:5] != "torch":
            # torch.compile does not know how to subtract a subclass from a number.
            with torch._C.DisableTorchFunctionSubclass():
                array = x.view_as(x)
        return array

    def device(self, x: Any) -> Any:
        """Return the device of ``x``."""
        return x.device

    def sight(self, arrays: Iterable[Any]) -> Sight:
        """Return what can be seen of the tensors: those that are compiled or transformed are traced."""
        arrays = list(arrays)
        if not eager(arrays):
            return Sight.TRACED
        for x in arrays:
            if x is not None and x.device.type != tensor.HOST:
                return Sight.ELSEWHERE
        return Sight.READABLE

    def unfollowed(self, operands: Operands) -> Operands:
        """Return operands without the wrappers by which `torch.func` follows derivatives."""
        if torch.compiler.is_dynamo_compiling():
            return operands
        each = (None if x is None else tensor.unfollowed(x) for x in operands[:-1])
        return Operands._make((*each, operands.numbers))

    def asarray(self, x: Any, dtype: Any, device: Any) -> Array:
        """Return a number or a nested sequence as a tensor."""
        if isinstance(x, float) and torch.compiler.is_compiling():
            return tensor.symbol(x, dtype, device)
        return super().asarray(x, dtype, device)

    def log(self, x: Any) -> Any:
        """Return the logarithm of a number."""
        if isinstance(x, float) and torch.compiler.is_compiling():
            x = tensor.symbol(x, torch.float64, None)
        return super().log(x)

    def settled(self, number: Any, classes: Any) -> Any:
        """Return a number as a tensor where a compiler has a symbol: of symbols c − (c − x) is x to it."""
        if not (isinstance(number, float) and torch.compiler.is_compiling()):
            return number
        known = tensor.is_static(number) and tensor.is_static(classes)
        return number if known else tensor.symbol(number, torch.float64, None)

    def follows(self, operands: Operands) -> bool:
        """Whether a derivative may be asked for."""
        return torch.compiler.is_dynamo_compiling() or differentiable(operands[:-1])

    def of_transform(self, plan: Plan, operands: Operands) -> Any:
        """Return the rows that a compiler takes for one call inside a transform; None elsewhere.

        Not of a part of a DTensor, whose engine has verbs of its own.
        """
        if self is not TORCH or not tensor.loses_rules():
            return None
        from xent.engines.torch.inside import rows  # which loads the compiler

        return rows(self, plan, operands)

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value; its gradient is made with it where it will be wanted and is known then.

        It is known of a reduced value that only the prediction is to be differentiated of. In float16
        it would underflow before the incoming gradient scales it.
        """
        x: Any = operands.prediction
        others = operands[1:-1]
        if plan.traced or is_recorded(others):
            return self._traced_value(plan, operands)
        engine = PLAIN if x.device.type == tensor.HOST else DEVICE
        if not (x.requires_grad and torch.is_grad_enabled()):
            return engine.value(plan, operands)
        known = plan.reduction in ("sum", "mean") and x.dtype != torch.float16
        if not (known and (engine.looks or (plan.form == "logits" and not plan.half))):
            # On a device no zero can be seen that would silence an infinite gradient, later, by which
            # the incoming one scales it; those of logits are finite. Nor can a one be seen, by which
            # half precision is not rounded a second time.
            return value_of(self, plan, operands)
        return Made.apply(Loss(self, engine, plan, operands), x)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return value and gradient; with a graph in one block, which autograd can follow."""
        tensors = operands[:-1]
        known = not (differentiable(tensors) or follows_numbers(plan, operands))
        engine = engine_of(tensors) if known else None
        if engine is not None:
            return engine.value_and_gradient(plan, operands)
        return value_and_gradient_of(self, plan, operands)

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return rows and gradient; with a graph in one block, which autograd can follow."""
        if differentiable([*operands[:-1], w]):
            _, g = rows_and_gradient_of(self.xp, plan, operands, w)
            return self.rows(plan, operands), g
        return gradient_of_values(self, plan, operands, w)

    def _traced_value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value where not all values are there, or not the prediction alone is recorded."""
        tensors = operands[:-1]
        if differentiable(tensors[1:]):
            return value_of(self, plan, widened(self.xp, operands))
        engine = None if follows_numbers(plan, operands) else engine_of(tensors)
        if engine is None or differentiable(tensors[:1]):
            return value_of(self, plan, operands)
        return engine.value(plan, operands)

    # --- a linear head ---

    def product_dtype(self, dtype: Any, features: Any) -> Any:
        """Return the dtype of the product: inside `torch.autocast` what that makes of all but float64."""
        kind = features.device.type
        return torch.get_autocast_dtype(kind) if dtype != torch.float64 and _casts(kind) else dtype

    def logit_size(self, features: Any) -> int:
        """Return the bytes of a logit: half precision is in float32, but for what autocast rounds."""
        return features.itemsize if _casts(features.device.type) else max(4, features.itemsize)

    def measures_columns(self, head: Head, operands: Operands, chunks: Chunks) -> bool:
        """Whether an engine of values does, or a compiler is at work; the head alone is differentiated."""
        features: Any = head.features
        engine = self.engine_of([*head, *operands[1:-1]])
        if differentiable(operands[1:-1]) or features.device.type != tensor.HOST:
            return False
        if engine is None:
            return tensor.is_traced()
        return engine.measures_columns(head, operands, chunks)

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Any:
        """Return the value of a linear loss, its gradients made with it where they are known."""
        inputs: list[Any] = [x for x in head if x is not None]
        plan, operands = masked(plan, operands)
        numbers_too = follows_numbers(plan, operands)
        engine = None if numbers_too else self.engine_of([*inputs, *operands[1:-1]])
        followed, others_too = differentiable(inputs), differentiable(operands[1:-1])
        each: Any = head
        wanted: Any = tuple(followed and x is not None and x.requires_grad for x in each)
        loss = HeadLoss(self, engine, plan, operands, chunks, wanted)
        if engine is None or others_too:
            made = None if others_too else _of_compiler(loss, head)
            return learned.value(loss, *inputs) if made is None else made[0]
        if not followed:
            return engine.linear_value(plan, head, operands, chunks)
        if not any(map(wants_graph, inputs)):
            return loss.plain(operands[1:-1], *inputs)
        made = Made.apply(loss, *inputs)
        return (made[0], made[1:]) if plan.beside else made

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> Any:
        """Return the value of a linear loss and its gradients; with a graph in one block."""
        plan, operands = masked(plan, operands)
        tensors: list[Any] = [*head, *operands[1:-1]]
        known = not (differentiable(tensors) or follows_numbers(plan, operands))
        engine = self.engine_of(tensors) if known else None
        if engine is not None:
            return engine.linear_value_and_gradient(plan, head, operands, chunks)
        loss = HeadLoss(self, engine, plan, operands, chunks, (True, True, head.bias is not None))
        made: Any = None if differentiable(tensors) else _of_compiler(loss, head, known=True)
        if made is not None:
            return made
        product = partial(half.linear, wide=chunks.size >= 4)
        features, made = with_logits(self.xp, plan, operands, product, head)
        if plan.mutual:
            value, g = slopes_of_both(self.value_and_gradient, self.xp, plan, made)
        else:
            value, g = slopes_of(self.value, self.value_and_gradient, plan, made)
        bias = None if head.bias is None else self.xp.sum(g, axis=0)
        slope: Any = _dtype.cast(self.xp, g, features.dtype)
        return value, Gradients(slope @ head.weight, slope.T @ features, bias)


TORCH = Torch(array_api_compat.torch, "torch")
"""The one engine for tensors: torch.compile follows a global, but no cache."""


def _of_compiler(loss: HeadLoss, head: Head, **known: bool) -> Any:
    """Return what a compiler at work takes for one operation, if it may."""
    if not tensor.is_traced():
        return None
    from xent.engines.torch.opaque import made  # which loads the compiler

    return made(loss, head, **known)


def _casts(kind: str) -> bool:
    """Whether `torch.autocast` rounds here; it can't be asked of the one device that holds no numbers."""
    return kind != "meta" and bool(torch.is_autocast_enabled(kind))
