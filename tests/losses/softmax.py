"""Softmax."""

from tests.formulas import softmax
from tests.record import of_link
from tests.tables import NAN, I

# Columns: logits, value.
VALUES = [
    ([I, 0, 0], [1, 0, 0]),
    ([0, -I, -I], [1, 0, 0]),
    ([0, 0, -I], [0.5, 0.5, 0]),
    ([I, I, 0], [NAN] * 3),
    ([-I, -I, -I], [NAN] * 3),
]

RECORD = of_link(
    signature=("logits", "axis", "where"),
    formula=softmax,
    one_per="element",
    limits={"softmax": ("logits", VALUES)},
    edges={"masked class, softmax": {"logits": [[0.0, -I, 1.0]]}},
)
