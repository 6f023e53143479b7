"""What the entries of a sparse distribution may be: certain, named twice, padding, no class, in half."""

import math

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.laws.test_sparse import (
    CLASSES,
    ENTRIES,
    FORMS,
    INDICES,
    LOGITS,
    OPTIONS,
    ROWS,
    WEIGHTS,
    assert_alike,
    of_entries,
)
from tests.near import assert_near, largest

FLUSHING = (Backend.TORCH_CUDA, Backend.JAX_CUDA)
"""Who adds at an index by the GPU's own addition in memory, which takes subnormal numbers for 0."""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_certain_class_is_a_label(backend, dtype):
    z = np.asarray([[40.0, 0.0, 3.0], [-1.0, 25.0, 2.0], [0.5, 0.25, 0.0], [0.0, 0.0, 90.0]], dtype)
    labels = np.asarray([0, 1, 0, 2])
    if backend in FLUSHING:
        z, labels = z[:3], labels[:3]
    both = xent.value_and_grad(xent.cross_entropy)
    value, g = backend.run(both, target=labels, logits=z, reduction="sum")
    entries = {"indices": labels[:, None], "p": np.ones((len(z), 1), dtype)}
    got = backend.run(of_entries(both), **entries, logits=z, reduction="sum")
    assert_near(got[0], value, 4)
    assert_near(got[1], g, 6)
    rows = backend.run(of_entries(xent.cross_entropy), **entries, logits=z, reduction="none")
    assert_near(rows, backend.run(xent.cross_entropy, target=labels, logits=z, reduction="none"), 4)


def test_a_class_that_is_named_twice_has_the_sum(backend):
    indices, p = (
        np.asarray([[1, 1, 0], [2, 0, 2]]),
        np.asarray([[0.25, 0.5, 0.125], [0.5, 0.0, 0.5]]),
    )
    z = LOGITS[:2, :3]
    for form, x in (("logits", z), ("probs", np.exp(z) / np.exp(z).sum(-1, keepdims=True))):
        both = xent.value_and_grad(xent.cross_entropy)
        t = np.asarray([[0.125, 0.75, 0.0], [0.0, 0.0, 1.0]])
        got = backend.run(of_entries(both), indices=indices, p=p, **{form: x})
        assert_alike(got, backend.run(both, target=t, **{form: x}))


def test_nothing_times_infinity_is_nothing(backend):
    z = np.asarray([[-np.inf, 1.0, 0.0], [-np.inf, 1.0, 0.0], [np.inf, 0.0, 1.0]])
    entries = {
        "indices": np.asarray([[0, 1]] * 3),
        "p": np.asarray([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]),
    }
    both = xent.value_and_grad(xent.cross_entropy)
    value, g = backend.run(of_entries(both), **entries, logits=z, reduction="none")
    assert_near(value, np.asarray([math.log1p(math.exp(-1)), np.inf, 0.0]), 4)
    assert np.all(np.isfinite(g[[0, 2]]))


def test_rows_that_are_taken_out_hold_anything(backend):
    indices, p, z = np.copy(INDICES), np.copy(WEIGHTS), np.copy(LOGITS)
    indices[1], p[1, 0], z[1] = CLASSES + 5, np.nan, np.nan
    options = {"where": np.arange(ROWS) != 1, "reduction": "none"}
    for rest in (None, "uniform"):
        both = of_entries(xent.value_and_grad(xent.cross_entropy), rest)
        want = backend.run(both, **ENTRIES, logits=LOGITS, **options)
        got = backend.run(both, indices=indices, p=p, logits=z, **options)
        assert_alike(got, want, 4)
        assert not got[1][1].any()


@pytest.mark.parametrize("index", [-1, CLASSES, 2**31 - 1])
def test_an_index_that_is_no_class_makes_nan_of_its_row(backend, index):
    indices = np.copy(INDICES)
    indices[3, 1] = index
    for rest in (None, "uniform"):
        loss = of_entries(xent.cross_entropy, rest)
        options = {"reduction": "none", "validate": False}
        rows = backend.run(loss, indices=indices, p=WEIGHTS, logits=LOGITS, **options)
        assert np.isnan(rows).tolist() == [False, False, False, True, False]


def test_half_precision_is_computed_in_float32(backend):
    if not backend.has("float16"):
        pytest.skip("it has no float16")
    z, p = LOGITS.astype("float16"), WEIGHTS.astype("float16")
    both = of_entries(xent.value_and_grad(xent.cross_entropy))
    value, g = backend.run(both, indices=INDICES, p=p, logits=z)
    want, slope = backend.run(
        both, indices=INDICES, p=p.astype("float32"), logits=z.astype("float32")
    )
    assert_near(value, want, 4)
    assert g.dtype == np.float16
    assert_near(g, slope.astype("float16"), 1, scale=largest(slope))


PADDED = np.asarray([[3, 0, 0, 0], [1, 1, 6, 6], [5, 5, 0, 2], [0, 1, 2, 3], [4, 4, 4, 4]])
GIVEN = np.asarray(
    [
        [0.75, 0.0, 0.0, 0.0],
        [0.25, 0.125, 0.5, 0.0],
        [0.125, 0.25, 0.0, 0.5],
        [0.125, 0.25, 0.25, 0.125],
        [0.0, 0.0, 0.0, 0.0],
    ]
)


@pytest.mark.parametrize("options", ["plain", "weighed", "smoothed"])
def test_a_rest_is_spread_over_the_classes_that_are_given_nothing(backend, options):
    """Whether a class is named twice, or by an entry that is padding, and has no probability."""
    t = np.zeros((ROWS, CLASSES))
    np.add.at(t, (np.arange(ROWS)[:, None], PADDED), GIVEN)
    share = (1 - t.sum(-1, keepdims=True)) / np.sum(t == 0, axis=-1, keepdims=True)
    t = np.where(t == 0, share, t)
    both = xent.value_and_grad(xent.cross_entropy)
    for form in ("logits",) if backend.is_slow else FORMS:
        given = {form: FORMS[form], **OPTIONS[options]}
        if form != "logits":
            given.pop("base", None)
        got = backend.run(of_entries(both, "uniform"), indices=PADDED, p=GIVEN, **given)
        assert_alike(got, backend.run(both, target=t, **given))
