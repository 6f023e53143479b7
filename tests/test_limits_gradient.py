"""The limits of the gradients (R4, R5): 0 · ∞ = 0, a − y at certainty, ±∞ where a derivative is."""

from math import exp, log

import numpy as np
import pytest

import xent
from tests.near import assert_near, assert_zero

I, NAN = np.inf, np.nan  # noqa: E741  # ∞, as the tables are read
GOAL = 48
"""ULP: 8 + D, and D is at most 20 here."""
TINY = exp(-20)

# Columns: logits, label, gradient.
LABELS_FROM_LOGITS = [
    ([I, 0, 0], 0, [0, 0, 0]),
    ([I, 0, 0], 1, [1, -1, 0]),
    ([0, -I, -I], 0, [0, 0, 0]),
    ([0, 0, -I], 0, [-0.5, 0.5, 0]),
    ([20, 0, -I], 0, [-TINY / (1 + TINY), TINY / (1 + TINY), 0]),
    ([0, 0, -I], 2, [0.5, 0.5, -1]),
    ([I, I, 0], 0, [NAN, NAN, NAN]),
    ([-I, -I, -I], 0, [NAN, NAN, NAN]),
]
FROM_LABELS_OR_ONE_HOT = [row for row in LABELS_FROM_LOGITS if not np.isnan(row[2][0])]
# Columns: probabilities, label, gradient.
LABELS_FROM_PROBS = [
    ([0, 1, 0], 1, [0, -1, 0]),
    ([0.5, 0.25, 0.25], 1, [0, -4, 0]),
    ([0, 1, 0], 0, [-I, 0, 0]),
]
# Columns: target, probabilities, gradient.
KL = [
    ([0, 1, 0], [0, 1, 0], [0, -1, 0]),
    ([0.5, 0.5, 0], [1, 0, 0], [-0.5, -I, 0]),
    ([0, 0.5, 0.5], [0, 0.25, 0.75], [0, -2, -2 / 3]),
]
# Columns: p, q, gradient with respect to q.
JS = [
    ([1, 0, 0], [0, 1, 0], [-I, log(2) / 2, log(2) / 2]),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, log(2) / 2]),
]
# Columns: target_logits, logits, gradient.
KL_OF_LOGITS = [
    ([0, -I, 0], [0, -I, 0], [0, 0, 0]),
    ([I, 0, 0], [0, 0, -I], [-0.5, 0.5, 0]),
    ([0, -I, -I], [0, 0, -I], [-0.5, 0.5, 0]),
]
# Columns: logits, target, gradient.
BINARY_FROM_LOGITS = [
    (I, 1, 0),
    (I, 0, 1),
    (-I, 0, 0),
    (-I, 1, -1),
    (0, 1, -0.5),
    (20, 1, -TINY / (1 + TINY)),
]
BINARY_FROM_PROBS = [(0, 0, 1), (1, 1, -1), (0, 1, -I), (1, 0, I), (0.5, 0.5, 0)]
ENTROPY_OF_PROBS = [([0, 1, 0], [I, -1, I]), ([0.5, 0.5, 0], [log(2) - 1, log(2) - 1, I])]
ENTROPY_OF_LOGITS = [
    ([0, -I, -I], [0, 0, 0]),
    ([I, 0, 0], [0, 0, 0]),
    ([5, 5, -I], [0, 0, 0]),
]
LOGSUMEXP = [([I, 0, 0], [1, 0, 0]), ([0, 0, -I], [0.5, 0.5, 0]), ([0, -I, -I], [1, 0, 0])]
SIGMOID = [(I, 0), (-I, 0), (0, 0.25)]
LOG_SIGMOID = [(I, 0), (-I, 1), (0, 0.5)]

TABLES = {
    "cross_entropy-labels-logits": (xent.cross_entropy, "logits target", LABELS_FROM_LOGITS),
    "nll-labels-logits": (xent.negative_log_likelihood, "logits target", LABELS_FROM_LOGITS),
    "cross_entropy-labels-probs": (xent.cross_entropy, "probs target", LABELS_FROM_PROBS),
    "kl-probs": (xent.kl_divergence, "target probs", KL),
    "cross_entropy-probs": (xent.cross_entropy, "target probs", KL),
    "kl-logits": (xent.kl_divergence, "target_logits logits", KL_OF_LOGITS),
    "js": (xent.jensen_shannon_divergence, "p q", JS),
    "binary-logits": (xent.binary_cross_entropy, "logits target", BINARY_FROM_LOGITS),
    "binary-probs": (xent.binary_cross_entropy, "probs target", BINARY_FROM_PROBS),
    "entropy-probs": (xent.entropy, "probs", ENTROPY_OF_PROBS),
    "entropy-logits": (xent.entropy, "logits", ENTROPY_OF_LOGITS),
    "logsumexp": (xent.logsumexp, "logits", LOGSUMEXP),
    "sigmoid": (xent.sigmoid, "logits", SIGMOID),
    "log_sigmoid": (xent.log_sigmoid, "logits", LOG_SIGMOID),
}


def gradient_of(backend, name, dtype, target_as=np.asarray):
    function, names, table = TABLES[name]
    *given, wanted = zip(*table, strict=True)
    arrays = dict(zip(names.split(), given, strict=True))
    arrays = {
        k: target_as(x) if k == "target" and "labels" in name else np.asarray(x, dtype)
        for k, x in arrays.items()
    }
    each = (
        {}
        if function.__name__ in ("logsumexp", "sigmoid", "log_sigmoid")
        else {"reduction": "none"}
    )
    return backend.run(xent.grad(function), **arrays, **each), np.asarray(wanted, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TABLES)
def test_limit_of_the_gradient(backend, name, dtype):
    got, wanted = gradient_of(backend, name, dtype)
    assert_near(got, wanted, GOAL)


@pytest.mark.parametrize("function", [xent.cross_entropy, xent.negative_log_likelihood])
def test_one_hot_targets_have_the_gradient_of_labels(backend, function):
    logits, labels, wanted = zip(*FROM_LABELS_OR_ONE_HOT, strict=True)
    got = backend.run(
        xent.grad(function),
        target=np.eye(3)[list(labels)],
        logits=np.asarray(logits, float),
        reduction="none",
    )
    finite = [i for i, row in enumerate(logits) if I not in row]
    assert_near(got[finite], np.asarray(wanted, float)[finite], GOAL)


def test_gradient_of_certainty_has_no_nan_in_other_rows(backend):
    z = np.asarray([[I, I, 0], [1.0, 2.0, 3.0]])
    gradient = backend.run(
        xent.grad(xent.cross_entropy), target=np.asarray([0, 1]), logits=z, reduction="none"
    )
    assert np.all(np.isnan(gradient[0]))
    assert np.all(np.isfinite(gradient[1]))


def test_gradient_of_a_zero_weight_is_0_where_the_derivative_is_infinite(backend):
    gradient = backend.run(
        xent.grad(xent.cross_entropy),
        target=np.asarray([0, 1]),
        probs=np.asarray([[0.0, 1.0], [0.5, 0.5]]),
        sample_weight=np.asarray([0.0, 1.0]),
    )
    assert_zero(gradient[0])
    assert_near(gradient[1], np.asarray([0.0, -2.0]), 1)
