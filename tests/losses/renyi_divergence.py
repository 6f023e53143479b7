"""Rényi divergence of two distributions, of one order; those of others in `tests/laws/test_orders.py`."""

from math import log

from tests.losses.jensen_shannon_divergence import EDGES_OF_Q
from tests.record import ROW, Record
from tests.tables import I

ORDER = 1.5
# Columns: p, q, divergence.
VALUES = [
    ([0.5, 0.5, 0], [0.25, 0.25, 0.5], log(2)),
    ([1, 0, 0], [0, 1, 0], I),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], 0),
    ([0.5, 0.5, 0], [1, 0, 0], I),
]
# Columns: p, q, gradient with respect to q.
GRADIENTS = [
    ([0.5, 0.5, 0], [0.25, 0.25, 0.5], [-2, -2, 0]),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], [-1, -1, 0]),
    ([1, 0, 0], [0, 1, 0], [-I, 0, 0]),
]


def formula(xp, case, given, q, t):
    return xp.log(xp.sum(t**ORDER * q ** (1 - ORDER), axis=-1) / xp.sum(t, axis=-1)) / (ORDER - 1)


RECORD = Record(
    targets=("pmf",),
    signature=("p", "q", "order", *ROW, "axis"),
    parameters={"order": ORDER},
    positional=("p", "q"),
    formula=formula,
    limits={"renyi": ("p q", VALUES)},
    gradient_limits={"renyi": ("p q", GRADIENTS)},
    edges={f"{name}, Rényi": given for name, given in EDGES_OF_Q.items()},
)
