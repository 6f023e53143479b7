"""What a compiler takes for one call inside a transform, of what it reads: it would lose a function's rules.

Dynamo reads the rules of an autograd function for itself, and keeps neither that for `vmap` nor the forward
mode; what it takes for one call runs as it does without it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import torch

from xent import _dtype
from xent._engine import Engine
from xent._nested import leaves
from xent._plan import Operands, Plan, masked
from xent._rows import rows_of
from xent.engines.torch.followed import FOLLOWED
from xent.engines.torch.written import apart, emptied, filled, read, written


class _Call(NamedTuple):
    """What a call has that is no tensor: operands with `HOLE` for a tensor and `float` for a number."""

    plan: Plan
    operands: Any


def rows(engine: Engine, plan: Plan, operands: Operands) -> Any:
    """Return the rows as every transform follows them; None where the plan can't be written.

    Then Dynamo reads the rules, and where one transform is inside another it may raise. A number that is a
    tensor may be what is differentiated, of which we have no rule: of it torch differentiates our steps.
    No text holds the number of classes, which may be any to a compiler.
    """
    numbers = operands.numbers._replace(log_base=None, z_loss=None)  # what rows are not made of
    if any(isinstance(x, torch.Tensor) for x in leaves(numbers)):
        return rows_of(engine.xp, plan, operands)
    plan, operands = masked(plan, operands._replace(numbers=numbers))
    if plan.axis is not None:
        plan = replace(plan, classes=0)
    given: list[Any] = []
    text = written(apart(_Call(plan, emptied(operands, given))))
    return _rows(text, *given) if text else None


@torch.compiler.allow_in_graph
def _rows(text: str, *given: Any) -> Any:
    call = read(text)
    plan, operands = call.plan, Operands(*filled(call.operands, iter(given)))
    if plan.axis is not None:
        plan = replace(plan, classes=operands.prediction.shape[plan.axis])
    made: Any = FOLLOWED.rows(plan, operands)
    # A number is a tensor here, of float64, and would make that of an element that has no axis left.
    return made.to(_dtype.compute_dtype(FOLLOWED.xp, operands.prediction))
