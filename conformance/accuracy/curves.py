"""Losses that are a function f of the cross entropy C of a label: their formulas and their goals.

A relative error of C is one of f(C) times C f′/f, and one of its gradient C′ f′ times 1 + C f″/f′.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conformance.accuracy import formulas, formulas_mass, goals
from conformance.accuracy.balls import Ball, Classes
from conformance.accuracy.exact import Exact
from conformance.accuracy.goals import Columns, Goal, Goals

Curve = Callable[[Ball], tuple[Ball, Ball]]


def focal(c: Ball) -> tuple[Ball, Ball]:
    """p² C and p² + 2 p C e^−C, p = 1 − e^−C."""
    p = -(-c).expm1()
    return p * p * c, p * (p + 2 * c * (-c).exp())


def poly(c: Ball) -> tuple[Ball, Ball]:
    """C + p and 1 + e^−C."""
    return c - (-c).expm1(), 1 + (-c).exp()


def of_cost(curve: Curve, cost: Callable[..., Any]) -> Callable[..., Any]:
    """Return the formula of f(C) from that of C: both curves are C and 1 of an infinite one."""

    def formula(classes: Classes, counts: Sequence[int]) -> Any:
        (c,), slopes = cost(classes, counts)
        if isinstance(c, float):
            return [c], slopes
        value, slope = curve(c)
        return [value], [x if isinstance(x, float) else x * slope for x in slopes]

    return formula


LABELS, BINARY = formulas.smoothed(0), formulas_mass.binary_logits


def conditioned(goal: Goal, value: float, slope: float) -> Goal:
    """Return the goals of C, those of f(C) and f′(C) C′ being so many times the value's more."""

    def of(columns: Columns, values: Exact, slopes: Exact) -> Goals:
        of_value, of_slope = goal(columns, values, slopes)
        more = of_value if of_value.ndim == of_slope.ndim else of_value[:, None]
        return value * of_value, of_slope + slope * more

    return of


FOCAL, POLY = conditioned(goals.labels, 3, 2), conditioned(goals.labels, 1, 1)
#: Of targets that are 0 or 1, of which only one term is there.
BINARY_FOCAL = conditioned(goals.plain(3, 8), 3, 2)
