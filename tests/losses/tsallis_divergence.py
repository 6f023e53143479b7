"""Tsallis divergence of two distributions, of one order; others in `tests/laws/test_orders.py`."""

from math import sqrt

from tests.losses.jensen_shannon_divergence import EDGES_OF_Q
from tests.losses.renyi_divergence import ORDER
from tests.record import DISTANCE, Record
from tests.tables import I

# Columns: p, q, divergence.
VALUES = [
    ([0.5, 0.5, 0], [0.25, 0.25, 0.5], 2 * sqrt(2) - 2),
    ([1, 0, 0], [0, 1, 0], I),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], 0),
]
# Columns: p, q, gradient with respect to q.
GRADIENTS = [
    ([0.5, 0.5, 0], [0.25, 0.25, 0.5], [-sqrt(8), -sqrt(8), 0]),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], [-1, -1, 0]),
    ([1, 0, 0], [0, 1, 0], [-I, 0, 0]),
]


def formula(xp, case, given, q, t):
    return xp.sum(t**ORDER * q ** (1 - ORDER) - t, axis=-1) / (ORDER - 1)


RECORD = Record(
    targets=("pmf",),
    signature=("p", "q", "order", *DISTANCE),
    parameters={"order": ORDER},
    positional=("p", "q"),
    formula=formula,
    limits={"tsallis": ("p q", VALUES)},
    gradient_limits={"tsallis": ("p q", GRADIENTS)},
    edges={f"{name}, Tsallis": given for name, given in EDGES_OF_Q.items()},
)
