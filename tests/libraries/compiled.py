"""What a compiled function that makes its own logits is held to: near certainty no digit is lost.

`tests/laws/contraction.py` has the logits and the truth.
"""

from functools import partial

import numpy as np

import xent
from tests.laws import contraction as of

DTYPES = ("float32", "float64")


def hot(y, dtype, classes=5):
    return np.eye(classes, dtype=dtype)[y]


def _rows(loss):
    return lambda target, z, **options: loss(target, logits=z, reduction="none", **options)


def _link(link):
    return lambda target, z: link(logits=z)


LABELS, SOFT = _rows(xent.cross_entropy), _rows(xent.cross_entropy)
# By a name: the function, the target of labels, the truth.
VALUES = {
    "labels": (LABELS, lambda y, d: y, of.cross_entropy),
    "one-hot": (SOFT, hot, of.cross_entropy),
    "smoothed": (partial(LABELS, label_smoothing=0.125), lambda y, d: y, of.smoothed),
    "hardly smoothed": (
        partial(LABELS, label_smoothing=1e-300),
        lambda y, d: y,
        of.cross_entropy,
    ),
    "divergence": (_rows(xent.kl_divergence), hot, of.cross_entropy),
    "likelihood": (_rows(xent.negative_log_likelihood), hot, of.cross_entropy),
    "entropy": (_link(xent.entropy), lambda y, d: y, of.entropy),
    "logsumexp": (_link(xent.logsumexp), lambda y, d: y, of.logsumexp),
    "log_softmax": (_link(xent.log_softmax), lambda y, d: y, of.log_softmax),
}

CERTAIN = [name for name, (_, _, truth) in VALUES.items() if truth is of.cross_entropy]


def scaled_rows(dtype):
    """Return rows that are certain once they are scaled, what they are then, and the labels."""
    z, y = of.certain(dtype)
    return (z / of.SCALE).astype(dtype), z, y


def assert_digits(got, truth, z):
    """Hold numbers to their sign, and to the digits that the logits determine."""
    got, truth = np.asarray(got), np.asarray(truth)
    most = of.few_and_size(z).reshape(-1, *[1] * (truth.ndim - 1))
    assert np.all(np.sign(got) == np.sign(truth))
    assert np.all(of.off(got, truth) <= most)


def truth_of(function, x, y):
    return of.exactly(function, zip(x, y, strict=True))


def assert_gradient(name, g, dtype, x, z, y):
    """Hold a gradient to softmax less one-hot of the scaled logits, and its rows to a sum of 0.

    The divergence has its normaliser of exact differences, and its exponentials of rounded ones.
    """
    at = hot(y, dtype) == 1
    truth = truth_of(of.scaled(of.less_one_hot), x, y) * of.SCALE
    assert_digits(g[at], truth[at], z)
    assert of.sums_to_0(g, of.few_and_size(z) if name == "divergence" else 4)
