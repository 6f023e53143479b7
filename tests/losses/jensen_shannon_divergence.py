"""Jensen–Shannon divergence of two distributions."""

from math import log

from tests.record import ROW, Record
from tests.tables import HALVES, NAN, I

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
EDGES_OF_Q = {
    "neither has it": {"p": HALVES, "q": [[0.25, 0.75, 0.0]]},
    "equal": {"p": HALVES, "q": HALVES},
}
"""Those at which a measure that is infinite where q lacks something is finite."""
EDGES = {
    **EDGES_OF_Q,
    "one lacks it": {"p": [[0.0, 0.5, 0.5]], "q": [[0.5, 0.5, 0.0]]},
    "disjoint": {"p": [[1.0, 0.0]], "q": [[0.0, 1.0]]},
}
# Columns: target_logits, logits, divergence.
OF_LOGITS = [
    ([0, -I, -I], [-I, 0, -I], log(2)),
    ([0, 0, -I], [5, 5, -I], 0),
    ([I, 0, 0], [I, 0, 0], 0),
    ([I, I, 0], [0, 0, 0], NAN),
]
# Columns: target_logits, logits, gradient.
GRADIENTS_OF_LOGITS = [
    ([0, -I, -I], [-I, 0, -I], [0, 0, 0]),
    ([0, 0, -I], [5, 5, -I], [0, 0, 0]),
]


def formula(xp, case, given, q, t):
    middle = (t + q) / 2
    return xp.sum(t * xp.log(t / middle) + q * xp.log(q / middle), axis=-1) / 2


RECORD = Record(
    targets=("pmf", "target_logits"),
    signature=("p", "q", "target_logits", "logits", "beta", *ROW, "axis", "temperature"),
    positional=("p", "q"),
    formula=formula,
    bounded=True,
    limits={"js": ("p q", VALUES), "js-logits": ("target_logits logits", OF_LOGITS)},
    gradient_limits={
        "js": ("p q", GRADIENTS),
        "js-logits": ("target_logits logits", GRADIENTS_OF_LOGITS),
    },
    edges={
        **{f"{name}, JS": given for name, given in EDGES.items()},
        "equal logits, JS": {"target_logits": [[1.0, 1.0, -I]], "logits": [[1.0, 1.0, -I]]},
        "masked for one, JS": {"target_logits": [[0.0, -I]], "logits": [[2.0, 0.0]]},
    },
)
