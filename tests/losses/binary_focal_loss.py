"""Focal loss of two classes, element by element."""

from math import exp, expm1, log, log1p

from tests.record import FOCAL, Record
from tests.tables import NAN, I

C = log1p(exp(-20))
"""What a logit of 20 costs that is right."""
SLOPE = expm1(-C) ** 2 * (1 + 2 * C / expm1(C)) * -expm1(-C)
# Columns: logits, target, loss.
FROM_LOGITS = [
    (I, 1, 0),
    (I, 0, I),
    (I, 0.5, I),
    (-I, 0, 0),
    (-I, 1, I),
    (0, 0.5, log(2) / 4),
    (-20, 0, expm1(-C) ** 2 * C),
    (1000, 0, 1000),
    (NAN, 1, NAN),
]
FROM_PROBS = [(0, 0, 0), (1, 1, 0), (0, 1, I), (1, 0, I), (0.5, 0.25, log(2) / 4)]
# Columns: logits, target, gradient.
GRADIENT_FROM_LOGITS = [
    (I, 1, 0),
    (I, 0, 1),
    (-I, 0, 0),
    (-I, 1, -1),
    (0, 1, -(1 + 2 * log(2)) / 8),
    (20, 1, -SLOPE),
]
GRADIENT_FROM_PROBS = [(0, 0, 0), (1, 1, 0), (0, 1, -I), (1, 0, I), (0.5, 0.5, 0)]


def formula(xp, case, given, h, t):
    return -t * (1 - h) ** 2 * xp.log(h) - (1 - t) * h**2 * xp.log(1 - h)


RECORD = Record(
    targets=("binary",),
    signature=("target", "probs", "logits", *FOCAL, "gamma", "alpha"),
    formula=formula,
    one_per="element",
    limits={
        "binary_focal-logits": ("logits target", FROM_LOGITS),
        "binary_focal-probs": ("probs target", FROM_PROBS),
    },
    gradient_limits={
        "binary_focal-logits": ("logits target", GRADIENT_FROM_LOGITS),
        "binary_focal-probs": ("probs target", GRADIENT_FROM_PROBS),
    },
    edges={
        "sure and right, with a root": {
            "target": [1.0, 0.0, 0.5],
            "logits": [I, -I, 0.0],
            "gamma": 0.5,
        },
        "a class without weight": {"target": [1.0, 0.0], "logits": [-I, 0.0], "alpha": 0.0},
    },
)
