"""The logarithm of sigmoid."""

from math import exp, log, log1p

from tests.formulas import sigmoid
from tests.record import of_link
from tests.tables import I

# Columns: logits, value.
VALUES = [(I, 0), (-I, -I), (0, -log(2)), (-1000, -1000), (40, -log1p(exp(-40)))]
# Columns: logits, gradient.
GRADIENTS = [(I, 0), (-I, 1), (0, 0.5)]

RECORD = of_link(
    signature=("logits",),
    formula=lambda xp, z: xp.log(sigmoid(xp, z)),
    one_per="element",
    limits={"log_sigmoid": ("logits", VALUES)},
    gradient_limits={"log_sigmoid": ("logits", GRADIENTS)},
    edges={"sure in logs": {"logits": [I, 0.0]}},
)
