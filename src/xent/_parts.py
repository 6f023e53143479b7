"""Rows in parts, each of some classes: measured one by one, merged, and differentiated one by one.

What is known of the rows of a part is a list: the statistics of the loss, those of its penalty where
there is one, and the mass of the target where a mean divides by it and a part has but a share of it.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

from xent import _dtype
from xent._bent import raw_gradient
from xent._beside import of_beside, of_loss
from xent._kernel import Kernel
from xent._plan import Operands, Plan, of_penalty
from xent._rounds import Rounds
from xent._rows import cotangents, reduced, weigh
from xent._target import along, ready, without
from xent._typing import Array

MASS = Kernel()
"""What merges masses, by their sum, and has them as they are for its value."""


def measure(xp: Any, plan: Plan, operands: Operands, first: Any, rounds: Rounds) -> list[Any]:
    """Return the statistics of a part, whose first class is ``first``, in a round of its `kernels`."""
    every: list[Any] = []
    for now, (p, o) in zip(rounds, _runs(plan, operands), strict=False):
        if now is None:
            every.append(None)
            continue
        x, target = ready(xp, p, o, first)
        every.append(now.kernel.measure(xp, x, now.given(target), plan.axis)[0])
    if _adds_mass(plan, operands):
        mass: Any = plan.target.mass(xp, plan, operands) if rounds[-1] else None
        every.append(None if mass is None else along(mass, plan.axis))
    return every


def merge(xp: Any, rounds: Rounds, a: list[Any], b: list[Any]) -> list[Any]:
    """Return the statistics of two parts together."""
    pairs = zip(rounds, a, b, strict=True)
    return [None if now is None else now.kernel.merge(xp, *pair) for now, *pair in pairs]


def merge_all(xp: Any, rounds: Rounds, every: list[list[Any]]) -> list[Any]:
    """Return the statistics of parts, in their order, together: of halves, of halves of these, and so on."""
    if len(every) == 1:
        return every[0]
    half = len(every) // 2
    pair = (merge_all(xp, rounds, some) for some in (every[:half], every[half:]))
    return merge(xp, rounds, *pair)


def value_and_shares(
    xp: Any, plan: Plan, operands: Operands, statistics: Any
) -> tuple[Any, list[Any]]:
    """Return the value, and its derivatives by what the kernels make of each row, None for no part in it.

    The value is in a pair with those that rows have beside their loss, if any.
    """
    every = zip(kernels(plan, operands), statistics, strict=True)
    more = [xp.squeeze(kernel.value(xp, s), axis=plan.axis) for kernel, s in every]
    costs = more.pop(0)
    penalties = None if plan.penalty is None else more.pop(0)
    mass = more.pop() if _adds_mass(plan, operands) else None
    plan, operands, others = of_loss(plan, operands)
    weights = weigh(xp, plan, operands, costs.shape, mass)
    value: Any = reduced(xp, plan, operands, costs, penalties, weights)
    w, share = cotangents(xp, plan, operands, weights, xp.ones_like(costs))
    shares: list[Any] = [w] if penalties is None else [w, share]
    if not others:
        return value, shares
    beside = tuple(without(xp, x, operands.where, None, 0.0) for x in more)
    for x in others:
        wide = None if x is None else _dtype.cast(xp, x, costs.dtype)
        shares.append(None if wide is None else without(xp, wide, operands.where, None, 0.0))
    return (value, beside), shares


def gradient(
    xp: Any, plan: Plan, operands: Operands, first: Any, statistics: Any, shares: Any
) -> Array:
    """Return the gradient of a part in its prediction as that was given, in the dtype to compute in."""
    runs = kernels(plan, operands), _runs(plan, operands), statistics, shares
    every = [_gradient(xp, *run, first) for run in zip(*runs, strict=False) if run[-1] is not None]
    return reduce(add, every)


def _gradient(
    xp: Any, kernel: Kernel, run: tuple[Plan, Operands], s: Any, share: Array, first: Any
) -> Array:
    plan, operands = run
    x, target = ready(xp, plan, operands, first)
    g: Array = kernel.gradient(xp, x, target, s, None, along(share, plan.axis), plan.axis)
    return raw_gradient(xp, plan, operands, g) if plan.bent else g


def _runs(plan: Plan, operands: Operands) -> list[tuple[Plan, Operands]]:
    """Return plan and operands of the loss, of its penalty where there is one, and of what is beside it."""
    loss = [(plan, operands)]
    penalty = [] if plan.penalty is None else [of_penalty(plan, operands)]
    return [*loss, *penalty, *of_beside(plan, operands)]


def kernels(plan: Plan, operands: Operands) -> list[Kernel]:
    """Return the kernels of the statistics of a part, in their order."""
    every = [p.kernel.filled(o.numbers.kernel) for p, o in _runs(plan, operands)]
    return [*every, MASS] if _adds_mass(plan, operands) else every


def _adds_mass(plan: Plan, operands: Operands) -> bool:
    """Whether a mean divides by what targets weigh, of which each part has a share."""
    shared = plan.target.counts and not plan.target.by_label
    return shared and plan.reduction == "mean" and operands.denominator is None
