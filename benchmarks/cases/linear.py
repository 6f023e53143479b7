"""Softmax cross entropy of a linear head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import linear
from benchmarks.exact import Exact
from benchmarks.family import Case, Contender, Family, How, Inputs, Shape
from benchmarks.runners import NUMPY
from benchmarks.textbook import textbook


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return labels, features and weight."""
    return linear.make(shape, rng)


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact rows and gradients."""
    return linear.exact(inputs)


def numpy_loss(how: How) -> Callable[..., Any]:
    """The textbook form of the whole logits."""
    loss = textbook("numpy", "label_loss")(how)
    return lambda labels, features, weight: loss(labels, features @ weight.T)


def numpy_gradients(how: How) -> Callable[..., Any]:
    """Softmax minus one-hot, and two more products."""
    both = textbook("numpy", "label_gradient")(how)

    def gradients(labels: Any, features: Any, weight: Any) -> Any:
        value, (slope,) = both(labels, features @ weight.T)
        return value, (slope @ weight, slope.T @ features)

    return gradients


def three_products(how: How) -> Callable[..., Any]:
    """The matrix products alone: a floor. Its results are the textbook's, of the first call."""
    first: list[Any] = []

    def gradients(labels: Any, features: Any, weight: Any) -> Any:
        if not first:
            first.append(numpy_gradients(how)(labels, features, weight))
        logits = features @ weight.T
        for product in (logits @ weight, logits.T @ features):
            del product
        return first[0]

    return gradients


FAMILY = Family(
    name="linear",
    make=make,
    wrt=linear.WEIGHTS,
    exact=exact,
    cases=(
        Case(
            "linear-768x50257",
            "the head of a small language model",
            (1024, 768, 50257),
            (96, 64, 2003),
            dtypes=("float32", "bfloat16"),
        ),
        Case(
            "linear-2304x32000",
            "the head of a language model",
            (4096, 2304, 32000),
            (128, 96, 2000),
        ),
        Case("linear-64x10", "tall and narrow", (65536, 64, 10), (4096, 64, 10)),
        Case("linear-ragged", "ragged sizes", (1021, 509, 30011), (101, 59, 1009)),
        linear.on_gpu("linear-gpu", "the head of a large language model on a GPU"),
    ),
    contenders=(
        Contender("textbook", NUMPY, numpy_loss, numpy_gradients, dtypes=("float32",)),
        Contender("three products", ("numpy",), numpy_loss, three_products, dtypes=("float32",)),
        *linear.contenders(),
    ),
    reference=linear.PEERS,
    flops=linear.flops,
)
