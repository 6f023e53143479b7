"""Cross entropy, of labels and of distributions."""

from math import exp, log, log1p

from tests.record import FORMS, SOFTMAX, Record
from tests.tables import CERTAIN, HALVES, NAN, TINY, I

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
# Columns: target, prediction, loss.
DISTRIBUTIONS = [
    ([0, 1, 0], [0, 1, 0], 0),
    ([0, 1, 0], [1, 0, 0], I),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], log(2)),
    ([0.5, 0.5, 0], [1, 0, 0], I),
    ([0.5, 0.25, 0.25], [0.5, 0.5, 0], I),
]
# Columns: logits, label, gradient.
GRADIENT_FROM_LOGITS = [
    ([I, 0, 0], 0, [0, 0, 0]),
    ([I, 0, 0], 1, [1, -1, 0]),
    ([0, -I, -I], 0, [0, 0, 0]),
    ([0, 0, -I], 0, [-0.5, 0.5, 0]),
    ([20, 0, -I], 0, [-TINY / (1 + TINY), TINY / (1 + TINY), 0]),
    ([0, 0, -I], 2, [0.5, 0.5, -1]),
    ([I, I, 0], 0, [NAN, NAN, NAN]),
    ([-I, -I, -I], 0, [NAN, NAN, NAN]),
]
# Columns: probabilities, label, gradient.
GRADIENT_FROM_PROBS = [
    ([0, 1, 0], 1, [0, -1, 0]),
    ([0.5, 0.25, 0.25], 1, [0, -4, 0]),
    ([0, 1, 0], 0, [-I, 0, 0]),
]
# Columns: target, probabilities, gradient.
GRADIENT_OF_DISTRIBUTIONS = [
    ([0, 1, 0], [0, 1, 0], [0, -1, 0]),
    ([0.5, 0.5, 0], [1, 0, 0], [-0.5, -I, 0]),
    ([0, 0.5, 0.5], [0, 0.25, 0.75], [0, -2, -2 / 3]),
]


def formula(xp, case, given, q, t):
    smoothing = given.get("label_smoothing", 0.0)
    smooth = (1 - smoothing) * t + smoothing / q.shape[-1]
    return -xp.sum(given.get("class_weight", 1.0) * smooth * xp.log(q), axis=-1)


RECORD = Record(
    targets=("labels", "distributions"),
    signature=("target", *FORMS, *SOFTMAX),
    formula=formula,
    limits={
        "cross_entropy-labels-logits": ("logits target", LABELS_FROM_LOGITS),
        "cross_entropy-labels-probs": ("probs target", LABELS_FROM_PROBS),
        "cross_entropy-probs": ("target probs", DISTRIBUTIONS),
    },
    gradient_limits={
        "cross_entropy-labels-logits": ("logits target", GRADIENT_FROM_LOGITS),
        "cross_entropy-labels-probs": ("probs target", GRADIENT_FROM_PROBS),
        "cross_entropy-probs": ("target probs", GRADIENT_OF_DISTRIBUTIONS),
    },
    edges={
        "masked class": {"target": [0], "logits": [[0.0, -I, 1.0]]},
        "masked class, one-hot": {"target": CERTAIN, "logits": [[-I, 1.0, 0.0]]},
        "masked class, soft": {"target": HALVES, "logits": [[2.0, 1.0, -I]]},
        "one class left": {"target": [0], "logits": [[0.0, -I, -I]]},
        "tie": {"target": [1], "logits": [[0.0, 0.0, 0.0]]},
        "tie, soft": {"target": HALVES, "logits": [[0.0, 0.0, 0.0]]},
        "certain logit": {"target": [1], "logits": [[0.0, I, 3.0]]},
        "certain logit, one-hot": {"target": CERTAIN, "logits": [[0.0, I, 3.0]]},
        "far": {"target": [1], "logits": [[0.0, 1e30, -1e30]]},
        "no chance": {"target": [1], "probs": CERTAIN},
        "no chance, one-hot": {"target": CERTAIN, "probs": CERTAIN},
        "no chance, soft": {"target": HALVES, "probs": HALVES},
        "no chance in logs": {"target": HALVES, "log_probs": [[-1.0, -1.0, -I]]},
        "weightless class": {
            "target": HALVES,
            "probs": [[1.0, 0.0, 0.0]],
            "class_weight": [1.0, 0.0, 1.0],
        },
        "weightless row": {
            "target": [0, 0],
            "probs": [[0.0, 1.0], [0.5, 0.5]],
            "sample_weight": [0.0, 1.0],
        },
        "nothing weighs": {
            "target": [0, 0],
            "logits": [[0.0, 1.0], [0.5, 0.5]],
            "sample_weight": [0.0, 0.0],
        },
        "row taken out": {
            "target": [0, 0],
            "logits": [[NAN, I], [1.0, 2.0]],
            "where": [False, True],
        },
        "soft row taken out": {
            "target": [[NAN, 1.0], [0.5, 0.5]],
            "probs": [[NAN, I], [0.5, 0.5]],
            "where": [False, True],
        },
        "label ignored": {
            "target": [-1, 1],
            "log_probs": [[NAN, I], [-1.0, -2.0]],
            "ignore_index": -1,
        },
        "all ignored": {"target": [9, 9], "logits": [[NAN, I], [1.0, 2.0]], "ignore_index": 9},
    },
)
