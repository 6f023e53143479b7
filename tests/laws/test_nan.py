"""NaN among a row's inputs is NaN in its result, whatever stands beside it, in any company (R5)."""

import numpy as np
import pytest

from tests.cases import in_brief

BESIDE = (None, np.inf, -np.inf, np.nan)
SIZES = {
    "few rows": (2, 1, "float64"),
    "many rows": (5, 300, "float32"),
    "long rows": (300, 12, "float64"),
}
"""Classes, how often each row is there, and the dtype."""
MANY = ["many rows"]
"""What a library is tried with to which each size is one more compilation."""


def spoilt(x):
    """Return rows of which each but the last has a NaN somewhere, and where it is.

    Beside it are numbers, or one or nothing but one that is infinite or NaN.
    """
    rows, at, classes = [], [], x.shape[1]
    for place in {0, classes // 2, classes - 1}:
        for beside in BESIDE:
            for some in ([(place + 1) % classes], slice(None)):
                row = x[len(rows)].copy()
                row[some] = row[some] if beside is None else beside
                row[place] = np.nan
                rows.append(row)
                at.append(np.isnan(row))
    return np.stack([*rows, x[-1]]), np.stack([*at, np.zeros(classes, bool)])


def made(case, size):
    """Return arguments with rows that are spoilt, and where a NaN is."""
    classes, times, dtype = SIZES[size]
    given = case.arguments(rows=(32,), classes=classes)
    x, at = spoilt(given[case.form])
    rows = len(x)
    given = {k: np.concatenate([a[:rows]] * times) for k, a in given.items()}
    given[case.form] = np.concatenate([x] * times)
    given = {k: a.astype(dtype) if a.dtype.kind == "f" else a for k, a in given.items()}
    return given, np.concatenate([at] * times)


@pytest.mark.cases(of=lambda case: case.form == "logits", slow=lambda c: in_brief(c) or c.is_link)
def test_nan_in_a_row(backend, case):
    for size in MANY if backend.is_slow else SIZES:
        given, at = made(case, size)
        value, gradient = backend.run(case.both, **given, **case.each)
        if not case.has_rows:
            assert np.isnan(value)
            continue
        rows = at if case.elementwise else np.broadcast_to(at.any(1, keepdims=True), at.shape)
        assert np.array_equal(np.isnan(value), rows if case.keeps_shape else rows[:, 0])
        assert np.array_equal(np.isnan(gradient), rows)


@pytest.mark.cases(of=lambda case: case.each and case.has_rows and case.target)
def test_nan_in_what_counts(backend, case):
    """Of a target or a weight, beside a prediction that costs nothing, too."""
    given = case.arguments()
    spoilt = {"sample_weight": np.ones(given[case.form].shape if case.elementwise else 3)}
    if case.kind != "labels":
        spoilt[case.target] = given[case.target]
    for name, clean in spoilt.items():
        if not (name == case.target or case.takes(name)):
            continue
        x = clean.copy()
        x[(1, 2)[: x.ndim]] = np.nan
        unchecked = {"validate": False} if case.takes("validate") else {}
        value = backend.run(case.function, **{**given, name: x}, **case.each, **unchecked)
        wanted = np.isnan(x) if value.shape == x.shape else np.isnan(x).any(1)
        assert np.array_equal(np.isnan(value), wanted), name
