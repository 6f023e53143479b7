"""However rows and classes are cut into chunks, a linear loss and its gradients are the same."""

import numpy as np
import pytest

from tests.linear.textbook import BCE, CE, all_options, checked, head, labels_of, soft_of
from xent import _linear
from xent._linear import Chunks, cuts

ROWS, CLASSES = 23, 19
DRAW = np.random.default_rng(13)
WEIGHED = {**all_options(DRAW, ROWS, CLASSES), "base": 2}
BUDGETS = [1, 500, 1000, 4000]
"""Bytes: one logit at a time; few classes of few rows; few rows; all."""


def budgets(backend):
    return BUDGETS[2:3] if backend.is_slow else BUDGETS


@pytest.fixture(params=[(512, 64), (5, 2), (3, 3)], ids=str)
def _cut(request, monkeypatch):
    """Chunks of few rows, and classes cut where even those are too long."""
    rows, few = request.param
    monkeypatch.setattr(_linear, "ROWS", rows)
    monkeypatch.setattr(_linear, "FEW", few)
    monkeypatch.setattr(_linear, "STRIP", 4)


def given_of(target, options):
    made = (labels_of if target == "labels" else soft_of)((ROWS,), CLASSES)
    return {"target": made, **head((ROWS,), classes=CLASSES), **options}


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("options", [{}, WEIGHED], ids=["plain", "weighed"])
@pytest.mark.parametrize("target", ["labels", "distributions"])
def test_chunks_are_the_whole(backend, target, options):
    given = given_of(target, options)
    for reduction in ("mean",) if backend.is_slow else ("mean", "none"):
        for budget in budgets(backend):
            checked(backend, CE, **given, reduction=reduction, chunk_bytes=budget)


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("questions", [(), (CLASSES,)])
def test_binary_chunks_are_the_whole(backend, questions, reduction):
    shape = (ROWS, *questions)
    given = {
        "target": DRAW.uniform(size=shape),
        "features": DRAW.normal(size=(ROWS, 4)),
        "weight": DRAW.normal(size=(*questions, 4)),
        "bias": np.asarray(DRAW.normal(size=questions)),
        "pos_weight": DRAW.uniform(0.5, 2, shape),
        "sample_weight": DRAW.uniform(0.5, 2, shape),
        "where": DRAW.uniform(size=shape) < 0.7,
        "reduction": reduction,
    }
    for budget in budgets(backend):
        checked(backend, BCE, **given, chunk_bytes=budget)


@pytest.mark.usefixtures("_cut")
def test_one_infinite_logit_in_one_part_of_the_classes(backend):
    """What one part alone would call certain, the merged row knows better (R5)."""
    given = {**head((2,), classes=CLASSES), "target": np.asarray([0, 18])}
    given["bias"][18] = np.inf
    value = backend.run(CE, **given, reduction="none", chunk_bytes=100)
    np.testing.assert_array_equal(value, [np.inf, 0.0])


@pytest.mark.parametrize("rows", [1, 2, 63, 64, 65, 511, 512, 513, 700, 1024, 5000])
@pytest.mark.parametrize("classes", [1, 10, 2000, 50257, 2**20])
@pytest.mark.parametrize("budget", [40, 2**20, 64 << 20])
@pytest.mark.parametrize("width", [1, 4096])
def test_a_chunk_keeps_to_its_budget(rows, classes, budget, width):
    chunks = Chunks(budget, (rows, classes), 4, width)
    most = max(512, (2 << 20) // (4 * max(width, classes)))
    least = chunks.rows * 16 > budget
    assert 1 <= chunks.rows <= min(most, rows)
    assert 1 <= chunks.whole_rows <= min(most, rows)
    assert chunks.rows * chunks.classes * 4 <= budget or least
    assert chunks.whole_rows * classes * 4 <= budget or chunks.whole_rows == 1
    cut = list(cuts(classes, chunks.classes))
    assert [c.start for c in cut] + [classes] == [0] + [c.stop for c in cut]
    count = -(-rows // chunks.rows)
    assert count * chunks.rows - rows < count  # the last is as long as the others, or almost


def test_a_large_vocabulary_is_cut_by_rows_that_keep_a_product_busy():
    assert Chunks(64 << 20, (1024, 50257), 4, 768).rows == 256
    assert Chunks(64 << 20, (1024, 50257), 2, 768).rows == 512
    assert Chunks(64 << 20, (65536, 10), 4, 4096).rows == 512
    assert Chunks(64 << 20, (65536, 10), 4, 64).rows == 8192
    whole = Chunks(64 << 20, (4096, 262144), 4, 768)
    assert (whole.rows, whole.classes) == (64, 262144)
    cut = Chunks(64 << 20, (4096, 2**20), 4, 768)
    assert (cut.rows, cut.classes) == (64, 2**16)
