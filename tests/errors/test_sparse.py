"""What is said of a distribution of a few classes that can't be (R1, R3, R13, R18)."""

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows

Z = np.zeros((2, 4))
I, P = np.asarray([[0, 3], [1, 2]]), np.full((2, 2), 0.5)  # noqa: E741  # indices, as in a formula
MORE = np.asarray([[0.0], [0.25]])  # which its second row has too much
CE = xent.cross_entropy


def of(indices=I, probs=P, rest=None, loss=CE, **options):
    """Return a call of a loss."""
    return lambda: loss(xent.SparseDistribution(indices, probs, rest), logits=Z, **options)


def head(indices, probs):
    target, features, weight = (
        xent.SparseDistribution(indices, probs),
        np.ones((2, 3)),
        np.ones((4, 3)),
    )
    return lambda: xent.linear_cross_entropy(target, features, weight)


STRUCTURE = [
    (of(rest="even"), ValueError, "rest is 'even'", "'uniform'"),
    (of(I * 1.0), TypeError, "target.indices has dtype float64", "integer class indices"),
    (of(I, I), TypeError, "target.probs has dtype int64", "floating point"),
    (of(I[:1]), ValueError, "target.indices has shape (1, 2)", "(2, 2)", "k entries"),
    (of(I, P[:, :1]), ValueError, "target.probs has shape (2, 1)", "(2, 2)"),
    (of(np.zeros((2, 5), int), np.zeros((2, 5))), ValueError, "5 entries", "4 classes"),
    (of(I[0], P), ValueError, "target.indices has shape (2,)"),
    (of(ignore_index=-1), ValueError, "ignore_index", "use where="),
    (of(loss=xent.sparse_categorical_cross_entropy), TypeError, "target is a SparseDistribution"),
    (of(loss=xent.binary_cross_entropy), TypeError, "target is a SparseDistribution", "takes none"),
    (of(loss=xent.negative_log_likelihood, reduction="none", axis=5), ValueError, "axis 5"),
    (head(I[:1], P), ValueError, "target.indices has shape (1, 2)"),
    (
        lambda: xent.entropy(xent.SparseDistribution(I, P)),
        TypeError,
        "probs is",
        "SparseDistribution",
    ),
]
VALUES = [
    (of(I + 1), ValueError, "target.indices holds label 4 at (0, 1)", "0 to 3"),
    (
        of(I - 1),
        ValueError,
        "target.indices holds label -1 at (0, 0)",
        "(what pads a row is any class, with probability 0)",
    ),
    (of(I, P - 0.75), ValueError, "target.probs holds -0.25 at (0, 0)"),
    (of(I, P + 1), ValueError, "target.probs holds 1.5 at (0, 0)"),
    (of(I, P + 0.25), ValueError, "row (0,) of target.probs sums to 1.5", "at most 1"),
    (of(I, P + 0.25, "uniform"), ValueError, "row (0,) of target.probs sums to 1.5", "at most 1"),
    (of(I, P + 0.25, validate=True), ValueError, "row (0,) of target.probs sums to 1.5"),
    (head(I, P + MORE), ValueError, "row (1,) of target.probs sums to 1.5"),
    (head(I + 1, P), ValueError, "target.indices holds label 4"),
]


@pytest.mark.parametrize(("call", "kind", "held"), rows(STRUCTURE, VALUES))
def test_what_is_said(call, kind, held):
    assert_said(call, kind, held)


def test_what_is_right_is_not_refused():
    of(I, P / 2, validate=True)()
    of(I, P + 0.25, validate=False)()
    of(I, P + MORE, where=np.asarray([True, False]))()
    of(where=np.asarray([True, False]), indices=I + np.asarray([[0], [9]]))()


def test_what_is_refused_is_not_told_of_options_that_are_refused_too():
    for call in (of(I - 1), head(I - 1, P), lambda: xent.one_hot([-1], 3)):
        with pytest.raises(ValueError, match="holds label -1") as caught:
            call()
        assert "ignore_index" not in str(caught.value)


def test_a_row_is_padded_by_what_the_message_says():
    padded = xent.SparseDistribution([[2, 0]], [[1.0, 0.0]])
    alone = xent.SparseDistribution([[2]], [[1.0]])
    z = np.asarray([[1.0, 2.0, 3.0]])
    assert CE(padded, logits=z) == CE(alone, logits=z)


def test_a_second_call_is_checked_too():
    of()()
    assert_said(of(I[:1], P[:1]), ValueError, ["target.indices has shape (1, 2)"])
    assert_said(of(np.zeros((2, 5), int), np.zeros((2, 5))), ValueError, ["5 entries"])
