"""What is said of arrays whose rows are no pairs, and of numbers that make no logits (R18)."""

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows

A, Y = np.zeros((3, 4)), np.zeros((3, 4), int)
CE, SIGNS = xent.contrastive_loss, xent.sigmoid_contrastive_loss
BELONGS = "row i of one belongs to row i of the other"


def clip(a=A, b=A, temperature=0.1, **options):
    return CE(a, b, temperature=temperature, **options)


PAIRS = [
    (lambda: clip(b=A[:2]), ValueError, "b has shape (2, 4), and a has shape (3, 4)", BELONGS),
    (lambda: clip(b=A[:, :2]), ValueError, "b has shape (3, 2), and a has shape (3, 4)", BELONGS),
    (lambda: clip(A[0], A[0]), ValueError, "a has shape (4,)", "it takes (N, D)"),
    (lambda: clip(A[:, :0], A[:, :0]), ValueError, "a has shape (3, 0)", "it takes (N, D)"),
    (lambda: clip(A[:0], A[:0]), ValueError, "a and b hold no pairs, shape (0, 4)", "at least 1"),
    (
        lambda: SIGNS(A[:0], A[:0], scale=1, bias=0, reduction="none"),
        ValueError,
        "a and b hold no pairs, shape (0, 4)",
    ),
    (
        lambda: clip(Y),
        TypeError,
        "a has dtype int64",
        "it takes float16, bfloat16, float32 or float64; cast it",
    ),
    (lambda: clip(temperature=0), ValueError, "temperature is 0", "it takes a positive number"),
    (lambda: clip(temperature=np.asarray(-0.5)), ValueError, "temperature is -0.5", "positive"),
    (
        lambda: clip(temperature=1e-310),
        ValueError,
        "temperature is 1e-310",
        "1 over it is no number",
    ),
    (
        lambda: clip(A.astype("float32"), A.astype("float16"), temperature=1e-40),
        ValueError,
        "temperature is 1e-40",
        "float32, which holds 1.2e-38",
    ),
    (
        lambda: SIGNS(A.astype("float32"), A.astype("float32"), scale=1e40, bias=0),
        ValueError,
        "scale is 1e+40",
        "float32",
    ),
    (
        lambda: SIGNS(A.astype("float32"), A.astype("float32"), scale=1, bias=-1e40),
        ValueError,
        "bias is -1e+40",
        "float32",
    ),
    (lambda: clip(temperature=np.inf), ValueError, "temperature is inf", "positive"),
    (lambda: clip(temperature=np.ones(1)), TypeError, "temperature is", "it takes a number"),
    (lambda: clip(temperature="0.1"), TypeError, "temperature is str", "it takes a number"),
    (lambda: clip(temperature=True), TypeError, "temperature is bool", "it takes a number"),
    (lambda: SIGNS(A, A, scale=np.nan, bias=0), ValueError, "scale is nan", "a finite number"),
    (lambda: SIGNS(A, A, scale=1, bias=[0]), TypeError, "bias is list", "it takes a number"),
    (lambda: clip(where=[True]), ValueError, "where has shape (1,)", "one entry per row"),
    (lambda: clip(where=np.ones(3)), TypeError, "where has dtype float64", "bool"),
    (lambda: clip(sample_weight=np.ones(2)), ValueError, "sample_weight has shape (2,)"),
    (lambda: clip(reduction="max"), ValueError, "reduction is 'max'"),
    (lambda: clip(chunk_bytes=0), ValueError, "chunk_bytes is 0", "a positive number of bytes"),
    (lambda: clip(label_smoothing=0.1), TypeError, "unexpected keyword argument"),
    (lambda: CE(A, A), TypeError, "temperature"),
    (lambda: xent.linear_head(CE), TypeError, "is no loss of logits"),
    (
        lambda: xent.part(CE)(A, A, temperature=0.1, first=0, classes=3),
        TypeError,
        "contrastive_loss",
    ),
]


@pytest.mark.parametrize(("call", "kind", "held"), rows(PAIRS))
def test_message(call, kind, held):
    assert_said(call, kind, held)


def test_a_number_that_is_an_array(backend):
    """As some keep their scale: one entry is not taken for a number."""
    if backend.library == "numpy":
        pytest.skip("numpy has numbers of its own")
    with pytest.raises(
        ValueError, match=r"temperature has shape \(1,\); it takes a number or a 0-d"
    ):
        backend.call(CE, a=A, b=A, temperature=np.ones(1))
