"""Brier score of labels and distributions."""

from math import exp

from tests.record import DISTANCE, Record
from tests.tables import TINY, I

# Columns: logits, label, score.
LABELS_FROM_LOGITS = [
    ([20, 0, -I], 0, 2 * (TINY / (1 + TINY)) ** 2),
    ([0, -I, -I], 0, 0),
    ([0, -I, -I], 1, 2),
    ([0, 0, -I], 0, 0.5),
    ([I, 0, 0], 0, 0),
]
# Columns: target, logits, score.
FROM_LOGITS = [
    ([1, 0, 0], [40, 0, -I], 2 * (exp(-40) / (1 + exp(-40))) ** 2),
    ([0.5, 0.5, 0], [3, 3, -I], 0),
    ([1, 0, 0], [-I, 0, -I], 2),
]
# Columns: logits, label, gradient.
GRADIENTS = [
    ([20, 0, -I], 0, [-4 * TINY**2 / (1 + TINY) ** 3, 4 * TINY**2 / (1 + TINY) ** 3, 0]),
    ([0, 0, -I], 0, [-0.5, 0.5, 0]),
]

RECORD = Record(
    targets=("labels", "distributions"),
    signature=("target", "probs", "logits", "ignore_index", *DISTANCE),
    formula=lambda xp, case, given, q, t: xp.sum((q - t) ** 2, axis=-1),
    bounded=True,
    limits={
        "brier-labels-logits": ("logits target", LABELS_FROM_LOGITS),
        "brier-logits": ("target logits", FROM_LOGITS),
    },
    gradient_limits={"brier-labels-logits": ("logits target", GRADIENTS)},
    edges={"masked class, Brier": {"target": [0], "logits": [[0.0, -I, 1.0]]}},
)
