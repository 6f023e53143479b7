"""Rényi entropy of a prediction, of one order; those of others in `tests/laws/test_orders.py`."""

from math import log

from tests.losses.renyi_divergence import ORDER
from tests.record import Record
from tests.tables import CERTAIN

# Columns: probabilities, entropy.
VALUES = [([0, 1, 0], 0), ([0.5, 0.5, 0], log(2)), ([1, 0, 0], 0)]
# Columns: probabilities, gradient.
GRADIENTS = [([0, 1, 0], [2, -1, 2]), ([0.5, 0.5, 0], [-1, -1, 2])]


def formula(xp, case, given, q, t):
    return xp.log(xp.sum(q**ORDER, axis=-1) / xp.sum(q, axis=-1)) / (1 - ORDER)


RECORD = Record(
    targets=("nothing",),
    signature=("probs", "order", "axis", "base", "reduction"),
    parameters={"order": ORDER},
    positional=("probs",),
    formula=formula,
    reduction="none",
    limits={"renyi-entropy": ("probs", VALUES)},
    gradient_limits={"renyi-entropy": ("probs", GRADIENTS)},
    edges={"certain, Rényi": {"probs": CERTAIN}},
)
