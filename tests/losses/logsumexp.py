"""The logarithm of a sum of exponentials."""

from math import log

from tests.formulas import logsumexp
from tests.record import of_link
from tests.tables import NAN, I

# Columns: logits, value.
VALUES = [
    ([-I, -I, -I], -I),
    ([I, 0, -I], I),
    ([I, I, 0], I),
    ([0, -I, -I], 0),
    ([0, 0, -I], log(2)),
    ([-1000, -1000, -I], log(2) - 1000),
    ([NAN, 0, 0], NAN),
    ([-I, NAN, -I], NAN),
    ([I, NAN, I], NAN),
]
# Columns: logits, gradient.
GRADIENTS = [
    ([I, 0, 0], [1, 0, 0]),
    ([0, 0, -I], [0.5, 0.5, 0]),
    ([0, -I, -I], [1, 0, 0]),
    ([-I, -I, -I], [0, 0, 0]),
    ([I, I, 0], [NAN, NAN, NAN]),
]

RECORD = of_link(
    signature=("logits", "axis", "where"),
    formula=logsumexp,
    limits={"logsumexp": ("logits", VALUES)},
    gradient_limits={"logsumexp": ("logits", GRADIENTS)},
    edges={
        "masked class, logsumexp": {"logits": [[0.0, -I, 1.0]]},
        "tie, logsumexp": {"logits": [[1.0, 1.0, 1.0]]},
    },
)
