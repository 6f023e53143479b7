"""Jensen–Shannon divergence of two distributions."""

from math import log

from tests.record import ROW, Record
from tests.tables import HALVES, I

# Columns: p, q, divergence.
VALUES = [
    ([1, 0, 0], [0, 1, 0], log(2)),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], 0),
    ([1, 0, 0], [1, 0, 0], 0),
    ([0.5, 0.5, 0], [0, 0, 1], log(2)),
]
# Columns: p, q, gradient with respect to q.
GRADIENTS = [
    ([1, 0, 0], [0, 1, 0], [-I, log(2) / 2, log(2) / 2]),
    ([0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, log(2) / 2]),
]


def formula(xp, case, given, q, t):
    middle = (t + q) / 2
    return xp.sum(t * xp.log(t / middle) + q * xp.log(q / middle), axis=-1) / 2


RECORD = Record(
    targets=("pmf",),
    signature=("p", "q", *ROW, "axis"),
    positional=("p", "q"),
    formula=formula,
    bounded=True,
    limits={"js": ("p q", VALUES)},
    gradient_limits={"js": ("p q", GRADIENTS)},
    edges={
        "one lacks it": {"p": [[0.0, 0.5, 0.5]], "q": [[0.5, 0.5, 0.0]]},
        "neither has it, JS": {"p": HALVES, "q": [[0.25, 0.75, 0.0]]},
        "disjoint": {"p": [[1.0, 0.0]], "q": [[0.0, 1.0]]},
        "equal, JS": {"p": HALVES, "q": HALVES},
    },
)
