"""Total variation of two distributions."""

from tests.losses.jensen_shannon_divergence import EDGES
from tests.record import DISTANCE, Record

# Columns: p, q, distance.
VALUES = [
    ([1, 0, 0], [0, 1, 0], 1),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], 0),
    ([1, 0, 0], [0.25, 0.75, 0], 0.75),
]
# Columns: p, q, gradient with respect to q.
GRADIENTS = [
    ([1, 0, 0], [0, 1, 0], [-0.5, 0.5, 0]),
    ([0.5, 0.25, 0.25], [0.5, 0.5, 0], [0, 0.5, -0.5]),
]

RECORD = Record(
    targets=("pmf",),
    signature=("p", "q", *DISTANCE),
    positional=("p", "q"),
    formula=lambda xp, case, given, q, t: xp.sum(xp.abs(t - q), axis=-1) / 2,
    bounded=True,
    limits={"variation": ("p q", VALUES)},
    gradient_limits={"variation": ("p q", GRADIENTS)},
    edges={f"{name}, variation": given for name, given in EDGES.items()},
)
