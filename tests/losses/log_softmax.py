"""The logarithm of softmax."""

from math import exp, log, log1p

from tests.formulas import softmax
from tests.record import of_link
from tests.tables import NAN, I

# Columns: logits, value.
VALUES = [
    ([I, 0, 0], [0, -I, -I]),
    ([0, 0, -I], [-log(2), -log(2), -I]),
    ([I, I, 0], [NAN] * 3),
    ([20, 0, -I], [-log1p(exp(-20)), -20 - log1p(exp(-20)), -I]),
]

RECORD = of_link(
    signature=("logits", "axis", "where"),
    formula=lambda xp, z: xp.log(softmax(xp, z)),
    one_per="element",
    limits={"log_softmax": ("logits", VALUES)},
)
