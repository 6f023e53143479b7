"""The contrastive loss of pairs (InfoNCE, CLIP), whose textbook form stores N × N logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import linear
from benchmarks.exact import Exact, label_block
from benchmarks.family import Case, Contender, Family, How, Inputs, Shape
from benchmarks.ours import xent_of_head
from benchmarks.runners import JAX, NUMPY, REFERENCE, TORCH

TEMPERATURE = 0.0625
PAIRS = ("a", "b")


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return embeddings of length 1, those of a pair near each other."""
    a = rng.standard_normal(shape, np.float32)
    b = a + rng.standard_normal(shape, np.float32)
    return {
        name: x / np.linalg.norm(x, axis=1, keepdims=True)
        for name, x in zip(PAIRS, (a, b), strict=True)
    }


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact loss of each pair, and the gradients of both: two linear heads."""
    a, b = inputs.values()
    heads = []
    for x, y in ((a, b), (b, a)):
        scaled = y.astype(np.float64) / TEMPERATURE
        heads.append(linear.solved(label_block, x, scaled))
    (down_a, up_b), (down_b, up_a) = (head.gradients for head in heads)
    halves = ((down_a, up_a), (down_b, up_b))
    gradients = tuple(_half(down, up) for down, up in halves)
    return Exact((heads[0].rows + heads[1].rows) / 2, gradients, (-1, -1))


def _half(down: Any, up: Any) -> Any:
    """Return half of what the embeddings are told as rows, and as columns, of scaled embeddings."""
    whole = (down.whole.astype(np.float64) + up.whole / TEMPERATURE) / 2
    whole[down.rows] = (down.picked + up.picked / TEMPERATURE) / 2
    size = (down.size + up.size / TEMPERATURE) / 2
    return down._replace(whole=whole, picked=whole[down.rows], size=size)


def flops(shape: Shape, mode: str) -> int:
    """Return those of one product forward, and of three with the gradients."""
    rows, width = shape
    return linear.flops((rows, width, rows), mode)


def torch(how: How) -> Callable[..., Any]:
    """`torch.nn.functional.cross_entropy` of the rows and of the columns."""
    import torch
    from torch.nn import functional

    def loss(a: Any, b: Any) -> Any:
        logits, labels = a @ b.T / TEMPERATURE, torch.arange(len(a), device=a.device)
        rows = functional.cross_entropy(logits, labels, reduction=how.reduction)
        return (rows + functional.cross_entropy(logits.T, labels, reduction=how.reduction)) / 2

    return loss


def jax(how: How) -> Callable[..., Any]:
    """`optax.softmax_cross_entropy_with_integer_labels` of the rows and of the columns."""
    from jax import numpy as jnp
    from optax import softmax_cross_entropy_with_integer_labels as by_row

    def loss(a: Any, b: Any) -> Any:
        logits, labels = a @ b.T / TEMPERATURE, jnp.arange(len(a))
        return how.reduce((by_row(logits, labels) + by_row(logits.T, labels)) / 2)

    return loss


FAMILY = Family(
    name="contrastive",
    make=make,
    wrt=PAIRS,
    exact=exact,
    cases=(Case("contrastive", "pairs of embeddings", (8192, 256), (512, 32)),),
    contenders=(
        Contender("torch.nn.functional", TORCH, torch),
        Contender("optax", JAX, jax),
        xent_of_head("contrastive_loss", PAIRS, temperature=TEMPERATURE),
    ),
    reference={**REFERENCE, **dict.fromkeys(NUMPY, "xent")},
    flops=flops,
)
