"""Rows that are taken out are inert, whatever they hold (R9)."""

import numpy as np
import pytest

import xent
from tests.cases import Case
from tests.near import assert_near, assert_same, assert_same_there, assert_zero, largest

OUT = 1
"""The row that is taken out."""
KEEP = np.asarray([True, False, True])


def takes_where(case):
    return case.takes("where") and not case.is_link


def takes_ignored(case):
    return case.takes("ignore_index")


def spoilt(case: Case, given, bad):
    """Return the arguments with a row of what must not matter."""
    spoilt = {k: x.copy() for k, x in given.items()}
    for name, x in spoilt.items():
        x[OUT] = bad if x.dtype.kind == "f" else -5
        if name == "logits" and np.isinf(bad):
            x[OUT, 0] = np.nan
    return spoilt


def keep_of(case, given):
    return np.broadcast_to(KEEP[:, None], given[case.form].shape) if case.elementwise else KEEP


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 7.0])
@pytest.mark.cases(of=takes_where)
def test_what_a_masked_row_holds_does_not_matter(backend, case, bad):
    given = case.arguments(seed=16)
    where = keep_of(case, given)
    clean = backend.run(case.both, **given, where=where)
    for a, b in zip(
        backend.run(case.both, **spoilt(case, given, bad), where=where), clean, strict=True
    ):
        assert_same(a, b)
    assert_zero(clean[1][OUT])
    assert np.any(clean[1][0] != 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.cases(of=lambda case: case.takes("where", "reduction"))
def test_a_masked_row_reads_0(backend, case, bad):
    given = spoilt(case, case.arguments(seed=16), bad)
    where = keep_of(case, given)
    rows, gradient = backend.run(case.both, **given, where=where, reduction="none")
    assert_zero(rows[OUT])
    assert_zero(gradient[OUT])
    assert np.all(rows[[0, 2]] > 0)


@pytest.mark.cases(of=takes_where)
def test_a_masked_row_is_as_if_it_were_not_there(backend, case):
    given = case.arguments(seed=17)
    value, gradient = backend.run(case.both, **given, where=keep_of(case, given))
    left = {k: x[[0, 2]] for k, x in given.items()}
    value_left, gradient_left = backend.run(case.both, **left)
    assert_near(value, value_left)
    assert_near(gradient[[0, 2]], gradient_left, scale=largest(gradient_left))


@pytest.mark.parametrize("ignored", [-100, 255, 2, (7, -100), [2]], ids=str)
@pytest.mark.cases(of=takes_ignored)
def test_an_ignored_label_is_a_masked_row(backend, case, ignored):
    given = case.arguments(seed=18)
    if case.kind == "labels":
        given["target"] = np.asarray([0, 1, 3])
    masked = backend.run(case.both, **given, where=keep_of(case, given))
    given["target"][OUT] = ignored if isinstance(ignored, int) else ignored[-1]
    given[case.form][OUT] = np.nan
    there = backend.run(case.both, **given, ignore_index=ignored)
    for a, b in zip(there, masked, strict=True):
        assert_same_there(backend, a, b)
    assert_zero(there[1][OUT])


@pytest.mark.cases(of=takes_ignored)
def test_both_masks_together(backend, case):
    given = case.arguments(seed=19)
    given["target"][OUT] = -100
    where = np.ones(given["target"].shape, bool)
    where[2] = False
    value, gradient = backend.run(case.both, **given, ignore_index=-100, where=where)
    alone = {k: x[:1] for k, x in given.items()}
    assert_near(value, backend.run(case.function, **alone))
    assert_zero(gradient[1:])


@pytest.mark.parametrize("options", ["where", "sample_weight"])
@pytest.mark.cases(of=lambda case: case.takes("where", "sample_weight"))
def test_nothing_left_is_0(backend, case, options):
    given = case.arguments(seed=20)
    nothing = np.zeros(keep_of(case, given).shape, bool if options == "where" else float)
    value, gradient = backend.run(case.both, **given, **{options: nothing})
    assert_zero(value - (case.loss == "perplexity"))
    assert_zero(gradient)


@pytest.mark.cases(of=takes_ignored)
def test_nothing_but_ignored_labels_is_0(backend, case):
    given = case.arguments(seed=20)
    given["target"] = np.full_like(given["target"], -1)
    value, gradient = backend.run(case.both, **given, ignore_index=-1)
    assert_zero(value - (case.loss == "perplexity"))
    assert_zero(gradient)


@pytest.mark.cases(of=takes_ignored)
def test_each_label_of_a_sequence_is_ignored(backend, case):
    given = case.arguments(seed=22)
    alone = {k: x[1:2] for k, x in given.items()}
    given["target"] = given["target"].copy()
    given["target"][[0, 2]] = np.asarray([-1, 255]).reshape(2, *(1,) * (given["target"].ndim - 1))
    value, gradient = backend.run(case.both, **given, ignore_index=(-1, 255, 2**40))
    assert_near(value, backend.run(case.function, **alone))
    assert_zero(gradient[[0, 2]])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "float16", "float32"])
@pytest.mark.parametrize("ignored", [0, 1, (1, 70000), ()], ids=str)
@pytest.mark.parametrize(
    "loss", [xent.binary_cross_entropy, xent.binary_focal_loss, xent.asymmetric_loss]
)
def test_a_binary_target_of_any_dtype_is_ignored(backend, loss, dtype, ignored):
    if not (dtype[:5] != "float" or backend.has(dtype)):
        pytest.skip(f"{backend} has no {dtype}")
    z, t = np.asarray([1.0, -2.0, 0.5, 3.0]), np.asarray([0, 1, 1, 0]).astype(dtype)
    out = ignored if isinstance(ignored, tuple) else (ignored,)
    given = {"logits": z, "target": t}
    there = backend.run(xent.value_and_grad(loss), **given, ignore_index=ignored)
    kept = backend.run(xent.value_and_grad(loss), **given, where=~np.isin(t, out))
    for a, b in zip(there, kept, strict=True):
        assert_same(a, b)


@pytest.mark.cases(of=lambda case: case.takes("where", "sample_weight"))
def test_the_weight_of_a_masked_row_does_not_matter(backend, case):
    given = case.arguments(seed=21)
    where = keep_of(case, given)
    weight = np.where(where, 2.0, np.nan)
    clean = backend.run(case.both, **given, where=where, sample_weight=np.full(where.shape, 2.0))
    there = backend.run(case.both, **given, where=where, sample_weight=weight)
    for a, b in zip(there, clean, strict=True):
        assert_same(a, b)


def test_masks_meet_weights_and_smoothing(backend):
    z = np.asarray([[1.0, 2.0, 3.0], [np.nan, np.inf, 0.0], [0.5, 0.0, -1.0]])
    options = {
        "class_weight": np.asarray([1.0, 2.0, 4.0]),
        "label_smoothing": 0.25,
        "sample_weight": np.asarray([1.0, np.inf, 3.0]),
    }
    y = np.asarray([2, -1, 0])
    value = backend.run(xent.cross_entropy, target=y, logits=z, ignore_index=-1, **options)
    options["sample_weight"] = np.asarray([1.0, 3.0])
    left = backend.run(xent.cross_entropy, target=y[[0, 2]], logits=z[[0, 2]], **options)
    assert_near(value, left)


def test_where_all_true_changes_nothing(backend):
    z, y = np.asarray([[1.0, 2.0], [0.5, -1.0]]), np.asarray([0, 1])
    wanted = backend.run(xent.cross_entropy, target=y, logits=z)
    where = np.asarray([True, True])
    assert_near(backend.run(xent.cross_entropy, target=y, logits=z, where=where), wanted, 1)
