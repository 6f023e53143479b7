"""Entropy of a prediction."""

from math import log

from tests.record import FORMS, Record
from tests.tables import CERTAIN, NAN, I

# Columns: probabilities, entropy.
OF_PROBS = [([0, 1, 0], 0), ([0.5, 0.5, 0], log(2)), ([1, 0, 0], 0)]
# Columns: logits, entropy.
OF_LOGITS = [
    ([0, -I, -I], 0),
    ([0, 0, -I], log(2)),
    ([I, 0, 0], 0),
    ([I, I, 0], NAN),
    ([-I, -I, -I], NAN),
    ([5, 5, 5], log(3)),
]
# Columns: probabilities, gradient.
GRADIENT_OF_PROBS = [([0, 1, 0], [I, -1, I]), ([0.5, 0.5, 0], [log(2) - 1, log(2) - 1, I])]
# Columns: logits, gradient.
GRADIENT_OF_LOGITS = [
    ([0, -I, -I], [0, 0, 0]),
    ([I, 0, 0], [0, 0, 0]),
    ([5, 5, -I], [0, 0, 0]),
]

RECORD = Record(
    targets=("nothing",),
    signature=(*FORMS, "axis", "base", "reduction"),
    positional=("probs",),
    formula=lambda xp, case, given, q, t: -xp.sum(q * xp.log(q), axis=-1),
    reduction="none",
    limits={
        "entropy-probs": ("probs", OF_PROBS),
        "entropy-logits": ("logits", OF_LOGITS),
    },
    gradient_limits={
        "entropy-probs": ("probs", GRADIENT_OF_PROBS),
        "entropy-logits": ("logits", GRADIENT_OF_LOGITS),
    },
    edges={
        "certain": {"probs": CERTAIN},
        "certain in logs": {"log_probs": [[-I, 0.0]]},
        "masked class, entropy": {"logits": [[0.0, -I, 1.0]]},
        "certain logit, entropy": {"logits": [[0.0, I, 1.0]]},
        "tie, entropy": {"logits": [[0.0, 0.0]]},
    },
)
