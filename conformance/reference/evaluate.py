"""From a case to its exact result: rows are costed, weighted, masked and reduced (R9–R11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from conformance.case import Case
from conformance.exact import FORMATS
from conformance.reference import beside, derived, linear, links, pairs, penalty
from conformance.reference.losses import TABLE
from conformance.reference.number import Array, Number, Row, mp
from conformance.reference.problem import BINARY, Problem, array_of, problem_of, temperature
from conformance.reference.rows import times, total

#: What "reduction" is where a case does not say.
DEFAULT = {
    "entropy": "none",
    "renyi_entropy": "none",
    "tsallis_entropy": "none",
    "likelihood": "prod",
    "log_likelihood": "sum",
}
#: Losses whose mean divides by the number of rows: they have no target, or no weights in it.
COUNTED = (
    "entropy", "renyi_entropy", "tsallis_entropy", "jensen_shannon_divergence",
    *beside.ROWS, *BINARY,
)  # fmt: skip


def evaluate(case: Case, dtype: str) -> Any:
    """Return the exact result of a case, nested lists of mpmath numbers or booleans."""
    arrays = {name: array_of(argument, dtype) for name, argument in case.arguments.items()}
    if case.function in linear.FUNCTIONS:
        return linear.evaluate(case, linear.targeted(arrays), evaluate_arrays)
    if case.function in pairs.FUNCTIONS:
        return pairs.evaluate(case, arrays)
    if case.quantity in derived.QUANTITIES:
        return derived.evaluate(case, arrays, evaluate_arrays)
    result = evaluate_arrays(case, arrays)
    if case.chain is not None:
        features = array_of(case.chain, dtype)
        result = (result.T if result.ndim == 2 else result) @ features
    return result.tolist() if isinstance(result, np.ndarray) else result


def evaluate_arrays(case: Case, arrays: Mapping[str, Array]) -> Any:
    """Evaluate a function that is no linear loss."""
    if case.function == "log_probs":
        return beside.log_probs(case, arrays, evaluate_arrays)
    if case.quantity == "metrics":
        return beside.metrics(case, arrays, evaluate_arrays)
    if case.function not in TABLE:
        return _link(case, arrays)
    if case.function == "kl_divergence" and {"reverse", "skew"} & set(case.options):
        case = replace(case, function="skewed_divergence")
    problem = problem_of(case, arrays)
    if case.quantity == "gradient":
        return _gradient(case, problem) * penalty.cap_slope(case, arrays)
    return _value(case, problem)


def _link(case: Case, arrays: Mapping[str, Array]) -> Any:
    array = next(iter(arrays.values()))
    if "where" in arrays:
        return _among(case, array, np.broadcast_to(arrays["where"], array.shape).astype(bool))
    if case.function in links.ELEMENTWISE:
        slope = links.SLOPES.get(case.function)
        if case.quantity == "gradient" and slope is not None:
            return np.vectorize(slope, otypes=[object])(array)
        rule = links.ELEMENTWISE[case.function]
        return np.vectorize(lambda x: rule(x, case.options), otypes=[object])(array)
    if case.function == "one_hot":
        classes = case.options["num_classes"]
        return np.vectorize(lambda label: mp.mpf(int(label)), otypes=[object])(
            np.eye(classes, dtype=int)[array.astype(int)]
        )
    moved = np.moveaxis(array, case.options.get("axis", -1), -1)
    rows = [tuple(row) for row in moved.reshape(-1, moved.shape[-1])]
    if case.function == "is_distribution":
        bits = FORMATS[case.dtypes[-1]].bits
        return _shaped([links.is_distribution(row, bits) for row in rows], moved.shape[:-1])
    if case.function == "smooth_labels":
        share = mp.mpf(case.options["smoothing"])
        return _shaped([list(links.smoothed(row, share)) for row in rows], moved.shape)
    rule_along = links.ALONG["logsumexp_slope" if case.quantity == "gradient" else case.function]
    results = [rule_along(row) for row in rows]
    result = np.array(results, dtype=object)
    result = result.reshape(moved.shape[:-1] + result.shape[1:])
    same = result.ndim == array.ndim
    return np.moveaxis(result, -1, case.options.get("axis", -1)) if same else result


def _among(case: Case, array: Array, kept: Array) -> Any:
    """A class that is taken out is one at −∞, but that a row without any has the softmax 0."""
    result = _link(case, {"logits": np.where(kept, array, mp.ninf)})
    empty = ~kept.any(axis=case.options.get("axis", -1), keepdims=True)
    if case.function == "logsumexp" and case.quantity == "value":
        return result
    return np.where(empty, mp.ninf if case.function == "log_softmax" else mp.zero, result)


def _shaped(values: list[Any], shape: tuple[int, ...]) -> Any:
    return np.array(values, dtype=object).reshape(shape) if shape else values[0]


def _cost(case: Case, problem: Problem, index: int) -> Number:
    target = problem.targets[index]
    if target is None:
        return mp.nan
    sign = -1 if case.function == "log_likelihood" else 1
    row, extra = problem.rows[index], problem.extra[index]
    return sign * _row_cost(case.function, target, problem.form, row, extra) / _base(case)


# Arrays made by rule have one row in 200 000 places.
@lru_cache(maxsize=64)
def _row_cost(function: str, target: Row, form: str, row: Row, extra: Any) -> Number:
    cost, _ = TABLE[function]
    return cost(target, form, row, extra)


def _base(case: Case) -> Number:
    base = case.options.get("base")
    return mp.log(base) if base else mp.one


def _scaled(case: Case, problem: Problem) -> list[Number]:
    """Return s·ℓ of every row, exactly 0 where it is masked."""
    return [
        times(weight, _cost(case, problem, index))
        + weight * penalty.cost(case, problem.rows[index])
        if kept and weight
        else mp.zero
        for index, (kept, weight) in enumerate(zip(problem.kept, problem.weights, strict=True))
    ]


def _divisor(case: Case, problem: Problem) -> Number:
    if "denominator" in case.options:
        return mp.mpf(case.options["denominator"])
    masses = [_mass(case, problem, index) for index in range(len(problem.rows))]
    rows = zip(problem.kept, problem.weights, masses, strict=True)
    return total([s * mass for kept, s, mass in rows if kept])


def _mass(case: Case, problem: Problem, index: int) -> Number:
    """Σ cₖtₖ with the target as it was before smoothing."""
    plain = problem.plain[index]
    if case.function in COUNTED or plain is None:
        return mp.one
    if "class_weight" not in case.arguments:
        return total(plain)
    scale = array_of(case.arguments["class_weight"], case.dtypes[0]).ravel()
    return total([c * t for c, t in zip(scale, plain, strict=True)])


def _value(case: Case, problem: Problem) -> Any:
    reduction = case.options.get("reduction", DEFAULT.get(case.function, "mean"))
    values = _scaled(case, problem)
    if reduction == "none":
        return _shaped(values, problem.shape)
    if reduction == "prod":
        return mp.fprod(values)
    if reduction == "sum":
        return total(values)
    if "sequence_axis" in case.options:
        return _of_sequences(case, problem, values)
    divisor = _divisor(case, problem)
    mean = total(values) / divisor if divisor else mp.zero
    return mp.exp(mean) if case.function == "perplexity" else mean


def _of_sequences(case: Case, problem: Problem, values: list[Number]) -> Any:
    """Return exp of the mean along one axis of the rows, 1 where nothing is left."""
    counts = [_mass(case, problem, i) * s if kept else mp.zero
              for i, (kept, s) in enumerate(zip(problem.kept, problem.weights, strict=True))]  # fmt: skip
    axis = case.options["sequence_axis"]
    sums, divisors = (np.array(x, dtype=object).reshape(problem.shape).sum(axis=axis)
                      for x in (values, counts))  # fmt: skip
    return np.vectorize(lambda s, n: mp.exp(s / n) if n else mp.one, otypes=[object])(
        sums, divisors
    )


def _gradient(case: Case, problem: Problem) -> Array:
    reduction = case.options.get("reduction", DEFAULT.get(case.function, "mean"))
    divisor = _divisor(case, problem) if reduction == "mean" else mp.one
    share = 1 / divisor if divisor else mp.zero
    scale = share / _base(case) / temperature(case)
    if case.function == "log_likelihood":
        scale = -scale
    if case.function == "perplexity":
        scale = scale * _value(case, problem)
    rows = [_slope(case, problem, index, scale, share) for index in range(len(problem.rows))]
    if case.function in BINARY:
        return np.array(rows, dtype=object).reshape(problem.shape)
    result = np.array(rows, dtype=object).reshape((*problem.shape, len(problem.rows[0])))
    return np.moveaxis(result, -1, case.options.get("axis", -1))


def _slope(case: Case, problem: Problem, index: int, scale: Number, share: Number) -> Row:
    width, weight = len(problem.rows[index]), problem.weights[index] * scale
    if not problem.kept[index] or not weight:
        return (mp.zero,) * width
    target = problem.targets[index]
    if target is None:
        return (mp.nan,) * width
    _, slope = TABLE[case.function]
    row, extra = problem.rows[index], problem.extra[index]
    own = penalty.slope(case, row, problem.weights[index] * share)
    each = zip(slope(target, problem.form, row, extra), own, strict=True)
    return tuple(times(value, weight) + more for value, more in each)
