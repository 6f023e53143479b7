"""What does not matter to a loss: a shift of the logits, other rows, the order of the classes."""

import numpy as np
import pytest

from tests.backends import Backend
from tests.cases import CLASSES, Case
from tests.near import BOTH, assert_near, assert_same, largest

GRID = 2.0**-10


def is_main(case):
    return case.loss in ("cross_entropy", "log_softmax") and case.form == "logits"


def with_rows(case):
    return case.has_rows


def from_logits(case):
    return case.form == "logits" and not case.elementwise and case.has_rows


def is_exact(case):
    """Whether a loss sees differences from the peak only, which are exact on a dyadic grid."""
    return case.loss != "logsumexp" and case.kind != "target_logits"


def on_a_grid(case):
    given = case.arguments(seed=5)
    return {k: np.round(x / GRID) * GRID if k in LOGITS else x for k, x in given.items()}


LOGITS = ("logits", "target_logits")


@pytest.mark.cases(of=from_logits)
@pytest.mark.parametrize("shift", [512.0, -1024.0])
def test_shift_of_the_logits(backend, case, shift):
    given = on_a_grid(case)
    moved = {k: x + shift if k in LOGITS else x for k, x in given.items()}
    value, gradient = backend.run(case.both, **given, **case.each)
    shifted, gradient_there = backend.run(case.both, **moved, **case.each)
    if case.loss == "logsumexp":
        assert_near(shifted, value + shift, 3)
    elif is_exact(case):
        assert_same(shifted, value)
    else:
        assert_near(shifted, value)
    if is_exact(case) or case.loss == "logsumexp":
        assert_same(gradient_there, gradient)
    else:
        assert_near(gradient_there, gradient, scale=largest(gradient))


@pytest.mark.cases(of=with_rows)
def test_rows_do_not_depend_on_the_others(backend, case):
    given, others = case.arguments(seed=6), case.arguments(seed=7)
    mixed = {k: np.concatenate([x[:1], others[k][1:]]) for k, x in given.items()}
    for a, b in zip(
        backend.run(case.both, **given, **case.each),
        backend.run(case.both, **mixed, **case.each),
        strict=True,
    ):
        assert_same(a[:1], b[:1])
        assert not np.array_equal(a[1:], b[1:]) or case.loss == "softmax"


@pytest.mark.cases(of=with_rows)
def test_rows_may_come_in_any_order(backend, case):
    given, order = case.arguments(seed=8), [2, 0, 1]
    moved = {k: x[order] for k, x in given.items()}
    for a, b in zip(
        backend.run(case.both, **given, **case.each),
        backend.run(case.both, **moved, **case.each),
        strict=True,
    ):
        assert_same(a[order], b)


@pytest.mark.cases(of=lambda case: case.has_rows and not case.elementwise, slow=is_main)
def test_a_row_alone_is_that_of_the_batch(backend, case):
    given = case.arguments(seed=9)
    batch = backend.run(case.both, **given, **case.each)
    for i in range(len(batch[0])):
        alone = backend.run(case.both, **{k: x[i] for k, x in given.items()}, **case.each)
        for whole, row in zip(batch, alone, strict=True):
            if backend.library in ("numpy", "strict"):
                assert_same(row, np.asarray(whole[i]))
            else:
                assert_near(row, whole[i], scale=np.max(np.abs(whole[i])))


def permuted(case: Case, given, order):
    """Return the arguments with the classes in another order."""
    moved = {k: x[..., order] if x.ndim > 1 else x for k, x in given.items()}
    if case.kind == "labels":
        moved["target"] = np.argsort(order)[given["target"]]
    return moved


@pytest.mark.cases(of=lambda case: not case.elementwise)
def test_classes_may_come_in_any_order(backend, case):
    given, order = case.arguments(seed=10), np.asarray([2, 0, 3, 1])
    assert len(order) == CLASSES
    value, gradient = backend.run(case.both, **given)
    value_there, gradient_there = backend.run(case.both, **permuted(case, given, order))
    assert_near(value_there, value[..., order] if case.keeps_shape else value)
    assert_near(gradient_there, gradient[..., order], scale=largest(gradient))


@pytest.mark.cases(of=lambda case: not case.elementwise, slow=is_main)
def test_the_class_axis_may_be_any(backend, case):
    given = case.arguments(seed=11, rows=(2, 3))
    value, gradient = Backend.NUMPY.run(case.both, **given)
    for axis in (0, -2) if backend.is_slow else (0, 1, 2, -1, -2, -3):
        moved = {k: np.moveaxis(x, -1, axis) if x.ndim == 3 else x for k, x in given.items()}
        value_there, gradient_there = backend.run(case.both, **moved, axis=axis)
        assert_near(value_there, np.moveaxis(value, -1, axis) if case.keeps_shape else value, BOTH)
        assert_near(np.moveaxis(gradient_there, axis, -1), gradient, BOTH, scale=largest(gradient))
