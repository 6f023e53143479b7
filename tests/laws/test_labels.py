"""Labels are one-hot rows, and integers of any dtype, never floats."""

import math
from fractions import Fraction

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.near import BOTH, assert_near, assert_same, assert_same_there, largest

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def of_labels(case):
    return case.kind == "labels"


def also_of_distributions(case):
    return of_labels(case) and "distributions" in case.record.targets


def one_hot(labels, classes):
    return np.eye(classes)[labels]


@pytest.mark.cases(of=also_of_distributions)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_labels_are_one_hot_rows(backend, case, weighted):
    given = case.arguments(seed=12)
    if weighted:
        options = case.options()
        options.pop("ignore_index", None)
        given |= options
    value, gradient = backend.run(case.both, **given)
    hot = one_hot(given["target"], given[case.form].shape[-1])
    value_hot, gradient_hot = backend.run(case.both, **(given | {"target": hot}))
    assert_near(value_hot, value)
    assert_near(gradient_hot, gradient, scale=largest(gradient))


@pytest.mark.cases(of=lambda case: also_of_distributions(case) and case.has_rows)
def test_labels_are_one_hot_rows_each(backend, case):
    given = case.arguments(seed=13)
    hot = one_hot(given["target"], given[case.form].shape[-1])
    value = backend.run(case.function, **given, **case.each)
    assert_near(backend.run(case.function, **(given | {"target": hot}), **case.each), value)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.cases(
    of=of_labels, slow=lambda case: (case.loss, case.form) == ("cross_entropy", "logits")
)
def test_every_integer_dtype(backend, case, dtype):
    given = case.arguments(seed=14)
    wanted = backend.run(case.both, **given)
    there = backend.run(case.both, **(given | {"target": given["target"].astype(dtype)}))
    for a, b in zip(there, wanted, strict=True):
        assert_same(a, b)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("kind", ["weights", "smoothed", "ignored"])
def test_every_integer_dtype_with_options(backend, dtype, kind):
    labels, z = np.asarray([2, 0, 1]), np.asarray([[0.5, -1.0, 2.0, 0.0]] * 3)
    options = {
        "weights": {"class_weight": np.asarray([1.0, 2.0, 3.0, 4.0])},
        "smoothed": {"label_smoothing": 0.25},
        "ignored": {"ignore_index": 1},
    }[kind]
    wanted = backend.run(xent.cross_entropy, target=labels, logits=z, **options)
    target = labels.astype(dtype)
    assert_same(backend.run(xent.cross_entropy, target=target, logits=z, **options), wanted)


@pytest.mark.parametrize("label", [2**64 - 1, 2**63, 2**63 + 1, 2**53 + 1, 2**32])
def test_a_huge_unsigned_label_is_out_of_range(backend, label):
    given = {
        "target": np.asarray([1, label], dtype=np.uint64),
        "logits": np.asarray([[0.0, 1.0], [2.0, 0.0]]),
    }
    rows = backend.run(xent.cross_entropy, **given, reduction="none", validate=False)
    assert np.isnan(rows[1])
    assert np.isfinite(rows[0])
    if not backend.is_lazy and backend.library not in ("cupy", "torch-cuda", "jax-cuda"):
        with pytest.raises(ValueError, match=rf"label {label} at \(1,\)"):
            backend.run(xent.cross_entropy, **given)


@pytest.mark.parametrize("label", [2**64 - 1, 2**63, 2**32])
def test_a_huge_unsigned_label_is_ignored(backend, label):
    given = {
        "target": np.asarray([1, label], dtype=np.uint64),
        "logits": np.asarray([[0.0, 0.0], [2.0, 0.0]]),
    }
    rows = backend.run(xent.cross_entropy, **given, reduction="none", ignore_index=label)
    assert_near(rows, np.asarray([np.log(2), 0.0]), 3)


@pytest.mark.parametrize(
    ("dtype", "label", "ignored"),
    [("uint8", 255, -1), ("int8", -1, 255), ("uint64", 2**64 - 1, -1), ("int64", -1, 2**64 - 1)],
)
def test_an_ignored_label_that_the_dtype_cannot_hold_is_in_no_row(backend, dtype, label, ignored):
    given = {
        "target": np.asarray([1, label], dtype=dtype),
        "logits": np.asarray([[0.0, 0.0], [2.0, 0.0]]),
    }
    rows = backend.run(
        xent.cross_entropy, **given, reduction="none", ignore_index=ignored, validate=False
    )
    assert np.isnan(rows[1])


@pytest.mark.parametrize("label", [-1, 4, 100])
@pytest.mark.cases(of=lambda case: of_labels(case) and case.takes("validate", "reduction"))
def test_an_unchecked_label_out_of_range_makes_its_row_nan(backend, case, label):
    """Never another class, never 0, and neither is its gradient."""
    given = case.arguments(seed=15)
    given["target"] = np.asarray([0, label, 2])
    for options in ({}, {"label_smoothing": 0.125}):
        if case.takes(*options):
            rows, _ = backend.run(case.both, **given, **case.each, **options, validate=False)
            assert np.array_equal(np.isnan(rows), [False, True, False])
            assert np.isnan(backend.run(case.function, **given, **options, validate=False))


def test_labels_are_never_cast_to_a_float():
    """2²⁴ + 1 is no float32: a label near it must not move."""
    classes = 2**24 + 2
    z = np.zeros(classes, dtype=np.float32)
    z[2**24 + 1] = 3.0
    value = Backend.NUMPY.run(xent.cross_entropy, target=np.asarray(2**24 + 1), logits=z)
    assert_near(value, np.float32(math.log(2**24 + 1 + math.exp(3)) - 3), 4)


def test_agreement_with_soft_targets_that_are_hard(backend):
    z, y = np.asarray([[3.0, -2.0, 0.5]]), np.asarray([0])
    hard = backend.run(xent.cross_entropy, target=y, logits=z)
    soft = backend.run(xent.cross_entropy, target=np.asarray([[1.0, 0.0, 0.0]]), logits=z)
    assert_near(soft, hard, BOTH)


@pytest.mark.cases(of=of_labels)
@pytest.mark.parametrize("integer", ["int8", "uint8", "int16"])
def test_more_classes_than_the_integers_have(backend, case, integer):
    given = case.arguments(classes=40_000 if integer == "int16" else 300)
    given["target"] %= 128
    for options in (
        {},
        {"ignore_index": int(given["target"][0])} if case.takes("ignore_index") else {},
    ):
        wanted = backend.run(case.both, **given, **options)
        narrow = given | {"target": given["target"].astype(integer)}
        for a, b in zip(backend.run(case.both, **narrow, **options), wanted, strict=True):
            assert_same_there(backend, a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_that_lie_far_apart(any_backend, dtype):
    """So far that a rounded difference is off by more than 1: the loss is the exact difference."""
    draw = np.random.default_rng(17)
    scale = 10.0 ** draw.uniform(9, np.log10(np.finfo(dtype).max) - 2, size=(64, 1))
    logits = (draw.normal(size=(64, 3)) * scale).astype(dtype)
    labels = draw.integers(0, 3, size=64)
    exact = [
        max(map(Fraction, row)) - Fraction(row[y])
        for row, y in zip(logits.tolist(), labels, strict=True)
    ]
    value, gradient = any_backend.run(
        xent.value_and_grad(xent.cross_entropy), target=labels, logits=logits, reduction="none"
    )
    assert_near(value, np.asarray([float(x) for x in exact]), 1)
    np.testing.assert_array_equal(gradient, np.eye(3)[logits.argmax(-1)] - np.eye(3)[labels])
