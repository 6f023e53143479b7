"""What is made of values and gradients: parts of classes, second derivatives, products with a Jacobian."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.case import Case
from conformance.reference.links import jacobian
from conformance.reference.number import Array, Row, mp
from conformance.reference.rows import softmax, total

Evaluate = Callable[[Case, Mapping[str, Array]], Any]
QUANTITIES = ("parts", "diagonal", "vjp")


def evaluate(case: Case, arrays: Mapping[str, Array], rule: Evaluate) -> list[Any]:
    """Return the results of a case, one after another."""
    if case.quantity == "vjp":
        return _pulled(case, dict(arrays), rule)
    gradient = replace(case, quantity="gradient")
    slope = np.array(rule(gradient, arrays), dtype=object)
    if case.quantity == "diagonal":
        return [slope.tolist(), _diagonal(gradient, arrays, rule).tolist()]
    value = np.array(rule(replace(case, quantity="value"), arrays), dtype=object)
    return [value.tolist(), slope[..., :1].tolist(), slope[..., 1:].tolist()]


def _diagonal(case: Case, arrays: Mapping[str, Array], rule: Evaluate) -> Array:
    """Return the derivative of each element of the gradient by its own, as a difference quotient.

    Its steps are so small, and its digits so many, that what it lacks is beyond what is stored.
    """
    (name,) = {"probs", "logits", "log_probs", "q"} & set(arrays)
    step, x = mp.mpf(10) ** (-mp.dps // 3), arrays[name]
    result = np.empty(x.shape, dtype=object)
    for index in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[index] = moved[index] + sign * step
            ends.append(np.array(rule(case, {**arrays, name: moved}), dtype=object)[index])
        result[index] = (ends[0] - ends[1]) / (2 * step)
    return result


def _pulled(case: Case, arrays: dict[str, Array], rule: Evaluate) -> list[Any]:
    """Return a link of rows and vᵀ J, of the cotangent v."""
    v = arrays.pop("cotangent")
    value = np.array(rule(replace(case, quantity="value"), arrays), dtype=object)
    kept = arrays.get("where", np.ones(v.shape, dtype=bool)).astype(bool)
    logits, v = np.where(kept, arrays["logits"], mp.ninf), np.where(kept, v, mp.zero)
    each = zip(logits, v, strict=True)
    return [value.tolist(), [PULLED[case.function](tuple(row), tuple(w)) for row, w in each]]


def _softmax(row: Row, v: Row) -> list[Any]:
    return [total([x * y for x, y in zip(v, column, strict=True)]) for column in jacobian(row)]


def _log_softmax(row: Row, v: Row) -> list[Any]:
    return [x - a * total(v) for x, a in zip(v, softmax(row), strict=True)]


PULLED = {"softmax": _softmax, "log_softmax": _log_softmax}
