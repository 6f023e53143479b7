"""The rows of a call: prediction, targets, weights and masks, each as mpmath numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.arguments import dtype_of, mapped, values_of
from conformance.case import Argument, Case
from conformance.reference import curves, penalty
from conformance.reference.links import smoothed
from conformance.reference.number import Array, Number, Row, mp
from conformance.reference.parameters import PARAMETERS, parameters
from conformance.reference.rows import softmax, surprisal, total

FORMS = ("probs", "logits", "log_probs")
BINARY = ("binary_cross_entropy", *curves.ELEMENTS)


@dataclass(frozen=True)
class Problem:
    """A loss as rows of mpmath numbers; a target that is no class is None."""

    form: str
    rows: list[Row]
    plain: list[Row | None]
    targets: list[Row | None]
    kept: list[bool]
    weights: list[Number]
    extra: list[Any]
    shape: tuple[int, ...]


def array_of(argument: Argument, dtype: str) -> Array:
    """Return an argument as an array of mpmath numbers (integers and booleans as they are)."""
    values = values_of(argument, dtype)
    if dtype_of(argument, dtype).startswith(("float", "bfloat")):
        values = mapped(values, mp.mpf)
    if "shape" in argument:
        return np.full(tuple(argument["shape"]), values, dtype=object)
    return np.array(values, dtype=object)


def rows_of(array: Array, axis: int) -> list[Row]:
    """Return the rows along an axis, in the order of the other axes."""
    moved = np.moveaxis(array, axis, -1)
    return [tuple(row) for row in moved.reshape(-1, moved.shape[-1])]


def problem_of(case: Case, arrays: Mapping[str, Array]) -> Problem:
    """Lay a call out in rows."""
    axis = case.options.get("axis", -1)
    form, prediction = _prediction(case, arrays)
    if case.function in BINARY:
        rows: list[Row] = [(value,) for value in prediction.ravel()]
        shape = prediction.shape
    else:
        rows = rows_of(prediction, axis)
        shape = np.moveaxis(prediction, axis, -1).shape[:-1]
    plain, ignored = _targets(case, arrays, rows)
    count = len(rows)
    masks = arrays["where"].ravel() if "where" in arrays else [True] * count
    return Problem(
        form=form,
        rows=rows,
        plain=plain,
        targets=[_weighted(case, arrays, target) for target in plain],
        kept=[bool(m) and not i for m, i in zip(masks, ignored, strict=True)],
        weights=_per_row(arrays, "sample_weight", count),
        extra=_extra(case, arrays, shape, count),
        shape=shape,
    )


def _prediction(case: Case, arrays: Mapping[str, Array]) -> tuple[str, Array]:
    if "q" in arrays:
        return "probs", arrays["q"]
    (form,) = [name for name in FORMS if name in arrays]
    if form == "logits":
        return form, penalty.capped(case, arrays[form] / temperature(case))
    return form, arrays[form]


def temperature(case: Case) -> Number:
    """Return what the logits are divided by, the target's too."""
    return mp.mpf(case.options.get("temperature", 1))


def _targets(
    case: Case, arrays: Mapping[str, Array], rows: list[Row]
) -> tuple[list[Row | None], list[bool]]:
    """Return one target row per prediction row, and which rows are ignored by their label."""
    axis, width = case.options.get("axis", -1), len(rows[0])
    if "target_logits" in arrays:
        soft = rows_of(arrays["target_logits"] / temperature(case), axis)
        return [softmax(row) for row in soft], [False] * len(rows)
    target = arrays.get("p", arrays.get("target"))
    if target is None:
        return [(mp.one,) * width] * len(rows), [False] * len(rows)
    if case.function in BINARY:
        return [(mp.mpf(int(y)) if isinstance(y, (bool, int)) else y,) for y in target.ravel()], [
            False
        ] * len(rows)
    if "target_probs" in arrays:
        entries = zip(target, arrays["target_probs"], strict=True)
        return [_of_entries(*row, width, case.options.get("rest")) for row in entries], [
            False
        ] * len(rows)
    if "labels" not in case.arguments.get("target", {}):
        return list(rows_of(target, axis)), [False] * len(rows)
    ignore = case.options.get("ignore_index")
    labels = [int(label) for label in target.ravel()]
    return [_one_hot(label, width) for label in labels], [label == ignore for label in labels]


def _of_entries(indices: Array, probs: Array, width: int, rest: str | None) -> Row:
    """Return a row of a few classes; the others have nothing, or an even share of what these lack to 1."""
    lack = 1 - total(probs) if rest == "uniform" else mp.zero
    row = [lack / max(1, width - len(indices))] * width
    for index in set(indices):
        row[index] = total([p for i, p in zip(indices, probs, strict=True) if i == index])
    return tuple(row)


def _one_hot(label: int, width: int) -> Row | None:
    if not 0 <= label < width:
        return None
    return tuple(mp.one if k == label else mp.zero for k in range(width))


def _weighted(case: Case, arrays: Mapping[str, Array], target: Row | None) -> Row | None:
    share = mp.mpf(case.options.get("label_smoothing", 0))
    if target is None:
        return None
    if case.function in BINARY:
        return tuple((1 - share) * y + share / 2 for y in target)
    spread = smoothed(target, share) if share else target
    if "class_weight" not in arrays:
        return spread
    return tuple(c * t for c, t in zip(arrays["class_weight"].ravel(), spread, strict=True))


def _per_row(arrays: Mapping[str, Array], name: str, count: int) -> list[Number]:
    return list(arrays[name].ravel()) if name in arrays else [mp.one] * count


def _extra(
    case: Case, arrays: Mapping[str, Array], shape: tuple[int, ...], count: int
) -> list[Any]:
    """Return what only one loss takes: its parameters, the target's −log from its logits, or pos_weight."""
    if case.function in PARAMETERS:
        return [parameters(case.function, case.options)] * count
    if "target_logits" in arrays:
        soft = arrays["target_logits"] / temperature(case)
        return [surprisal(row) for row in rows_of(soft, case.options.get("axis", -1))]
    if case.function not in BINARY:
        return [None] * count
    given = arrays.get("pos_weight", mp.mpf(case.options.get("pos_weight", 1)))
    return list(np.broadcast_to(np.array(given, dtype=object), shape).ravel())
