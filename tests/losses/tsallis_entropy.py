"""Tsallis entropy of a prediction, of one order; those of others in `tests/laws/test_orders.py`."""

from math import sqrt

from tests.losses.renyi_divergence import ORDER
from tests.record import Record
from tests.tables import CERTAIN

# Columns: probabilities, entropy.
VALUES = [([0, 1, 0], 0), ([0.5, 0.5, 0], 2 - sqrt(2)), ([1, 0, 0], 0)]
# Columns: probabilities, gradient.
GRADIENTS = [([0, 1, 0], [2, -1, 2]), ([0.25, 0.25, 0.5], [0.5, 0.5, 2 - 1.5 * sqrt(2)])]

RECORD = Record(
    targets=("nothing",),
    signature=("probs", "order", "axis", "reduction"),
    parameters={"order": ORDER},
    positional=("probs",),
    formula=lambda xp, case, given, q, t: xp.sum(q - q**ORDER, axis=-1) / (ORDER - 1),
    reduction="none",
    limits={"tsallis-entropy": ("probs", VALUES)},
    gradient_limits={"tsallis-entropy": ("probs", GRADIENTS)},
    edges={"certain, Tsallis": {"probs": CERTAIN}},
)
