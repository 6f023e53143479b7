"""Poly-1 loss of labels, or of distributions."""

from math import exp, expm1, log, log1p

from tests.record import CURVE, FORMS, Record
from tests.tables import CERTAIN, HALVES, NAN, I

C = log1p(exp(-20))
"""What a label costs that is 20 above its only rival."""
SLOPE = (1 + exp(-C)) * -expm1(-C)
# Columns: logits, label, loss.
LABELS_FROM_LOGITS = [
    ([I, 0, 0], 0, 0),
    ([I, 0, 0], 1, I),
    ([I, I, 0], 0, NAN),
    ([-I, -I, -I], 0, NAN),
    ([0, 0, -I], 0, log(2) + 0.5),
    ([20, 0, -I], 0, C - expm1(-C)),
    ([1000, 0, 0], 1, 1001),
    ([NAN, 0, 0], 1, NAN),
]
LABELS_FROM_PROBS = [([0, 1, 0], 0, I), ([0, 1, 0], 1, 0)]
# Columns: target, logits, loss.
FROM_LOGITS = [
    ([1, 0, 0], [20, 0, -I], C - expm1(-C)),
    ([0.5, 0.5, 0], [I, 0, 0], I),
    ([0, 1, 0], [I, I, 0], NAN),
]
# Columns: logits, label, gradient.
GRADIENT_FROM_LOGITS = [
    ([I, 0, 0], 0, [0, 0, 0]),
    ([I, 0, 0], 1, [1, -1, 0]),
    ([0, 0, -I], 2, [0.5, 0.5, -1]),
    ([20, 0, -I], 0, [-SLOPE, SLOPE, 0]),
]
GRADIENT_FROM_PROBS = [
    ([0, 1, 0], 1, [0, -2, 0]),
    ([0, 1, 0], 0, [-I, 0, 0]),
]
# Columns: target, logits, gradient.
GRADIENT_OF_DISTRIBUTIONS = [
    ([0, 1, 0], [I, 0, 0], [1, -1, 0]),
    ([1, 0, 0], [20, 0, -I], [-SLOPE, SLOPE, 0]),
]


def formula(xp, case, given, q, t):
    return xp.sum(given.get("class_weight", 1.0) * t * (1 - q - xp.log(q)), axis=-1)


RECORD = Record(
    targets=("labels", "distributions"),
    signature=("target", *FORMS, *CURVE, "epsilon"),
    formula=formula,
    limits={
        "poly-labels-logits": ("logits target", LABELS_FROM_LOGITS),
        "poly-labels-probs": ("probs target", LABELS_FROM_PROBS),
        "poly-logits": ("target logits", FROM_LOGITS),
    },
    gradient_limits={
        "poly-labels-logits": ("logits target", GRADIENT_FROM_LOGITS),
        "poly-labels-probs": ("probs target", GRADIENT_FROM_PROBS),
        "poly-logits": ("target logits", GRADIENT_OF_DISTRIBUTIONS),
    },
    edges={
        "without its first power": {"target": [1], "logits": [[0.0, I, 3.0]], "epsilon": -1.0},
        "masked class, poly": {"target": HALVES, "logits": [[2.0, 1.0, -I]]},
        "sure, poly": {"target": CERTAIN, "probs": CERTAIN},
    },
)
