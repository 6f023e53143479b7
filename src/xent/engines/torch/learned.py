"""A linear head with which more is learned, weights, soft targets or a teacher: a few rows at a time."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from xent._dtype import compute_dtype, narrowed
from xent._plan import Operands, Plan, widened
from xent._rows import divided_by
from xent.engines.head_loop import per_row
from xent.engines.torch.made import HeadLoss, Loss, Made, gradients_of, of_logits
from xent.engines.torch.tensor import recorded_alone


def value(loss: HeadLoss, *inputs: Any) -> Any:
    """Return the value, for autograd to follow: where it alone does, a few rows at a time.

    Their logits are dropped, and made again backwards.
    """
    operands = loss.operands
    alone = recorded_alone([*inputs, *operands[1:-1]])
    if not alone or loss.chunks.whole_rows >= loss.chunks.shape[0]:
        return loss.plain(operands[1:-1], *inputs)
    xp = loss.engine.xp
    # Gradients of half precision are added in float32, and rounded when all are there.
    inputs = narrowed(xp, inputs, compute_dtype(xp, inputs[0]))
    operands = widened(xp, operands._replace(prediction=inputs[0]))
    plan, operands = divided_by(xp, loss.plan, operands, loss.rows)
    each = zip(*_parts(loss, plan, operands, *inputs), strict=True)
    made, *beside = (torch.cat(x) if x[0].ndim else sum(x) for x in each)
    return (made, tuple(beside)) if beside else made


def _parts(loss: HeadLoss, plan: Plan, operands: Operands, features: Any, *head: Any) -> Any:
    """Yield the value of some rows after others, and what is beside it.

    A quarter of a chunk: autograd holds some twenty arrays of its size where two heads are differentiated.
    """
    step = -(-loss.chunks.whole_rows // 4)
    each = {name: x.split(step) for name, x in per_row(operands).items()}
    for i, some in enumerate(features.split(step)):
        own = operands._replace(**{name: x[i] for name, x in each.items()})
        given = (some, *head, *(None,) * (2 - len(head)), *own[1:-1])
        made = Made.apply(_Part(loss, plan, given), *given)
        yield made if isinstance(made, tuple) else (made,)


class _Part(Loss):
    """Some rows, of which every operand may be differentiated: all are inputs of the function."""

    known = False

    def __init__(self, loss: HeadLoss, plan: Plan, given: tuple[Any, ...]) -> None:
        no_others = Operands(given[0].new_empty(0), numbers=loss.numbers)
        super().__init__(loss.engine, loss.own, plan, no_others)
        self.wide = loss.chunks.size >= 4
        self.wanted = [x is not None and x.requires_grad for x in given]

    def made(self, operands: Operands, *inputs: Any) -> Any:
        """Return the value, of which no gradient is known."""
        return self.plain((), *inputs), None

    def plain(self, others: tuple[Any, ...], *inputs: Any) -> Any:
        """Return the value, for autograd to follow."""
        features, weight, bias, *operands = inputs
        some = self.with_others(features, operands)
        return of_logits(self.engine, self.plan, some, self.wide, features, weight, bias)

    def again(self, ws: Any, others: tuple[Any, ...], *inputs: Any) -> Any:
        """Return the gradients of Σ w · value, of the value and of those beside it."""
        return gradients_of(partial(self.plain, others), inputs, self.wanted, ws)
