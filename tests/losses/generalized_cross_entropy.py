"""Generalized cross entropy of labels, or of distributions."""

from math import exp, expm1, log, log1p

from tests.record import CURVE, FORMS, Record
from tests.tables import CERTAIN, HALVES, NAN, I

C = log1p(exp(-20))
"""What a label costs that is 20 above its only rival."""
WORST = 1 / 0.7
# Columns: logits, label, loss.
LABELS_FROM_LOGITS = [
    ([I, 0, 0], 0, 0),
    ([I, 0, 0], 1, WORST),
    ([I, I, 0], 0, NAN),
    ([-I, -I, -I], 0, NAN),
    ([0, -I, -I], 1, WORST),
    ([0, 0, -I], 0, -expm1(-0.7 * log(2)) / 0.7),
    ([20, 0, -I], 0, -expm1(-0.7 * C) / 0.7),
    ([NAN, 0, 0], 1, NAN),
]
LABELS_FROM_PROBS = [([0, 1, 0], 0, WORST), ([0, 1, 0], 1, 0)]
# Columns: target, logits, loss.
FROM_LOGITS = [
    ([1, 0, 0], [20, 0, -I], -expm1(-0.7 * C) / 0.7),
    ([0.5, 0.5, 0], [I, 0, 0], WORST / 2),
    ([0, 1, 0], [I, I, 0], NAN),
]
# Columns: logits, label, gradient.
GRADIENT_FROM_LOGITS = [
    ([I, 0, 0], 0, [0, 0, 0]),
    ([I, 0, 0], 1, [0, 0, 0]),
    ([0, 0, -I], 2, [0, 0, 0]),
    ([0, 0, -I], 0, [-(2.0**-1.7), 2.0**-1.7, 0]),
    ([20, 0, -I], 0, [-exp(-0.7 * C - 20 - C), exp(-0.7 * C - 20 - C), 0]),
]
GRADIENT_FROM_PROBS = [
    ([0, 1, 0], 1, [0, -1, 0]),
    ([0, 1, 0], 0, [-I, 0, 0]),
]
# Columns: target, logits, gradient.
GRADIENT_OF_DISTRIBUTIONS = [
    ([0, 1, 0], [I, 0, 0], [0, 0, 0]),
    ([1, 0, 0], [20, 0, -I], [-exp(-0.7 * C - 20 - C), exp(-0.7 * C - 20 - C), 0]),
]


def formula(xp, case, given, q, t):
    return xp.sum(given.get("class_weight", 1.0) * t * (1 - q**0.7) / 0.7, axis=-1)


RECORD = Record(
    targets=("labels", "distributions"),
    signature=("target", *FORMS, *CURVE, "q"),
    formula=formula,
    bounded=True,
    limits={
        "generalized-labels-logits": ("logits target", LABELS_FROM_LOGITS),
        "generalized-labels-probs": ("probs target", LABELS_FROM_PROBS),
        "generalized-logits": ("target logits", FROM_LOGITS),
    },
    gradient_limits={
        "generalized-labels-logits": ("logits target", GRADIENT_FROM_LOGITS),
        "generalized-labels-probs": ("probs target", GRADIENT_FROM_PROBS),
        "generalized-logits": ("target logits", GRADIENT_OF_DISTRIBUTIONS),
    },
    edges={
        "lost, generalized": {"target": [1], "logits": [[0.0, -I, 3.0]]},
        "lost, with no power": {"target": [1], "logits": [[0.0, -I, 3.0]], "q": 0.0},
        "soft, with no power": {"target": HALVES, "logits": [[0.0, 9.0, 3.0]], "q": 0.0},
        "sure, generalized": {"target": CERTAIN, "logits": [[0.0, I, 3.0]]},
        "no chance, with the first power": {"target": HALVES, "probs": CERTAIN, "q": 1.0},
    },
)
