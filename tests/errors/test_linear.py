"""What is said of the head of a linear loss that cannot be (R18, R19)."""

from functools import partial

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows

X, W, B = np.zeros((2, 4)), np.zeros((3, 4)), np.zeros(3)
Y = np.asarray([0, 1])
CE = xent.linear_cross_entropy
HEADS = [
    (
        lambda: xent.linear_head(partial(xent.cross_entropy, axis=0))(Y, X, W),
        ValueError,
        "axis is 0",
        "along the last axis",
    ),
    (lambda: CE(Y, Y, W), TypeError, "features has dtype int64", "the target comes first"),
    (
        lambda: CE(Y, X, W.astype("int64")),
        TypeError,
        "weight has dtype int64",
        "it takes float16, bfloat16, float32 or float64",
    ),
    (lambda: CE(X, W, Y), TypeError, "weight has dtype int64", "the target comes first"),
    (
        lambda: CE(Y, X, W, B.astype("complex128")),
        TypeError,
        "bias has dtype complex128",
    ),
    (
        lambda: CE(Y, np.zeros((2, 0)), W),
        ValueError,
        "features has shape (2, 0)",
        "it takes (..., D)",
    ),
    (
        lambda: CE(Y, X, W.T),
        ValueError,
        "weight has shape (4, 3)",
        "(K, D) with D = 4",
        "the last axis of features",
    ),
    (
        lambda: CE(Y, X, W, np.zeros(4)),
        ValueError,
        "bias has shape (4,)",
        "it takes (3,), one number per row of weight",
    ),
    (lambda: CE(Y, X, W, chunk_bytes=0.5), TypeError, "chunk_bytes is 0.5", "it takes an int"),
    (
        lambda: CE(Y, X, W, chunk_bytes=0),
        ValueError,
        "chunk_bytes is 0",
        "a positive number of bytes",
    ),
]
TABLES = (HEADS,)


@pytest.mark.parametrize(("call", "kind", "held"), rows(*TABLES))
def test_message(call, kind, held):
    assert_said(call, kind, held)
