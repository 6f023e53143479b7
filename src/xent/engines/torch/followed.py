"""The rows of a plan on tensors, as autograd follows them, and the verbs that it may follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import array_api_compat.torch
import torch

from xent._engine import Engine
from xent._plan import LOG, QUOTIENT, READY, Operands, Plan
from xent._rows import rows_of
from xent._typing import Array
from xent.engines.torch import tensor
from xent.engines.torch.choice import follows_numbers, rows_of_values
from xent.engines.torch.function import Compiled, Rows, Work, broadcast, silent
from xent.engines.torch.tensor import differentiable, visible
from xent.engines.torch.verbs import TorchVerbs


class Recorded(TorchVerbs):
    """torch's namespace where autograd may follow."""

    def anywhere(self, condition: Callable[[], Any]) -> bool:
        """Return whether any entry holds, True where that can't be seen at no cost."""
        entries = condition()
        return not visible([entries]) or bool(entries.any())

    def log(self, x: Any) -> Any:
        """Return log ``x``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        if tensor.is_left_to_compiler() or not differentiable([x]):
            return torch.log(x)
        return FOLLOWED.rows(LOG, Operands(x))

    def divide(self, a: Any, b: Any) -> Any:
        """Return ``a / b``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        if tensor.is_left_to_compiler() or not differentiable([a, b]):
            return a / b
        p, q = broadcast(a, b)
        return FOLLOWED.rows(QUOTIENT, Operands(q, p))

    def expm1(self, x: Any) -> Any:
        """Return exp(x) − 1 to the bit; far below 0 torch's derivative, that + 1, has no digit of exp(x)."""
        far = x < -1
        e = torch.exp(torch.where(far, x, 0.0))
        near = super().expm1(torch.where(far, 0.0, x))
        return torch.where(far, super().expm1(x).detach() + (e - e.detach()), near)

    def silent(self, a: Any, b: Any) -> Any:
        """Return ``a · b``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        if tensor.loses_rules():
            from xent.engines.torch.product import product  # which loads the compiler

            return product(*broadcast(a, b))
        return silent(a, b)


class Followed(Engine):
    """Runs the rows of plans, which autograd differentiates by the kernels' own gradients."""

    namespace = Recorded
    functions = Rows, Compiled
    """What autograd follows through the rows, and what torch.compile does."""

    def of_transform(self, plan: Plan, operands: Operands) -> Any:
        """Return the rows as a compiler is to see them inside a transform, None where as they are."""
        return None

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row, differentiable where a graph is wanted."""
        if follows_numbers(plan, operands):
            return rows_of(self.xp, plan, operands)
        if plan.traced:
            made: Array | None = self.of_transform(plan, operands)
            if made is not None:
                return made
        x, target, class_weight, pos_weight, *_ = operands
        soft = plan.target.soft and target is not None
        given = *_parts(target), class_weight, pos_weight, operands.target_probs
        targets_too = soft and differentiable(given)
        if not (targets_too or differentiable([x])):
            return rows_of_values(self, plan, operands)
        return self.followed(plan, operands, made=targets_too and plan.target is not READY)

    def followed(self, plan: Plan, operands: Operands, *, made: bool = False) -> Array:
        """Return the rows as autograd follows them, of a target that is ``made`` ready for it or as it is."""
        x, target, *weights = operands[:4]
        parts: list[Any] = _parts(target)
        if made or operands.target_probs is not None:  # which are a target together
            parts = _parts(plan.target.ready(self.xp, plan, operands, 0))
            # A soft binary target may come twice, and torch.compile takes no tensor twice.
            parts[2:] = (part.view_as(part) for part in parts[2:])
            weights, plan = [None, None], replace(plan, target=READY)
        recorded, compiled = self.functions
        function: Any = compiled if torch.compiler.is_dynamo_compiling() else recorded
        work = Work(self, plan, operands.numbers)
        return function.apply(work, operands.where, *weights, x, *parts)


FOLLOWED = Followed(array_api_compat.torch, "torch")


def _parts(target: Any) -> list[Any]:
    return list(target) if isinstance(target, tuple) else [target]
