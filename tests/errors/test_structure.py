"""What is said of a prediction, a target or an axis that cannot be (R1–R3, R8, R18)."""

from types import SimpleNamespace

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows
from xent._check import structure

Z = np.zeros((2, 3))
Y = np.asarray([0, 1])
P = np.full((2, 3), 1 / 3)
CE, KL, BCE, JS = (
    xent.cross_entropy,
    xent.kl_divergence,
    xent.binary_cross_entropy,
    xent.jensen_shannon_divergence,
)


PREDICTIONS = [
    (
        lambda: CE(Y),
        TypeError,
        "cross_entropy() takes exactly one of probs, logits, log_probs",
        "got none",
    ),
    (
        lambda: CE(Y, P, logits=Z),
        TypeError,
        "exactly one of probs, logits, log_probs",
        "got probs, logits",
    ),
    (
        lambda: xent.entropy(P, log_probs=Z),
        TypeError,
        "entropy() takes exactly one",
        "got probs, log_probs",
    ),
    (lambda: KL(logits=Z), TypeError, "exactly one of target, target_logits", "got none"),
    (lambda: KL(P, target_logits=Z, logits=Z), TypeError, "got target, target_logits"),
    (
        lambda: CE(Z, Y),
        TypeError,
        "probs has dtype int64",
        "takes float16, bfloat16, float32 or float64",
        "cast it, unless it holds labels",
        "the target comes first",
    ),
    (lambda: CE(Y, logits=Z > 0), TypeError, "logits has dtype bool", "cast it, unless"),
    (lambda: CE(Y, logits=Y[:, None]), TypeError, "logits has dtype int64", "cast it, unless"),
    (lambda: xent.softmax(Y), TypeError, "logits has dtype int64", "float16, bfloat16, float32"),
    (lambda: CE(Y, logits=Z * 1j), TypeError, "logits has dtype complex128", "it takes float16"),
    (lambda: xent.entropy(Y), TypeError, "probs has dtype int64"),
    (lambda: JS(P, Y), TypeError, "q has dtype int64"),
]
UNKNOWN = SimpleNamespace(shape=(None, 3), dtype=np.dtype("float64"))
PREDICTIONS.append(
    (
        lambda: structure.prediction("logits", UNKNOWN),
        ValueError,
        "logits has shape (None, 3)",
        "its sizes must be known",
    )
)
TARGETS = [
    (
        lambda: CE(np.asarray([0, 1, 2]), logits=Z),
        ValueError,
        "target of labels has shape (3,)",
        "it takes (2,)",
        "the shape (2, 3) of logits without axis 1",
        "nothing is broadcast",
        "if axis 0 is that of the classes, pass axis=0",
    ),
    (
        lambda: CE(np.zeros((2, 4, 4), int), logits=np.zeros((2, 3, 4, 4))),
        ValueError,
        "target of labels has shape (2, 4, 4); it takes (2, 3, 4)",
        "if axis 1 is that of the classes, pass axis=1",
    ),
    (
        lambda: CE(np.eye(3, dtype=int)[Y], logits=Z),
        ValueError,
        "shape (2, 3)",
        "it takes (2,)",
        "one-hot rows must be in floating point",
    ),
    (
        lambda: CE(P[:1], logits=Z),
        ValueError,
        "target has shape (1, 3) and logits has shape (2, 3)",
        "they must be equal",
        "nothing is broadcast",
    ),
    (lambda: CE(P[0], P), ValueError, "target has shape (3,) and probs has shape (2, 3)"),
    (
        lambda: CE([0.0, 1.0], logits=Z),
        ValueError,
        "target has shape (2,) and logits has shape (2, 3)",
        "labels must be integers",
        "cast them to an integer dtype",
    ),
    (
        lambda: CE([[0.0], [1.0]], logits=Z),
        ValueError,
        "cast them to an integer dtype, and drop axis 1",
    ),
    (lambda: CE(None, logits=Z), TypeError, "target is None; it takes labels or distributions"),
    (lambda: BCE(None, logits=Z), TypeError, "target is None; it takes numbers"),
    (
        lambda: xent.sparse_categorical_cross_entropy(None, logits=Z),
        TypeError,
        "target is None; it takes labels",
    ),
    (lambda: JS(None, P), TypeError, "exactly one of p, target_logits; got none"),
    (lambda: xent.linear_cross_entropy(None, Z, Z), TypeError, "target is None; it takes labels"),
    (
        lambda: CE(Z > 0, logits=Z),
        TypeError,
        "target has dtype bool",
        "integer labels or floating-point distributions; one-hot rows must be in floating point",
        "Boolean targets are for binary_cross_entropy",
    ),
    (lambda: CE(Y > 0, logits=Z), TypeError, "target has dtype bool", "; cast labels to integers"),
    (lambda: xent.categorical_cross_entropy(Z.astype(int), logits=Z), TypeError, "; one-hot rows"),
    (
        lambda: CE(Z * 1j, logits=Z),
        TypeError,
        "target has dtype complex128",
        "integer labels or floating-point",
    ),
    (
        lambda: xent.categorical_cross_entropy(Y, logits=Z),
        TypeError,
        "target has dtype int64",
        "it takes distributions",
        "sparse_categorical_cross_entropy",
    ),
    (
        lambda: xent.sparse_categorical_cross_entropy(P, logits=Z),
        TypeError,
        "target has dtype float64",
        "it takes integer labels",
        "categorical_cross_entropy",
    ),
    (
        lambda: KL(target_logits=Y, logits=Z),
        TypeError,
        "target_logits has dtype int64",
        "it takes floating point",
        "xent.one_hot",
    ),
    (
        lambda: KL(target_logits=Z > 0, logits=Z),
        TypeError,
        "target_logits has dtype bool",
        "floating point",
    ),
    (
        lambda: KL(target_logits=Z[0], logits=Z),
        ValueError,
        "target_logits has shape (3,) and logits has shape (2, 3)",
    ),
    (lambda: JS(P[0], P), ValueError, "p has shape (3,) and q has shape (2, 3)"),
    (lambda: JS(Y, P), TypeError, "p has dtype int64", "floating point", "xent.one_hot"),
    (lambda: BCE(Y, logits=Z), ValueError, "target has shape (2,) and logits has shape (2, 3)"),
    (
        lambda: BCE(Z * 1j, logits=Z),
        TypeError,
        "target has dtype complex128",
        "it takes real numbers",
    ),
]
AXES = [
    (
        lambda: CE(Y, logits=Z, axis=2),
        ValueError,
        "axis 2 is out of range for logits of shape (2, 3)",
    ),
    (
        lambda: CE(Y, logits=Z, axis=-3),
        ValueError,
        "axis -3 is out of range for logits of shape (2, 3)",
    ),
    (lambda: xent.softmax(Z, axis=1.0), TypeError, "axis is 1.0", "one int"),
    (lambda: xent.softmax(Z, axis=True), TypeError, "axis is True", "one int"),
    (lambda: xent.softmax(Z, axis=(0, 1)), TypeError, "axis is (0, 1)", "the class axis of logits"),
    (
        lambda: CE(0, logits=np.asarray(1.0)),
        ValueError,
        "axis -1 is out of range for logits of shape ()",
    ),
    (
        lambda: xent.entropy(np.zeros((2, 0))),
        ValueError,
        "probs of shape (2, 0) has no classes along axis -1",
    ),
    (
        lambda: xent.one_hot(Y, 3, axis=2),
        ValueError,
        "axis 2 is out of range for a new axis of shape (2,)",
    ),
    (lambda: xent.one_hot(Y, 3, axis=None), TypeError, "axis is None", "one int"),
]
ARRAYS = [
    (
        lambda: CE("ab", logits=Z),
        TypeError,
        "target is builtins.str",
        "array API standard, a number, or a (nested) sequence",
    ),
    (lambda: CE(Y, logits={}), TypeError, "logits is builtins.dict"),
    (
        lambda: CE([[0], [1, 2]], logits=Z),
        TypeError,
        "target is a nested sequence whose rows differ in length",
    ),
    (lambda: CE(Y, logits=[[1.0, 2.0], 3.0]), TypeError, "logits is a nested sequence", "differ"),
    (lambda: CE(Y, logits=[["a", "b"]]), TypeError, "logits"),
    (
        lambda: CE(Y, logits=Z, sample_weight=object()),
        TypeError,
        "sample_weight is builtins.object",
    ),
]
TABLES = (PREDICTIONS, TARGETS, AXES, ARRAYS)


@pytest.mark.parametrize(("call", "kind", "held"), rows(*TABLES))
def test_message(call, kind, held):
    assert_said(call, kind, held)


@pytest.mark.parametrize(
    "function", [xent.entropy, xent.softmax, xent.softmax_jacobian, xent.is_distribution]
)
def test_no_labels_are_spoken_of_where_none_belong(function):
    with pytest.raises(TypeError, match=r"has dtype int64.*float64; cast it$"):
        function(Y)


def test_functions_without_a_target_take_none():
    assert xent.entropy(P).shape == (2,)
    assert xent.softmax(Z).shape == (2, 3)
