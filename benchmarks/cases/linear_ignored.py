"""The same with seven rows of ten ignored, as in fine-tuning on answers alone."""

from __future__ import annotations

import numpy as np

from benchmarks import linear
from benchmarks.exact import Exact
from benchmarks.family import Case, Family, Inputs, Shape

SHARE = 0.7


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return labels, most of which are ignored, features and weight."""
    return linear.make(shape, rng, SHARE)


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact rows and gradients."""
    return linear.exact(inputs)


def flops(shape: Shape, mode: str) -> int:
    """Return those of the rows that are left."""
    return int(linear.flops(shape, mode) * (1 - SHARE))


FAMILY = Family(
    name="linear, ignored",
    make=make,
    wrt=linear.WEIGHTS,
    exact=exact,
    cases=(
        Case("linear-ignored", "70 % of rows ignored", (1024, 768, 50257), (96, 64, 2003)),
        linear.on_gpu("linear-ignored-gpu", "70 % of rows ignored, on a GPU"),
    ),
    contenders=linear.contenders(),
    reference=linear.WITHOUT_TEXTBOOK,
    flops=flops,
)
