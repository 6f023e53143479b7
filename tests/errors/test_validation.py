"""Which values are checked, where, and what is said of the first offender (R13)."""

import re

import ml_dtypes
import numpy as np
import pytest

import xent
from tests.near import assert_near, assert_same

Z = np.zeros((2, 3))
EPS = 2.0**-52


def reads(backend):
    """Whether values are checked without being asked for."""
    return not backend.is_lazy and backend.library not in ("cupy", "torch-cuda", "jax-cuda")


LABELS = [
    (np.asarray([[0, 1], [3, 9]]), "target holds label 3 at (1, 0); labels are 0 to 2"),
    (np.asarray([[0, -1], [9, 0]]), "target holds label -1 at (0, 1); labels are 0 to 2"),
]


@pytest.mark.parametrize(("labels", "said"), LABELS)
def test_labels_out_of_range(backend, labels, said):
    given = {"target": labels, "logits": np.zeros((2, 2, 3))}
    for validate in (None, True):
        if validate or reads(backend):
            with pytest.raises(ValueError, match=re.escape(said)) as caught:
                backend.run(xent.cross_entropy, **given, validate=validate)
            assert "ignore_index= or where=" in str(caught.value)
    rows = backend.run(xent.cross_entropy, **given, validate=False, reduction="none")
    assert_same(np.isnan(rows), (labels < 0) | (labels > 2))


@pytest.mark.cases(of=lambda case: case.takes("validate"), slow=lambda case: False)
@pytest.mark.parametrize("planted", [{}, {1: -np.inf}, {1: np.inf}, {1: -np.inf, 2: -np.inf}])
def test_what_was_looked_at_gives_the_same(backend, case, planted):
    """Finite logits and labels in range take a shorter way, which must not show."""
    given = case.arguments(seed=43, rows=(5,), classes=3)
    for name in {"logits", "target_logits"} & set(given):
        for column, x in planted.items():
            given[name][1, column] = given[name][3, 0] = x
    for extra in ({}, case.each, case.options(seed=44, rows=(5,), classes=3)):
        looked = backend.run(case.both, **given, **extra)
        unseen = backend.run(case.both, **given, **extra, validate=False)
        for got, want in zip(looked, unseen, strict=True):
            assert_same(got, want)


BAD = [
    ("probs", -0.25, "holds -0.25 at (1, 2); probabilities are 0 to 1 (logits go to logits=, of"),
    (
        "probs",
        1.5,
        "holds 1.5 at (1, 2); probabilities are 0 to 1 (logits go to logits=, of a loss that takes them; "
        "counts are divided by their sum)",
    ),
    ("probs", np.inf, "holds inf at (1, 2); probabilities are 0 to 1"),
    ("log_probs", 0.5, "holds 0.5 at (1, 2); log-probabilities are at most 0"),
]


@pytest.mark.parametrize(("form", "bad", "said"), BAD)
def test_predictions_out_of_range(backend, form, bad, said):
    x = np.full((2, 3), 0.25 if form == "probs" else -0.25)
    x[1, 2] = bad
    given = {"target": np.asarray([0, 0]), form: x}
    assert np.isfinite(backend.run(xent.cross_entropy, **given, validate=False))
    for validate in (None, True):
        if validate or reads(backend):
            with pytest.raises(ValueError, match=re.escape(f"{form} {said}")):
                backend.run(xent.cross_entropy, **given, validate=validate)


@pytest.mark.parametrize("name", ["target", "p", "q"])
def test_targets_out_of_range(backend, name):
    if not reads(backend):
        pytest.skip(f"{backend} reads no values")
    bad, good = np.asarray([[0.5, 0.5], [-0.5, 1.5]]), np.full((2, 2), 0.5)
    hint = {"q": r" \(logits go to logits=", "target": r" \(of logits, .*target_logits="}.get(
        name, "$"
    )
    said = rf"{name} holds -0\.5 at \(1, 0\); probabilities are 0 to 1{hint}"
    given = {"p": good, "q": good} if name in "pq" else {"logits": good}
    loss = xent.jensen_shannon_divergence if name in "pq" else xent.cross_entropy
    with pytest.raises(ValueError, match=said):
        backend.run(loss, **(given | {name: bad}))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("bad", [-0.25, 1.5])
def test_half_precision_is_looked_at_as_numbers(backend, dtype, bad):
    """Made integers, both would be probabilities."""
    if not (reads(backend) and backend.has(dtype)):
        pytest.skip(f"{backend} reads no {dtype}")
    half = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float16
    p, z = np.asarray([[bad, 0.5], [0.5, 0.5]], half), np.zeros((2, 2), half)
    for given in ({"target": p, "logits": z}, {"target": abs(z), "probs": p}):
        with pytest.raises(ValueError, match="probabilities are 0 to 1"):
            backend.run(xent.cross_entropy, **given)


def test_binary_targets_out_of_range(backend):
    if not reads(backend):
        pytest.skip(f"{backend} reads no values")
    z = np.zeros(3)
    for target, said in (
        (np.asarray([0.5, 1.5, 2.0]), r"target holds 1\.5 at \(1,\); probabilities are 0 to 1"),
        (np.asarray([0, 1, 2]), r"target holds label 2 at \(2,\); labels are 0 to 1"),
    ):
        with pytest.raises(ValueError, match=said):
            backend.run(xent.binary_cross_entropy, target=target, logits=z)


def test_labels_that_were_meant_for_another_loss(backend):
    if not reads(backend):
        pytest.skip(f"{backend} reads no values")
    for loss, target, z, said in (
        (xent.binary_cross_entropy, [-1, 1], np.zeros(2), r"pass \(target \+ 1\) // 2"),
        (xent.cross_entropy, [1, 2], np.zeros((2, 2)), r"of labels 1 to 2 pass target - 1; rows"),
        (xent.cross_entropy, [3, 1], np.zeros((2, 3)), r"of labels 1 to 3 pass target - 1; rows"),
        (xent.cross_entropy, [1, 9, 3], np.zeros((3, 3)), r"0 to 2 \(rows are left out"),
        (xent.cross_entropy, [1, -100, 3], np.zeros((3, 3)), r"0 to 2 \(rows are left out"),
        (xent.cross_entropy, [1, -1], np.zeros((2, 2)), r"of labels -1 and 1 pass"),
        (xent.cross_entropy, [0, 2], np.zeros((2, 2)), r"0 to 1 \(rows are left out"),
        (xent.cross_entropy, [0, 1], np.zeros((2, 1)), "by one logit take binary_cross_entropy"),
        (xent.cross_entropy, [0, 1], np.zeros(2), "0 or 1 each take binary_cross_entropy"),
    ):
        with pytest.raises(ValueError, match=said):
            backend.run(loss, target=np.asarray(target), logits=z)


def test_an_unchecked_binary_label_is_nan(backend):
    target, z = np.asarray([0, 1, 2, -1]), np.zeros(4)
    rows = backend.run(
        xent.binary_cross_entropy, target=target, logits=z, reduction="none", validate=False
    )
    assert_same(np.isnan(rows), np.asarray([False, False, True, True]))


def test_a_few_ulp_above_1_are_rounding(backend):
    q = np.asarray([[1 + 2 * EPS, 0.0]])
    assert np.isfinite(backend.run(xent.cross_entropy, target=np.asarray([0]), probs=q))
    log_q = np.asarray([[2 * EPS, -50.0]])
    assert np.isfinite(backend.run(xent.cross_entropy, target=np.asarray([0]), log_probs=log_q))
    if reads(backend):
        with pytest.raises(ValueError, match="probs holds"):
            backend.run(xent.cross_entropy, target=np.asarray([0]), probs=q + 8 * EPS)


@pytest.mark.parametrize("form", ["probs", "log_probs", "logits"])
def test_nan_is_data(backend, form):
    x = (
        np.asarray([[np.nan, -0.5], [-0.5, -0.5]])
        if form != "probs"
        else np.asarray([[np.nan, 1.0], [0.5, 0.5]])
    )
    given = {"target": np.asarray([0, 0]), form: x}
    rows = backend.run(xent.cross_entropy, **given, reduction="none")
    assert_same(np.isnan(rows), np.asarray([True, False]))
    soft = backend.run(
        xent.cross_entropy, target=np.asarray([[np.nan, 1.0]]), logits=np.zeros((1, 2))
    )
    assert np.isnan(soft)


@pytest.mark.parametrize("form", ["probs", "log_probs"])
def test_validate_true_sums_the_rows(backend, form):
    p = np.asarray([[0.5, 0.5], [0.25, 0.5]])
    given = {"target": np.asarray([0, 0]), form: np.log(p) if form == "log_probs" else p}
    assert np.isfinite(backend.run(xent.cross_entropy, **given))
    with pytest.raises(
        ValueError, match=rf"row \(1,\) of {form} sums to 0\.7\d*; a distribution sums to 1"
    ):
        backend.run(xent.cross_entropy, **given, validate=True)
    with pytest.raises(ValueError, match=r"row \(1,\) of target sums to 0\.75; a distribution"):
        backend.run(xent.cross_entropy, target=p, logits=np.zeros((2, 2)), validate=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rounding_of_a_sum_is_no_error(backend, dtype):
    q = np.full((1, 3000), 1 / 3000, dtype)
    value = backend.run(xent.cross_entropy, target=np.asarray([0]), probs=q, validate=True)
    assert_near(value, np.asarray(np.log(3000.0), dtype), 64)


def test_masked_rows_are_not_checked(backend):
    q, where = np.asarray([[5.0, -1.0], [0.5, 0.5]]), np.asarray([False, True])
    for validate in (None, True):
        value = backend.run(
            xent.cross_entropy, target=np.asarray([7, 1]), probs=q, where=where, validate=validate
        )
        assert_near(value, np.log(2.0), 2)


def test_what_is_traced_or_lazy_is_not_checked(any_backend):
    if any_backend.compiles or any_backend.is_lazy:
        rows = any_backend.run(
            xent.cross_entropy, target=np.asarray([0, 3]), logits=Z, reduction="none"
        )
        assert_same(np.isnan(rows), np.asarray([False, True]))


def test_validate_true_cannot_read_a_tracer(any_backend):
    if any_backend.compiles:
        with pytest.raises(
            Exception, match="validate=True reads values, and these are being traced"
        ):
            any_backend.run(xent.cross_entropy, target=np.asarray([0, 1]), logits=Z, validate=True)


def test_one_hot_treats_a_bad_label_alike(any_backend):
    labels = np.asarray([0, 3])
    if any_backend.compiles or not reads(any_backend):
        rows = any_backend.run(xent.one_hot, labels=labels, num_classes=3)
        assert_same(np.isnan(rows), np.asarray([[False] * 3, [True] * 3]))
    else:
        with pytest.raises(ValueError, match=r"labels holds label 3 at \(1,\); labels are 0 to 2"):
            any_backend.run(xent.one_hot, labels=labels, num_classes=3)


def test_self_information_checks_its_probabilities(backend):
    if reads(backend):
        with pytest.raises(ValueError, match=r"p holds 1\.5 at \(0,\); probabilities are 0 to 1"):
            backend.run(xent.self_information, p=np.asarray([1.5]))
