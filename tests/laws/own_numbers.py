"""Numbers that are a loss's own, of which its kernel or logits are made, and the losses that take each."""

import pytest

import xent
from tests.cases import CASES
from tests.laws.test_operands import NUMBERS

PARAMETERS = {
    "gamma": (2.0, 0.5),
    "gamma_negative": (4.0, 2.5),
    "gamma_positive": (0.5, 1.5),
    "alpha": (0.25, 0.75),
    "margin": (0.0625, 0.25),
    "epsilon": (1.0, -0.5),
    "q": (0.75, 0.375),
    "order": (2.0, 0.5),
    "beta": (0.5, 0.25),
    "skew": (0.25, 0.5),
    "scale": (10.0, 2.0),
    "bias": (-10.0, -1.0),
    "temperature": (0.5, 0.25),
}
"""Two values of each number that is a loss's own, of which a kernel or its logits are made."""
EDGES = ("gamma", "gamma_negative", "gamma_positive", "margin", "q", "epsilon", "order")
"""Those of which 0 is another formula."""
EVERY_ONE = [
    (case, name)
    for case in CASES
    for name in PARAMETERS
    if name in case.record.parameters
    or (name not in NUMBERS and case.takes(name) and (name != "q" or case.kind == "labels"))
]
"""Each case, and each number of its own that it takes."""
OWN = {(case.loss, name): case for case, name in reversed(EVERY_ONE)}
OF_PARAMETERS = [pytest.param(case, name, id=f"{case}-{name}") for (_, name), case in OWN.items()]
"""One case of each loss."""


def loss_with(case, name):
    """Return the function that takes a number: the case's, or the loss without what the case fixes."""
    from_case = name not in case.record.parameters
    return case.function if from_case else getattr(xent, case.loss)
