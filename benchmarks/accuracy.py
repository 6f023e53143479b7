"""How wrong a contender is: in ULP, and whether by more than its dtype explains."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.exact import Exact, Gradient, rows_first

# Relative to the exact value, and for a gradient to its largest element: what a plain sum in the
# dtype may lose. A contender beyond it is shown as wrong. Two within it agree within twice as much.
TOLERANCE = {"float32": 1e-4, "float16": 2e-3, "bfloat16": 2e-2}
# Significant bits, and the exponent (as frexp has it) of the smallest normal number.
FORMAT = {"float32": (24, -125), "float16": (11, -13), "bfloat16": (8, -125)}


def ulp(size: np.ndarray, dtype: str) -> np.ndarray:
    """Return the spacing of ``dtype`` at ``size``; at the smallest normal number below that.

    Libraries flush subnormals to zero, which is no error of theirs.
    """
    bits, least = FORMAT[dtype]
    exponent = np.maximum(np.frexp(size)[1], least)
    return np.ldexp(1.0, exponent - bits)


def worst(got: np.ndarray, exact: np.ndarray, size: np.ndarray, dtype: str) -> float:
    """Return the largest error in ULP of ``size``; NaN is infinitely wrong."""
    with np.errstate(invalid="ignore"):
        error = np.abs(got.astype(np.float64) - exact) / ulp(size, dtype)
    return float(np.where(np.isnan(error), np.inf, error).max())


def relative(got: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest error over the largest exact magnitude."""
    with np.errstate(invalid="ignore"):
        error = float(np.abs(got - exact).max())
    return np.inf if np.isnan(error) else error / max(float(np.abs(exact).max()), 1e-300)


def _gradient(
    got: np.ndarray, exact: Gradient, axis: int | None, dtype: str
) -> tuple[float, float]:
    flat = rows_first(got, axis)
    error = relative(flat, exact.whole)
    return error, worst(flat[exact.rows], exact.picked, exact.size, dtype)


def judge_value(value: Any, rows: np.ndarray | None, exact: Exact, dtype: str) -> dict[str, Any]:
    """Return the errors of a forward result.

    Parameters
    ----------
    value : float
        The mean.
    rows : floating (rows,) or None
        The loss of each row, where the contender can give it.
    exact : Exact
        The truth.
    dtype : str
        Of the prediction: it sets the tolerance. ULP of a loss are float32's for every dtype,
        since a loss of half-precision logits can be had in float32.

    Returns
    -------
    dict
        ``relative_error``, ``ulp`` (of the worst row, or else of the mean), ``ulp_of``, ``ok``.
    """
    truth = np.asarray([exact.value])
    error = relative(np.asarray([float(value)]), truth)
    if rows is None:
        found = worst(np.asarray([float(value)]), truth, np.abs(truth), "float32")
    else:
        found = worst(rows.reshape(-1), exact.rows, np.abs(exact.rows), "float32")
    return {
        "relative_error": error,
        "ulp": found,
        "ulp_of": "mean" if rows is None else "rows",
        "ok": error <= TOLERANCE[dtype],
    }


def judge_gradients(
    value: Any, gradients: tuple[np.ndarray, ...], exact: Exact, dtype: str
) -> dict[str, Any]:
    """Return the errors of a value with its gradients; ULP are of the gradient's dtype."""
    errors = [relative(np.asarray([float(value)]), np.asarray([exact.value]))]
    ulps = []
    for got, truth, axis in zip(gradients, exact.gradients, exact.axes, strict=True):
        error, found = _gradient(got, truth, axis, dtype)
        errors.append(error)
        ulps.append(found)
    return {
        "relative_error": max(errors),
        "ulp": max(ulps),
        "ulp_of": "gradient",
        "ok": max(errors) <= TOLERANCE[dtype],
    }
