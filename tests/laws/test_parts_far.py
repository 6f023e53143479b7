"""Parts of rows whose numbers lie far apart, or that exclude classes, are the whole."""

import warnings
from itertools import product

import numpy as np
import pytest

from tests.cases import CASES
from tests.laws.limits import tables
from tests.laws.parts import both, merged, of_rows, parts_of
from tests.near import GOAL, assert_near, largest

AWAY = -np.inf
LOGITS = [0.0, np.inf, -1.0, 3.0, 1000.0, -800.0, -1e9, AWAY]
TEACHER = [0.0, -1.0, 5.0, 200.0, -800.0, -2000.0, AWAY]
PROBS = np.asarray(
    [
        *np.eye(3),
        *[(0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5), (0.25, 0.25, 0.5)],
        *[(1 - 2.0**-40, 2.0**-40, 0), (0, 1e-300, 1)],
    ]
)
CUTS = [(0, 1, 3), (0, 2, 3), (0, 1, 2, 3)]
SLOW = ("cross_entropy-labels-logits", "kl_divergence-target_logits-logits")


def rows_of(entries):
    """Return all rows of three of the entries, but the one that excludes every class."""
    return np.asarray([row for row in product(entries, repeat=3) if max(row) > AWAY])


def predictions(form):
    if form == "logits":
        return rows_of(LOGITS)
    with np.errstate(divide="ignore"):
        return np.log(PROBS) if form == "log_probs" else PROBS


def targets(kind):
    return {"labels": np.arange(3), "target_logits": rows_of(TEACHER)}.get(kind, PROBS)


def every_pair(case):
    """Return all predictions, each beside each target."""
    x, t = predictions(case.form), targets(case.kind)
    given = {"validate": False} if case.takes("validate") else {}
    if case.target is None:
        return {case.form: x, **case.each, **given}
    i, j = (n.ravel() for n in np.indices((len(x), len(t))))
    return {case.form: x[i], case.target: t[j], **case.each, **given}


def in_parts(backend, case, given, cuts):
    """Return the value and the gradient of rows whose classes are cut."""
    with warnings.catch_warnings():
        if backend.is_lazy:  # which computes a graph made by hand after the call that silences it
            warnings.simplefilter("ignore", RuntimeWarning)
        return both(backend, merged(parts_of(backend, case, given, cuts)))


@pytest.mark.parametrize("cuts", CUTS, ids=str)
@pytest.mark.cases(of=of_rows, slow=lambda case: str(case) in SLOW)
def test_parts_are_the_whole(backend, case, cuts):
    given = every_pair(case)
    wanted, slope = case.both(**given)
    value, gradient = in_parts(backend, case, given, cuts)
    assert_near(value, wanted, GOAL)
    scale = largest(np.where(np.isfinite(slope), slope, 0))
    if case.form == "logits" and case.kind != "labels":
        scale = np.maximum(
            scale, 1 / 3
        )  # of a difference of probabilities, one of which is so large
    assert_near(gradient, slope, GOAL, scale=scale)


def of_limits():
    """Return the tables of limits of losses that have parts: each beside its case, and of what it is."""
    return [
        pytest.param(case, table, kind, id=f"{name}-{kind}")
        for kind in ("limits", "gradient_limits")
        for name, table in tables(kind).items()
        for case in filter(of_rows, CASES)
        if case.loss == table.loss
        and {case.form, case.target or case.form} == set(table.names.split())
        and (case.kind == "labels") == table.of_labels
    ]


@pytest.mark.parametrize(("case", "table", "kind"), of_limits())
def test_parts_have_the_limits(backend, case, table, kind):
    for dtype in ("float32",) if backend.is_slow else ("float32", "float64"):
        given, wanted = table.columns(dtype)
        cuts = (0, 1, given[case.form].shape[-1])
        got = in_parts(backend, case, {**given, **table.each}, cuts)
        assert_near(got[kind != "limits"], wanted, 48)
