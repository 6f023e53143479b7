"""CuPy, counted on a double of it: of fewer rows and classes, of which the passes are no function."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

import xent
from benchmarks.counts.cases import MODES, Case
from benchmarks.counts.count import Count, Counted, by_mode
from benchmarks.counts.cupy_double import installed, metered
from benchmarks.problem import SEED

MOST = 256, 2048
"""Rows and classes of what is counted: the double computes on a CPU."""


def _array(cupy: Any, kind: str, shape: tuple[int, ...], dtype: str) -> Any:
    """Return an array of a kind; labels are among the first classes, and shares sum to 1."""
    draw = np.random.default_rng(SEED)
    if kind == "label":
        return cupy.asarray(draw.integers(0, 10, shape))
    if kind == "flag":
        return cupy.asarray(draw.random(shape) < 0.75)
    x = draw.normal(size=shape)
    if kind == "share":
        x = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    return cupy.asarray(x.astype(dtype or "float32"))


def _smaller(case: Case) -> Case:
    rows, classes = map(min, case.shape, MOST)
    return replace(case, shape=(rows, classes))


def _counted(case: Case, call: Any) -> Count | None:
    """Return the count of a call on the double; CuPy before version 14 has no bfloat16, nor has NumPy."""
    if case.dtype == "bfloat16":
        return None
    case = _smaller(case)
    with installed() as cupy:
        given = case.arguments(lambda *what: _array(cupy, *what))
        call(cupy, **given)  # which makes the plan
        with metered() as meter:
            call(cupy, **given)
    return Count(round(meter.moved / case.passed, 2), meter.launches, meter.waits)


def ours(case: Case, mode: str) -> Count | None:
    """Count xent."""
    loss = case.loss if mode == MODES[0] else xent.value_and_grad(case.loss)
    return _counted(case, lambda cupy, **given: loss(**given))


def textbook(case: Case, mode: str) -> Count | None:
    """Count the textbook form of a loss of labels."""
    if case.target != "label" or case.options or case.arrays:
        return None
    return _counted(case, _forward if mode == MODES[0] else _with_gradient)


def _forward(cupy: Any, target: Any, logits: Any) -> Any:
    z = logits - cupy.max(logits, axis=1, keepdims=True)
    log_sum = cupy.log(cupy.sum(cupy.exp(z), axis=1))
    return cupy.mean(log_sum - z[cupy.arange(len(z)), target])


def _with_gradient(cupy: Any, target: Any, logits: Any) -> Any:
    z = logits - cupy.max(logits, axis=1, keepdims=True)
    e, rows = cupy.exp(z), cupy.arange(len(z))
    total = cupy.sum(e, axis=1, keepdims=True)
    g = e / total
    g[rows, target] -= 1
    g /= len(z)
    return cupy.mean(cupy.log(total[:, 0]) - z[rows, target]), g


_HELD = {
    "labels": (Count(2.03, 7), Count(4.05, 17)),
    "labels, many rows": (Count(2.04, 7), Count(4.08, 17)),
    "labels, small": (Count(3.65, 7), Count(9.35, 17)),
    "smoothed": (Count(18.05, 52), Count(24.09, 91)),
    "weighted": (Count(2.05, 27), Count(4.07, 42)),
    "sample weights": (Count(2.04, 19), Count(4.06, 34)),
    "ignored": (Count(4.04, 19), Count(6.06, 35)),
    "masked": (Count(4.04, 18), Count(6.06, 34)),
    "softcap": (Count(8.03, 10), Count(31.05, 29)),
    "z-loss": (Count(8.04, 17), Count(15.09, 55)),
    "soft targets": (Count(21.52, 29), Count(30.54, 58)),
    "KL": (Count(85.02, 60), Count(106.04, 87)),
    "binary": (Count(7.0, 4), Count(16.0, 7)),
}
_GOALS = {
    "labels": (Count(4, 20), Count(7, 30)),
    "labels, many rows": (Count(4, 20), Count(7, 30)),
    "labels, small": (Count(inf, 20), Count(inf, 30)),
}


CUPY = Counted(
    "CuPy, by a double of it",
    {"xent": ours, "textbook": textbook},
    held=by_mode(_HELD),
    goals=by_mode(_GOALS),
)
