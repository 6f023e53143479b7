"""The limits of the losses (R4–R7): 0 · ∞ = 0, certainty, no epsilon, nothing lost to rounding."""

from math import exp, log, log1p

import numpy as np
import pytest

import xent
from tests.near import assert_near

I, NAN = np.inf, np.nan  # noqa: E741  # ∞, as the tables are read
GOAL = 48
"""ULP: 3 + D, and D is at most 40 here."""

# Columns: logits, label, loss.
LABELS_FROM_LOGITS = [
    ([I, 0, 0], 0, 0),
    ([I, 0, 0], 1, I),
    ([I, -I, 0], 0, 0),
    ([I, -I, 0], 1, I),
    ([I, I, 0], 0, NAN),
    ([I, I, 0], 2, NAN),
    ([-I, -I, -I], 0, NAN),
    ([0, -I, -I], 0, 0),
    ([0, -I, -I], 1, I),
    ([0, 0, -I], 0, log(2)),
    ([20, 0, -I], 0, log1p(exp(-20))),
    ([40, 0, -I], 0, log1p(exp(-40))),
    ([-I, 0, 40], 2, log1p(exp(-40))),
    ([0, 40, -I], 0, 40),
    ([10001, 10000, -I], 0, log1p(exp(-1))),
    ([1000, 0, 0], 1, 1000),
    ([-3e38, 0, -I], 1, 0),
    ([NAN, 0, 0], 1, NAN),
]
# Columns: probabilities, label, loss.
LABELS_FROM_PROBS = [
    ([0, 1, 0], 0, I),
    ([0, 1, 0], 1, 0),
    ([0.5, 0.25, 0.25], 0, log(2)),
    ([0.5, 0.5, NAN], 0, log(2)),
    ([0.5, 0.5, NAN], 2, NAN),
    ([2.0**-100, 1, 0], 0, 100 * log(2)),
]
# Columns: target, prediction, value.
CROSS_ENTROPY = [
    ([0, 1, 0], [0, 1, 0], 0),
    ([0, 1, 0], [1, 0, 0], I),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], log(2)),
    ([0.5, 0.5, 0], [1, 0, 0], I),
    ([0.5, 0.25, 0.25], [0.5, 0.5, 0], I),
]
KL = [
    ([0, 1, 0], [0, 1, 0], 0),
    ([0, 0.5, 0.5], [0, 0.5, 0.5], 0),
    ([1, 0, 0], [0.5, 0.5, 0], log(2)),
    ([0.5, 0.5, 0], [1, 0, 0], I),
    ([0.5, 0, 0.5], [0.25, 0.5, 0.25], log(2)),
]
KL_OF_LOGITS = [
    ([0, -I, 0], [0, -I, 0], 0),
    ([0, -I, -I], [0, 0, 0], log(3)),
    ([0, 0, -I], [0, -I, -I], I),
    ([I, 0, 0], [I, 0, 0], 0),
    ([I, 0, 0], [0, I, 0], I),
    ([I, 0, 0], [0, 0, 0], log(3)),
    ([-I, -I, -I], [0, 0, 0], NAN),
    ([0, 0, 0], [I, I, 0], NAN),
    ([7, 5, 3], [107, 105, 103], 0),
]
JS = [
    ([1, 0, 0], [0, 1, 0], log(2)),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], 0),
    ([1, 0, 0], [1, 0, 0], 0),
    ([0.5, 0.5, 0], [0, 0, 1], log(2)),
]
# Columns: logits, target, loss.
BINARY_FROM_LOGITS = [
    (I, 1, 0),
    (I, 0, I),
    (I, 0.5, I),
    (-I, 0, 0),
    (-I, 1, I),
    (0, 0.5, log(2)),
    (-14, 0, log1p(exp(-14))),
    (-16, 0, log1p(exp(-16))),
    (40, 1, log1p(exp(-40))),
    (1000, 0, 1000),
    (NAN, 1, NAN),
]
BINARY_FROM_PROBS = [
    (0, 0, 0),
    (1, 1, 0),
    (0, 1, I),
    (1, 0, I),
    (0.5, 0.25, log(2)),
    (2.0**-20, 0, -log1p(-(2.0**-20))),
]
ENTROPY_OF_PROBS = [([0, 1, 0], 0), ([0.5, 0.5, 0], log(2)), ([1, 0, 0], 0)]
ENTROPY_OF_LOGITS = [
    ([0, -I, -I], 0),
    ([0, 0, -I], log(2)),
    ([I, 0, 0], 0),
    ([I, I, 0], NAN),
    ([-I, -I, -I], NAN),
    ([5, 5, 5], log(3)),
]
LOGSUMEXP = [
    ([-I, -I, -I], -I),
    ([I, 0, -I], I),
    ([I, I, 0], I),
    ([0, -I, -I], 0),
    ([0, 0, -I], log(2)),
    ([-1000, -1000, -I], log(2) - 1000),
    ([NAN, 0, 0], NAN),
]
SOFTMAX = [
    ([I, 0, 0], [1, 0, 0]),
    ([0, -I, -I], [1, 0, 0]),
    ([0, 0, -I], [0.5, 0.5, 0]),
    ([I, I, 0], [NAN] * 3),
    ([-I, -I, -I], [NAN] * 3),
]
LOG_SOFTMAX = [
    ([I, 0, 0], [0, -I, -I]),
    ([0, 0, -I], [-log(2), -log(2), -I]),
    ([I, I, 0], [NAN] * 3),
    ([20, 0, -I], [-log1p(exp(-20)), -20 - log1p(exp(-20)), -I]),
]
SIGMOID = [(I, 1), (-I, 0), (0, 0.5), (-40, exp(-40) / (1 + exp(-40)))]
LOG_SIGMOID = [(I, 0), (-I, -I), (0, -log(2)), (-1000, -1000), (40, -log1p(exp(-40)))]
NLL_SOFT = [
    ([0.5, 0.5, 0], [1, 0, 0], log(2)),
    ([0, 1, 0], [1, 0, 0], I),
    ([1, 0, 0], [1, 0, 0], 0),
]

TABLES = {
    "cross_entropy-labels-logits": (xent.cross_entropy, "logits target", LABELS_FROM_LOGITS),
    "cross_entropy-labels-probs": (xent.cross_entropy, "probs target", LABELS_FROM_PROBS),
    "kl-labels-logits": (xent.kl_divergence, "logits target", LABELS_FROM_LOGITS),
    "nll-labels-logits": (xent.negative_log_likelihood, "logits target", LABELS_FROM_LOGITS),
    "cross_entropy-probs": (xent.cross_entropy, "target probs", CROSS_ENTROPY),
    "nll-probs": (xent.negative_log_likelihood, "target probs", NLL_SOFT),
    "kl-probs": (xent.kl_divergence, "target probs", KL),
    "kl-logits": (xent.kl_divergence, "target_logits logits", KL_OF_LOGITS),
    "js": (xent.jensen_shannon_divergence, "p q", JS),
    "binary-logits": (xent.binary_cross_entropy, "logits target", BINARY_FROM_LOGITS),
    "binary-probs": (xent.binary_cross_entropy, "probs target", BINARY_FROM_PROBS),
    "entropy-probs": (xent.entropy, "probs", ENTROPY_OF_PROBS),
    "entropy-logits": (xent.entropy, "logits", ENTROPY_OF_LOGITS),
    "logsumexp": (xent.logsumexp, "logits", LOGSUMEXP),
    "softmax": (xent.softmax, "logits", SOFTMAX),
    "log_softmax": (xent.log_softmax, "logits", LOG_SOFTMAX),
    "sigmoid": (xent.sigmoid, "logits", SIGMOID),
    "log_sigmoid": (xent.log_sigmoid, "logits", LOG_SIGMOID),
}
LINKS = ("logsumexp", "softmax", "log_softmax", "sigmoid", "log_sigmoid")


def columns(names, table, dtype):
    """Return the arguments, labels as integers, and what is expected."""
    *given, wanted = zip(*table, strict=True)
    kept = {
        name: np.asarray(x) if name == "target" and "binary" not in names and np.ndim(x) == 1 else x
        for name, x in zip(names.split(), given, strict=True)
    }
    arrays = {
        name: x if isinstance(x, np.ndarray) and x.dtype.kind == "i" else np.asarray(x, dtype)
        for name, x in kept.items()
    }
    return arrays, np.asarray(wanted, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TABLES)
def test_limit(backend, name, dtype):
    function, names, table = TABLES[name]
    given, wanted = columns(names, table, dtype)
    if name in LINKS:
        got = backend.run(function, **given)
    else:
        got = backend.run(function, **given, reduction="none")
        assert not np.any(np.signbit(got[~np.isnan(got)])), "a cost of −0"
    assert_near(got, wanted, GOAL)


@pytest.mark.parametrize("form", ["logits", "log_probs"])
def test_one_hot_targets_meet_masked_classes(backend, form):
    rows = [(z, y, loss) for z, y, loss in LABELS_FROM_LOGITS if np.isfinite(loss) and max(z) == 0]
    x = np.asarray([z for z, _, _ in rows], np.float64)
    hot = np.eye(3)[[y for _, y, _ in rows]]
    given = {"target": hot, form: x}
    value, gradient = backend.run(
        xent.value_and_grad(xent.cross_entropy), **given, reduction="none"
    )
    assert np.all(np.isfinite(value))
    assert np.all(np.isfinite(gradient))
