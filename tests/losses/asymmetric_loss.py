"""Asymmetric loss, element by element."""

from math import exp, log, log1p

from tests.record import FOCAL, Record
from tests.tables import NAN, TINY, I

OVER = 1 / (1 + exp(-1)) - 0.05
WORST = -(0.95**4) * log(0.05)
# Columns: logits, target, loss.
FROM_LOGITS = [
    (I, 1, 0),
    (-I, 1, I),
    (20, 1, log1p(TINY)),
    (I, 0, WORST),
    (1000, 0, WORST),
    (1, 0, -(OVER**4) * log1p(-OVER)),
    (-3, 0, 0),
    (-I, 0, 0),
    (NAN, 0, NAN),
]
# Columns: logits, target, gradient.
GRADIENT_FROM_LOGITS = [
    (I, 1, 0),
    (-I, 1, -1),
    (20, 1, -TINY / (1 + TINY)),
    (I, 0, 0),
    (-3, 0, 0),
    (-I, 0, 0),
    (NAN, 0, NAN),
]


def formula(xp, case, given, h, t):
    over = (h - 0.05 + xp.abs(h - 0.05)) / 2
    return -t * xp.log(h) - (1 - t) * over**4 * xp.log(1 - over)


RECORD = Record(
    targets=("binary",),
    signature=("target", "logits", *FOCAL, "gamma_negative", "gamma_positive", "margin"),
    formula=formula,
    positional=("target",),
    one_per="element",
    bounded=True,
    limits={"asymmetric-logits": ("logits target", FROM_LOGITS)},
    gradient_limits={"asymmetric-logits": ("logits target", GRADIENT_FROM_LOGITS)},
    edges={
        "below the margin, with a root": {
            "target": [0.0, 0.0, 1.0],
            "logits": [-9.0, -I, I],
            "gamma_negative": 0.5,
            "gamma_positive": 0.5,
        },
        "without a margin": {"target": [0.0, 0.0], "logits": [I, 1000.0], "margin": 0.0},
    },
)
