"""Negative log-likelihood of labels, or of distributions."""

from math import log

from tests.losses.cross_entropy import GRADIENT_FROM_LOGITS, LABELS_FROM_LOGITS
from tests.losses.log_likelihood import formula as log_likelihood
from tests.record import FORMS, ROW, Record
from tests.tables import CERTAIN, HALVES, I

# Columns: target, prediction, loss.
DISTRIBUTIONS = [
    ([0.5, 0.5, 0], [1, 0, 0], log(2)),
    ([0, 1, 0], [1, 0, 0], I),
    ([1, 0, 0], [1, 0, 0], 0),
]

RECORD = Record(
    targets=("labels", "distributions"),
    signature=("target", *FORMS, *ROW, "axis", "ignore_index"),
    formula=lambda *given: -log_likelihood(*given),
    limits={
        "nll-labels-logits": ("logits target", LABELS_FROM_LOGITS),
        "nll-probs": ("target probs", DISTRIBUTIONS),
    },
    gradient_limits={"nll-labels-logits": ("logits target", GRADIENT_FROM_LOGITS)},
    edges={
        "masked class, likelihood": {"target": HALVES, "logits": [[0.0, -I, 1.0]]},
        "no chance, likelihood": {"target": HALVES, "probs": CERTAIN},
        "no chance in logs, likelihood": {"target": HALVES, "log_probs": [[-1.0, -I, -I]]},
    },
)
