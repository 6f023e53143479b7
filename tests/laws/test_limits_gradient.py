"""The limits of the gradients (R4, R5): 0 · ∞ = 0, a − y at certainty, ±∞ where a derivative is."""

import numpy as np
import pytest

import xent
from tests.laws.limits import tables
from tests.losses.cross_entropy import GRADIENT_FROM_LOGITS
from tests.near import assert_near, assert_zero
from tests.tables import I

GOAL = 48
"""ULP: 8 + D, and D is at most 20 here."""
TABLES = tables("gradient_limits")
FROM_LABELS_OR_ONE_HOT = [row for row in GRADIENT_FROM_LOGITS if not np.isnan(row[2][0])]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TABLES)
def test_limit_of_the_gradient(backend, name, dtype):
    table = TABLES[name]
    given, wanted = table.columns(dtype)
    got = backend.run(xent.grad(table.function), **given, **table.each)
    assert_near(got, wanted, GOAL)


@pytest.mark.parametrize("function", [xent.cross_entropy, xent.negative_log_likelihood])
def test_one_hot_targets_have_the_gradient_of_labels(backend, function):
    logits, labels, wanted = zip(*FROM_LABELS_OR_ONE_HOT, strict=True)
    got = backend.run(
        xent.grad(function),
        target=np.eye(3)[list(labels)],
        logits=np.asarray(logits, float),
        reduction="none",
    )
    finite = [i for i, row in enumerate(logits) if I not in row]
    assert_near(got[finite], np.asarray(wanted, float)[finite], GOAL)


def test_gradient_of_certainty_has_no_nan_in_other_rows(backend):
    z = np.asarray([[I, I, 0], [1.0, 2.0, 3.0]])
    gradient = backend.run(
        xent.grad(xent.cross_entropy), target=np.asarray([0, 1]), logits=z, reduction="none"
    )
    assert np.all(np.isnan(gradient[0]))
    assert np.all(np.isfinite(gradient[1]))


def test_gradient_of_a_zero_weight_is_0_where_the_derivative_is_infinite(backend):
    gradient = backend.run(
        xent.grad(xent.cross_entropy),
        target=np.asarray([0, 1]),
        probs=np.asarray([[0.0, 1.0], [0.5, 0.5]]),
        sample_weight=np.asarray([0.0, 1.0]),
    )
    assert_zero(gradient[0])
    assert_near(gradient[1], np.asarray([0.0, -2.0]), 1)
