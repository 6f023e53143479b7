"""Sigmoid."""

from math import exp

from tests.formulas import sigmoid
from tests.record import of_link
from tests.tables import I

# Columns: logits, value.
VALUES = [(I, 1), (-I, 0), (0, 0.5), (-40, exp(-40) / (1 + exp(-40)))]
# Columns: logits, gradient.
GRADIENTS = [(I, 0), (-I, 0), (0, 0.25)]

RECORD = of_link(
    signature=("logits",),
    formula=sigmoid,
    one_per="element",
    limits={"sigmoid": ("logits", VALUES)},
    gradient_limits={"sigmoid": ("logits", GRADIENTS)},
    edges={"sure": {"logits": [I, -I, 0.0]}},
)
