"""Hellinger distance of two distributions."""

from math import sqrt

from tests.losses.jensen_shannon_divergence import EDGES_OF_Q
from tests.record import DISTANCE, Record
from tests.tables import I

# Columns: p, q, distance.
VALUES = [
    ([1, 0, 0], [0, 1, 0], 1),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], 0),
    ([1, 0, 0], [0.25, 0.75, 0], sqrt(0.5)),
]
# Columns: p, q, gradient with respect to q.
GRADIENTS = [
    ([1, 0, 0], [0, 1, 0], [-I, 0.25, 0.25]),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 0]),
    ([1, 0, 0], [0.25, 0.75, 0], [-sqrt(2) / 4, sqrt(2) / 4, sqrt(2) / 4]),
]

RECORD = Record(
    targets=("pmf",),
    signature=("p", "q", *DISTANCE),
    positional=("p", "q"),
    formula=lambda xp, case, given, q, t: xp.sqrt(
        xp.sum((xp.sqrt(t) - xp.sqrt(q)) ** 2, axis=-1) / 2
    ),
    bounded=True,
    limits={"hellinger": ("p q", VALUES)},
    gradient_limits={"hellinger": ("p q", GRADIENTS)},
    edges={f"{name}, Hellinger": given for name, given in EDGES_OF_Q.items()},
)
