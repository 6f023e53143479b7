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

# The smallest target of float32 that every library keeps: what is hit of 8 is 2⁻¹²⁹, or 2⁻¹²⁸.
# Columns: target, logits, loss.
TINY, ALIKE = 2.0**-126, [0.0] * 8
HARDLY_AIMED = [
    ([TINY] + [0.0] * 7, ALIKE, 129 * log(2)),
    ([0.0] * 6 + [TINY] * 2, ALIKE, 128 * log(2)),
]
# The last column: gradient.
GRADIENT_HARDLY_AIMED = [
    ([TINY] + [0.0] * 7, ALIKE, [-0.875] + [0.125] * 7),
    ([0.0] * 6 + [TINY] * 2, ALIKE, [0.125] * 6 + [-0.375] * 2),
]

RECORD = Record(
    targets=("labels", "distributions"),
    signature=("target", *FORMS, *ROW, "axis", "ignore_index"),
    formula=lambda *given: -log_likelihood(*given),
    limits={
        "nll-labels-logits": ("logits target", LABELS_FROM_LOGITS),
        "nll-probs": ("target probs", DISTRIBUTIONS),
        "nll-logits": ("target logits", HARDLY_AIMED),
    },
    gradient_limits={
        "nll-labels-logits": ("logits target", GRADIENT_FROM_LOGITS),
        "nll-logits": ("target logits", GRADIENT_HARDLY_AIMED),
    },
    edges={
        "masked class, likelihood": {"target": HALVES, "logits": [[0.0, -I, 1.0]]},
        "no chance, likelihood": {"target": HALVES, "probs": CERTAIN},
        "no chance in logs, likelihood": {"target": HALVES, "log_probs": [[-1.0, -I, -I]]},
    },
)
