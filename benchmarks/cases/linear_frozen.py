"""The same with a frozen weight, as under an adapter: the features alone have a gradient."""

from __future__ import annotations

import numpy as np

from benchmarks import linear
from benchmarks.exact import Exact
from benchmarks.family import Case, Family, Inputs, Shape

MOVING = ("features",)


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return labels, features and weight."""
    return linear.make(shape, rng)


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact rows and the gradient of the features."""
    return linear.exact(inputs, MOVING)


def flops(shape: Shape, mode: str) -> int:
    """Return those of two products."""
    return linear.flops(shape, mode, 2)


FAMILY = Family(
    name="linear, frozen",
    make=make,
    wrt=MOVING,
    exact=exact,
    cases=(Case("linear-frozen", "frozen weight", (1024, 768, 50257), (96, 64, 2003)),),
    contenders=linear.contenders(MOVING),
    reference=linear.WITHOUT_TEXTBOOK,
    flops=flops,
)
