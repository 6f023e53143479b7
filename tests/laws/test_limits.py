"""The limits of the losses (R4–R7): 0 · ∞ = 0, certainty, no epsilon, nothing lost to rounding."""

import numpy as np
import pytest

import xent
from tests.laws.limits import tables
from tests.losses.cross_entropy import LABELS_FROM_LOGITS
from tests.near import assert_near

GOAL = 48
"""ULP: 3 + D, and D is at most 40 here."""

TABLES = tables("limits")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TABLES)
def test_limit(backend, name, dtype):
    table = TABLES[name]
    given, wanted = table.columns(dtype)
    got = backend.run(table.function, **given, **table.each)
    if table.each:
        assert not np.any(np.signbit(got[~np.isnan(got)])), "a cost of −0"
    assert_near(got, wanted, GOAL)


@pytest.mark.parametrize("form", ["logits", "log_probs"])
def test_one_hot_targets_meet_masked_classes(backend, form):
    rows = [(z, y, loss) for z, y, loss in LABELS_FROM_LOGITS if np.isfinite(loss) and max(z) == 0]
    x = np.asarray([z for z, _, _ in rows], np.float64)
    hot = np.eye(3)[[y for _, y, _ in rows]]
    given = {"target": hot, form: x}
    value, gradient = backend.run(
        xent.value_and_grad(xent.cross_entropy), **given, reduction="none"
    )
    assert np.all(np.isfinite(value))
    assert np.all(np.isfinite(gradient))
