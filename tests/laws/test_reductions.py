"""What is returned for each reduction, and of no rows at all (R10)."""

import math

import numpy as np
import pytest

import xent
from tests.cases import CASES
from tests.near import assert_near, assert_same, largest

EMPTY = [(0,), (0, 3), (2, 0)]


def reduces(case):
    return case.takes("reduction")


def is_main(case):
    return case.loss == "cross_entropy" and case.form == "logits"


@pytest.mark.cases(of=reduces)
def test_sum_and_mean_are_those_of_the_rows(backend, case):
    given = case.arguments(seed=32)
    rows = backend.run(case.function, **given, reduction="none")
    assert rows.shape == given[case.form].shape[: None if case.elementwise else -1]
    total = backend.run(case.function, **given, reduction="sum")
    mean = backend.run(case.function, **given, reduction="mean")
    assert total.shape == mean.shape == ()
    assert_near(total, np.asarray(math.fsum(rows.ravel())), 8)
    assert_near(mean, np.asarray(float(total) / _divisor(case, given, rows)), 8)


def _divisor(case, given, rows):
    """Σ of the target's mass, which of a distribution is 1 but for rounding."""
    by_mass = case.kind == "distributions" and case.loss != "log_likelihood"
    return math.fsum(given["target"].ravel()) if by_mass else float(rows.size)


@pytest.mark.cases(of=reduces)
def test_gradient_of_none_is_that_of_the_sum(backend, case):
    given = case.arguments(seed=33)
    summed = backend.run(case.grad, **given, reduction="sum")
    assert_near(backend.run(case.grad, **given, reduction="none"), summed, 4, scale=largest(summed))


@pytest.mark.parametrize("case", [c for c in CASES if reduces(c)], ids=str)
def test_default_reduction(case):
    given = case.arguments()
    wanted = case.function(**given, reduction=case.record.reduction)
    assert_same(case.function(**given), wanted)


def test_likelihood_multiplies(backend):
    """D1's product of the rows; each is exact in binary."""
    q = np.asarray([[0.5, 0.5], [0.25, 0.75], [0.125, 0.875]])
    for target in (np.asarray([0, 1, 1]), np.asarray([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])):
        joint = backend.run(xent.likelihood, target=target, probs=q)
        assert_same(joint, np.asarray(0.5 * 0.75 * 0.875))
        rows = backend.run(xent.likelihood, target=target, probs=q, reduction="none")
        assert_same(rows, np.asarray([0.5, 0.75, 0.875]))


def test_perplexity_is_the_exponential_of_the_mean(backend):
    z = np.zeros((3, 8))
    assert_near(
        backend.run(xent.perplexity, target=np.asarray([0, 5, 7]), logits=z), np.asarray(8.0), 16
    )


@pytest.mark.parametrize("rows", EMPTY, ids=str)
@pytest.mark.cases(of=reduces, slow=is_main)
def test_no_rows(backend, case, rows):
    given = case.arguments(rows=rows)
    shape = given[case.form].shape
    each = backend.run(case.both, **given, reduction="none")
    assert each[0].shape == (shape if case.elementwise else rows)
    assert each[1].shape == shape
    total, gradient = backend.run(case.both, **given, reduction="sum")
    assert_same(total + 0.0, np.asarray(0.0))
    assert gradient.shape == shape
    with pytest.raises(ValueError, match=r"a mean over no rows.*reduction='sum' or 'none'"):
        backend.run(case.function, **given, reduction="mean")


@pytest.mark.parametrize("rows", EMPTY, ids=str)
def test_perplexity_of_no_rows_raises(backend, rows):
    given = {"target": np.zeros(rows, int), "logits": np.zeros((*rows, 4))}
    with pytest.raises(ValueError, match="a mean over no rows"):
        backend.run(xent.perplexity, **given)


@pytest.mark.parametrize("function", [xent.softmax, xent.log_softmax, xent.sigmoid, xent.logsumexp])
def test_links_of_no_rows_are_empty(backend, function):
    value = backend.run(function, logits=np.zeros((0, 4)))
    assert value.shape == ((0,) if function is xent.logsumexp else (0, 4))


def test_links_of_no_classes_are_empty_sums(backend):
    """And an entropy, which is a loss, raises (R16a)."""
    for dtype in filter(backend.has, ("float32", "float16")):
        x = np.zeros((3, 0), dtype)
        for function in (xent.softmax, xent.log_softmax, xent.logsumexp):
            value, gradient = backend.run(xent.value_and_grad(function), logits=x)
            want = np.full(3, -np.inf, dtype) if function is xent.logsumexp else x
            assert_same(value, want)
            assert value.dtype == gradient.dtype == dtype
            assert gradient.shape == x.shape
        assert backend.run(xent.softmax_jacobian, logits=x).shape == (3, 0, 0)
    with pytest.raises(ValueError, match=r"logits of shape \(3, 0\) has no classes along axis -1"):
        backend.run(xent.entropy, logits=np.zeros((3, 0)))


def test_one_class_is_certain(backend):
    value, gradient = backend.run(
        xent.value_and_grad(xent.cross_entropy), target=np.asarray([0, 0]), logits=np.ones((2, 1))
    )
    assert_same(value, np.asarray(0.0))
    assert_same(np.abs(gradient), np.zeros((2, 1)))
