"""Cross entropy of two classes, element by element."""

from math import exp, log, log1p

from tests.record import ROW, Record
from tests.tables import NAN, TINY, I

# Columns: logits, target, loss.
FROM_LOGITS = [
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
FROM_PROBS = [
    (0, 0, 0),
    (1, 1, 0),
    (0, 1, I),
    (1, 0, I),
    (0.5, 0.25, log(2)),
    (2.0**-20, 0, -log1p(-(2.0**-20))),
]
# Columns: logits, target, gradient.
GRADIENT_FROM_LOGITS = [
    (I, 1, 0),
    (I, 0, 1),
    (-I, 0, 0),
    (-I, 1, -1),
    (0, 1, -0.5),
    (20, 1, -TINY / (1 + TINY)),
]
GRADIENT_FROM_PROBS = [(0, 0, 1), (1, 1, -1), (0, 1, -I), (1, 0, I), (0.5, 0.5, 0)]


def formula(xp, case, given, h, t):
    smoothing = given.get("label_smoothing", 0.0)
    t = (1 - smoothing) * t + smoothing / 2
    return -given.get("pos_weight", 1.0) * t * xp.log(h) - (1 - t) * xp.log(1 - h)


RECORD = Record(
    targets=("binary",),
    signature=(
        *("target", "probs", "logits", *ROW, "pos_weight", "ignore_index", "label_smoothing"),
    ),
    formula=formula,
    one_per="element",
    limits={
        "binary-logits": ("logits target", FROM_LOGITS),
        "binary-probs": ("probs target", FROM_PROBS),
    },
    gradient_limits={
        "binary-logits": ("logits target", GRADIENT_FROM_LOGITS),
        "binary-probs": ("probs target", GRADIENT_FROM_PROBS),
    },
    edges={
        "sure and right": {"target": [1.0, 0.0, 0.5], "logits": [I, -I, 0.0]},
        "sure and right in probabilities": {"target": [1.0, 0.0], "probs": [1.0, 0.0]},
        "binary taken out": {"target": [NAN, 0.5], "logits": [NAN, 0.0], "where": [False, True]},
    },
)
