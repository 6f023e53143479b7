"""How far the sums of a chain rule cancel: κ = Σ|term| / |Σ term|, the worst of a case's elements.

The goal of a gradient is 8 ULP for every term. A gradient by the parameters of a linear layer adds
the terms of several samples or classes, and the sum is off by as much as its largest terms are:
8 κ ULP of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.case import Case
from conformance.reference import pairs
from conformance.reference.evaluate import evaluate, evaluate_arrays
from conformance.reference.linear import FUNCTIONS, Evaluate, targeted
from conformance.reference.linear import evaluate as evaluate_linear
from conformance.reference.number import Array
from conformance.reference.problem import array_of

#: Digits of a condition that are stored: it scales a tolerance.
STORED = 4


def condition(case: Case, dtype: str) -> float | None:
    """Return κ of a gradient that sums, None of a case in which nothing is summed."""
    heads = (*FUNCTIONS, *pairs.FUNCTIONS)
    if case.quantity != "gradient" or (case.chain is None and case.function not in heads):
        return None
    if case.chain is not None:
        slope = np.array(evaluate(replace(case, chain=None), dtype), dtype=object)
        features = array_of(case.chain, dtype)
        slope = slope.T if slope.ndim == 2 else slope
        return _worst([abs(slope) @ abs(features)], [slope @ features])
    arrays = {name: array_of(argument, dtype) for name, argument in case.arguments.items()}
    if case.function in pairs.FUNCTIONS:
        return _worst(pairs.evaluate(case, arrays, sized=True), pairs.evaluate(case, arrays))
    arrays = targeted(arrays)
    return _worst(
        evaluate_linear(case, _sized(arrays), _size_of(case, arrays)),
        evaluate_linear(case, arrays, evaluate_arrays),
    )


def _sized(arrays: Mapping[str, Array]) -> Mapping[str, Array]:
    head = ("features", "weight")
    return {name: abs(array) if name in head else array for name, array in arrays.items()}


def _size_of(case: Case, arrays: Mapping[str, Array]) -> Evaluate:
    """Return a rule that gives |∂L/∂z| at the true logits, whatever logits it is handed."""

    def size(loss: Case, _: Mapping[str, Array]) -> Any:
        logits = arrays["features"] @ arrays["weight"].T + arrays.get("bias", 0)
        plain = {
            name: a for name, a in arrays.items() if name not in ("features", "weight", "bias")
        }
        return abs(np.array(evaluate_arrays(loss, {**plain, "logits": logits}), dtype=object))

    return size


def _worst(sizes: Iterable[Any], sums: Iterable[Any]) -> float:
    each = [
        (float(size), abs(float(total)))
        for whole, parts in zip(sums, sizes, strict=True)
        for total, size in zip(_flat(whole), _flat(parts), strict=True)
    ]
    return float(f"{max(size / total for size, total in each if size):.{STORED}g}")


def _flat(values: Any) -> list[Any]:
    return list(np.array(values, dtype=object).ravel())
