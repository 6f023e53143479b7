"""Kullback–Leibler divergence, of distributions, logits and labels."""

from math import log

from tests.losses.cross_entropy import GRADIENT_OF_DISTRIBUTIONS, LABELS_FROM_LOGITS
from tests.losses.cross_entropy import formula as cross_entropy
from tests.record import FORMS, ROW, Record
from tests.tables import HALVES, NAN, I

# Columns: target, prediction, divergence.
DISTRIBUTIONS = [
    ([0, 1, 0], [0, 1, 0], 0),
    ([0, 0.5, 0.5], [0, 0.5, 0.5], 0),
    ([1, 0, 0], [0.5, 0.5, 0], log(2)),
    ([0.5, 0.5, 0], [1, 0, 0], I),
    ([0.5, 0, 0.5], [0.25, 0.5, 0.25], log(2)),
]
# Columns: target_logits, logits, divergence.
OF_LOGITS = [
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
# Columns: target_logits, logits, gradient.
GRADIENT_OF_LOGITS = [
    ([0, -I, 0], [0, -I, 0], [0, 0, 0]),
    ([I, 0, 0], [0, 0, -I], [-0.5, 0.5, 0]),
    ([0, -I, -I], [0, 0, -I], [-0.5, 0.5, 0]),
]


def formula(xp, case, given, q, t):
    if case.kind == "labels":  # 0 log 0, which is 0, is NaN here
        return cross_entropy(xp, case, given, q, t)
    return xp.sum(t * xp.log(t / q), axis=-1)


RECORD = Record(
    targets=("labels", "distributions", "target_logits"),
    signature=("target", "target_logits", *FORMS, "reverse", "skew", *ROW, "axis", "temperature"),
    formula=formula,
    limits={
        "kl-labels-logits": ("logits target", LABELS_FROM_LOGITS),
        "kl-probs": ("target probs", DISTRIBUTIONS),
        "kl-logits": ("target_logits logits", OF_LOGITS),
    },
    gradient_limits={
        "kl-probs": ("target probs", GRADIENT_OF_DISTRIBUTIONS),
        "kl-logits": ("target_logits logits", GRADIENT_OF_LOGITS),
    },
    edges={
        "neither has it": {"target": HALVES, "probs": [[0.25, 0.75, 0.0]]},
        "target lacks it": {"target": HALVES, "probs": [[0.25, 0.25, 0.5]]},
        "target lacks it, logits": {"target": HALVES, "logits": [[0.0, 0.0, 0.0]]},
        "neither has it, logits": {"target": HALVES, "logits": [[0.0, 1.0, -I]]},
        "neither has it, logs": {"target": HALVES, "log_probs": [[-1.0, -1.0, -I]]},
        "equal": {"target": HALVES, "probs": HALVES},
        "equal logits": {"target_logits": [[1.0, 1.0, -I]], "logits": [[1.0, 1.0, -I]]},
        "masked for both": {"target_logits": [[0.0, 1.0, -I]], "logits": [[2.0, 0.0, -I]]},
        "masked for the target": {"target_logits": [[0.0, -I]], "logits": [[2.0, 0.0]]},
    },
)
