"""Focal loss of labels, or of distributions."""

from math import exp, expm1, log, log1p

from tests.record import CURVE, FORMS, Record
from tests.tables import CERTAIN, HALVES, NAN, I

C = log1p(exp(-20))
"""What a label costs that is 20 above its only rival."""
SLOPE = expm1(-C) ** 2 * (1 + 2 * C / expm1(C)) * -expm1(-C)
# Columns: logits, label, loss.
LABELS_FROM_LOGITS = [
    ([I, 0, 0], 0, 0),
    ([I, 0, 0], 1, I),
    ([I, I, 0], 0, NAN),
    ([-I, -I, -I], 0, NAN),
    ([0, -I, -I], 0, 0),
    ([0, -I, -I], 1, I),
    ([0, 0, -I], 0, log(2) / 4),
    ([20, 0, -I], 0, expm1(-C) ** 2 * C),
    ([1000, 0, 0], 1, 1000),
    ([NAN, 0, 0], 1, NAN),
]
LABELS_FROM_PROBS = [
    ([0, 1, 0], 0, I),
    ([0, 1, 0], 1, 0),
    ([0.5, 0.25, 0.25], 0, log(2) / 4),
    ([0.5, 0.5, NAN], 2, NAN),
]
# Columns: target, prediction, loss.
FROM_LOGITS = [
    ([1, 0, 0], [20, 0, -I], expm1(-C) ** 2 * C),
    ([0, 1, 0], [0, 0, -I], log(2) / 4),
    ([0.5, 0.5, 0], [0, 0, -I], log(2) / 4),
    ([0.5, 0.5, 0], [I, 0, 0], I),
    ([0, 1, 0], [0, -I, 0], I),
    ([0, 1, 0], [I, I, 0], NAN),
    ([0, 1, 0], [-I, -I, -I], NAN),
]
# Columns: logits, label, gradient.
GRADIENT_FROM_LOGITS = [
    ([I, 0, 0], 0, [0, 0, 0]),
    ([I, 0, 0], 1, [1, -1, 0]),
    ([0, -I, -I], 0, [0, 0, 0]),
    ([0, 0, -I], 2, [0.5, 0.5, -1]),
    ([20, 0, -I], 0, [-SLOPE, SLOPE, 0]),
    ([I, I, 0], 0, [NAN, NAN, NAN]),
]
GRADIENT_FROM_PROBS = [
    ([0, 1, 0], 1, [0, 0, 0]),
    ([0, 1, 0], 0, [-I, 0, 0]),
]
# Columns: target, logits, gradient.
GRADIENT_OF_DISTRIBUTIONS = [
    ([1, 0, 0], [I, 0, 0], [0, 0, 0]),
    ([0, 1, 0], [I, 0, 0], [1, -1, 0]),
    ([1, 0, 0], [20, 0, -I], [-SLOPE, SLOPE, 0]),
    ([0, 0, 1], [0, 0, -I], [0.5, 0.5, -1]),
    ([0, 1, 0], [I, I, 0], [NAN, NAN, NAN]),
]


def formula(xp, case, given, q, t):
    return -xp.sum(given.get("class_weight", 1.0) * t * (1 - q) ** 2 * xp.log(q), axis=-1)


RECORD = Record(
    targets=("labels", "distributions"),
    signature=("target", *FORMS, *CURVE, "gamma"),
    formula=formula,
    limits={
        "focal-labels-logits": ("logits target", LABELS_FROM_LOGITS),
        "focal-labels-probs": ("probs target", LABELS_FROM_PROBS),
        "focal-logits": ("target logits", FROM_LOGITS),
    },
    gradient_limits={
        "focal-labels-logits": ("logits target", GRADIENT_FROM_LOGITS),
        "focal-labels-probs": ("probs target", GRADIENT_FROM_PROBS),
        "focal-logits": ("target logits", GRADIENT_OF_DISTRIBUTIONS),
    },
    edges={
        "sure, with a root": {"target": [1], "logits": [[0.0, I, 3.0]], "gamma": 0.5},
        "sure and soft, with a root": {"target": CERTAIN, "logits": [[0.0, I, 3.0]], "gamma": 0.5},
        "masked class, focal": {"target": HALVES, "logits": [[2.0, 1.0, -I]]},
        "far, focal": {"target": CERTAIN, "logits": [[0.0, 800.0, -800.0]]},
        "sure in logs, focal": {"target": [1], "log_probs": [[-I, 0.0, -I]]},
    },
)
