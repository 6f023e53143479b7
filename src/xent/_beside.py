"""What rows are measured for beside their loss: more values, one per row, pulled back with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce
from operator import add
from typing import Any

from xent._nested import mapped
from xent._plan import Numbers, Operands, Plan, masked
from xent._typing import Array


def of_beside(plan: Plan, operands: Operands) -> list[tuple[Plan, Operands]]:
    """Return plan and operands of each value that rows have beside their loss, one per row in nats.

    Of what the loss makes of its rows, they have the masks and what bends the logits: no weight, no
    smoothing.
    """
    if not plan.beside:
        return []
    plan, operands = masked(plan, operands)
    numbers, even = operands.numbers, operands.where is None
    alone = Plan(
        plan.kernel,
        plan.target.alone,
        *(plan.form, plan.axis, plan.row_axis, plan.classes, plan.source),
        **{key: getattr(plan, key) for key in ("half", "capped", "tempered", "traced", "checked")},
        even=even,
    )
    kept = Numbers(softcap=numbers.softcap, temperature=numbers.temperature)
    bare = Operands(operands.prediction, operands.target, where=operands.where, numbers=kept)
    bare = bare._replace(target_probs=operands.target_probs)
    return [(replace(alone, kernel=kernel), bare) for kernel in plan.beside]


def of_loss(plan: Plan, operands: Operands) -> tuple[Plan, Operands, list[Array | None]]:
    """Return plan and operands of the loss alone, and what weighs each value beside it in a gradient.

    Where values are pulled back together their weights are the columns of ``sample_weight``.
    """
    if not plan.beside:
        return plan, operands, []
    alone, sample = replace(plan, beside=()), operands.sample_weight
    if sample is None or sample.ndim == operands.prediction.ndim - 1:
        return alone, operands, [None] * len(plan.beside)
    own, *others = (sample[..., i] for i in range(len(plan.beside) + 1))
    return alone, operands._replace(sample_weight=own), list(others)


def values_of(value: Callable[..., Any], plan: Plan, operands: Operands) -> Any:
    """Return ``value(plan, operands)``, in a pair with what it is of the values beside the loss, if any."""
    if not plan.beside:
        return value(plan, operands)
    beside = tuple(value(*run) for run in of_beside(plan, operands))
    return value(replace(plan, beside=()), operands), beside


def slopes_of(
    value: Callable[..., Any], both: Callable[..., Any], plan: Plan, operands: Operands
) -> tuple[Any, Any]:
    """Return the same with the gradient, ``both(plan, operands)`` being a value and its gradient."""
    alone, own, weights = of_loss(plan, operands)
    runs = of_beside(plan, operands)
    beside = tuple(value(*run) for run in runs)
    slopes = [
        both(replace(other, even=False), rows._replace(sample_weight=w))[1]
        for (other, rows), w in zip(runs, weights, strict=True)
        if w is not None
    ]
    loss, g = both(alone, own)  # the last, as it may be written over the prediction
    return ((loss, beside) if plan.beside else loss), reduce(partial(mapped, add), slopes, g)
