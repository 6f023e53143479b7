"""Which engine computes values alone, and where that is not known to be enough."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from xent._engine import Engine
from xent._plan import Operands, Plan
from xent._rows import rows_and_gradient_of, rows_of
from xent.engines.eager import Eager
from xent.engines.torch import tensor
from xent.engines.torch.device import DEVICE
from xent.engines.torch.lent import PLAIN
from xent.engines.torch.tensor import eager
from xent.engines.torch.values import TRACED


def engine_of(tensors: Iterable[Any]) -> Eager | None:
    """Return the engine for the values of tensors, None where these are not there."""
    tensors = list(tensors)
    if not eager(tensors):
        return None
    for x in tensors:
        if x is not None and x.device.type != tensor.HOST:
            return DEVICE
    return PLAIN


def _of_values(plan: Plan, operands: Operands, *others: Any) -> Engine | None:
    """Return the engine that computes values alone, None where that is not known to be enough."""
    if follows_numbers(plan, operands):
        return None
    if torch.compiler.is_compiling():
        return None if tensor.is_transformed() or tensor.is_exported() else TRACED
    flat = [x for y in (*operands[:-1], *others) for x in (y if isinstance(y, tuple) else (y,))]
    return engine_of(flat)


def follows_numbers(plan: Plan, operands: Operands) -> bool:
    """Whether torch alone follows a number: of that it differentiates our steps."""
    return (plan.traced or tensor.has_tangents()) and tensor.has_followed(operands.numbers)


def rows_of_values(engine: Engine, plan: Plan, operands: Operands) -> Any:
    """Return the loss of each row as a value: by blocks where the values are there, else in one."""
    own = _of_values(plan, operands)
    return rows_of(engine.xp, plan, operands) if own is None else own.rows(plan, operands)


def gradient_of_values(engine: Engine, plan: Plan, operands: Operands, w: Any) -> Any:
    """Return rows and gradient as values, likewise."""
    own = _of_values(plan, operands, w)
    if own is None:
        return rows_and_gradient_of(engine.xp, plan, operands, w)
    return own.rows_and_gradient(plan, operands, w)
