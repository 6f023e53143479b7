"""Pearson's χ² divergence of two distributions."""

from tests.losses.jensen_shannon_divergence import EDGES_OF_Q
from tests.record import DISTANCE, Record
from tests.tables import I

# Columns: p, q, divergence.
VALUES = [
    ([1, 0, 0], [0, 1, 0], I),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], 0),
    ([1, 0, 0], [0.25, 0.75, 0], 3),
]
# Columns: p, q, gradient with respect to q.
GRADIENTS = [
    ([1, 0, 0], [0, 1, 0], [-I, 1, 1]),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]),
    ([1, 0, 0], [0.25, 0.75, 0], [-15, 1, 1]),
]

RECORD = Record(
    targets=("pmf",),
    signature=("p", "q", *DISTANCE),
    positional=("p", "q"),
    formula=lambda xp, case, given, q, t: xp.sum((t - q) ** 2 / q, axis=-1),
    limits={"chi": ("p q", VALUES)},
    gradient_limits={"chi": ("p q", GRADIENTS)},
    edges={f"{name}, χ²": given for name, given in EDGES_OF_Q.items()},
)
