"""What the families of linear heads share: their problem, its exact solution, and who solves it.

A shape is (N, D, K): rows, features and classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.exact import BLOCK, PICKED, Exact, Gradient, label_block
from benchmarks.family import BOTH, Case, Contender, How, Inputs, Shape
from benchmarks.ours import xent_of_head
from benchmarks.runners import JAX, NUMPY, REFERENCE, TORCH
from benchmarks.textbook import textbook

IGNORED = -100
WEIGHTS = ("features", "weight")
PEERS = {**REFERENCE, **dict.fromkeys(JAX, "textbook")}
# Where NumPy has no textbook to be compared with.
WITHOUT_TEXTBOOK = {**PEERS, **dict.fromkeys(NUMPY, "xent")}


@dataclass(frozen=True)
class OfKept(Exact):
    """An exact loss whose mean is over the rows that are not ignored."""

    kept: int

    @property
    def value(self) -> float:
        """The mean."""
        return float(self.rows.sum() / self.kept)


def on_gpu(name: str, title: str) -> Case:
    """Return the head of a large language model, which only an accelerator should see."""
    large, small = (4096, 4096, 128256), (512, 512, 16032)
    return Case(name, title, large, small, dtypes=("bfloat16",), device="cuda")


def make(shape: Shape, rng: np.random.Generator, ignored: float = 0.0) -> Inputs:
    """Return labels, features and weight, of logits as a model in training has them."""
    rows, width, classes = shape
    features = rng.standard_normal((rows, width), np.float32)
    weight = rng.standard_normal((classes, width), np.float32) * np.float32(2 / width**0.5)
    labels = rng.integers(0, classes, rows)
    labels[rng.permutation(rows)[: int(ignored * rows)]] = IGNORED
    return {"labels": labels, "features": features, "weight": weight}


def exact(inputs: Inputs, wrt: tuple[str, ...] = WEIGHTS) -> Exact:
    """Return the exact rows, and the gradients of features and weight, in float64."""
    labels, features, weight = inputs.values()
    kept = np.flatnonzero(labels != IGNORED)
    return solved(lambda rows, z: label_block(labels[rows], z), features, weight, wrt, kept)


def solved(
    formula: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, ...]],
    features: np.ndarray,
    weight: np.ndarray,
    wrt: tuple[str, ...] = WEIGHTS,
    kept: np.ndarray | None = None,
) -> Exact:
    """Return the exact rows and gradients of a loss of ``features @ weight.T``, in float64.

    ``formula``: (which rows, their logits) -> (loss, gradient, its size). Only the rows ``kept`` count.
    """
    theta, places = weight.astype(np.float64), np.arange(len(features)) if kept is None else kept
    count, loss = len(places), np.zeros(len(features))
    down, sizes = np.zeros(features.shape), np.zeros(features.shape)
    total, scale = np.zeros(weight.shape), np.zeros(weight.shape)
    step = max(1, BLOCK // len(weight))
    for start in range(0, count, step):
        rows = places[start : start + step]
        x = features[rows].astype(np.float64)
        loss[rows], slope, size = formula(rows, x @ theta.T)
        slope, size = slope / count, size / count
        down[rows], sizes[rows] = slope @ theta, size @ abs(theta)
        if "weight" in wrt:
            total += slope.T @ x
            scale += size.T @ abs(x)
    found = {"features": picked(down, sizes), "weight": picked(total, scale)}
    return OfKept(loss, tuple(found[name] for name in wrt), (-1,) * len(wrt), count)


def picked(whole: np.ndarray, size: np.ndarray) -> Gradient:
    """Return a gradient, and some rows of it in full."""
    keep = max(1, min(len(whole), PICKED // whole.shape[1]))
    rows = np.unique(np.linspace(0, len(whole) - 1, keep).astype(int))
    return Gradient(whole.astype(np.float32), rows, whole[rows], size[rows])


def flops(shape: Shape, mode: str, products: int = 3) -> int:
    """Return those of one product forward, and of ``products`` with the gradients."""
    rows, width, classes = shape
    return 2 * rows * width * classes * (products if mode == BOTH else 1)


def torch(how: How) -> Callable[..., Any]:
    """`torch.nn.functional.cross_entropy` of `linear`."""
    from torch.nn import functional

    return lambda labels, features, weight: functional.cross_entropy(
        functional.linear(features, weight), labels, reduction=how.reduction
    )


def torch_chunked(how: How) -> Callable[..., Any]:
    """`torch.nn.functional.linear_cross_entropy`, chunked with its default options."""
    from torch.nn import LinearCrossEntropyOptions, functional

    options = LinearCrossEntropyOptions()
    return lambda labels, features, weight: functional.linear_cross_entropy(
        features, weight, labels, reduction=how.reduction, options=options
    )


def liger(how: How) -> Callable[..., Any]:
    """Liger's fused kernel."""
    from liger_kernel.transformers.functional import liger_fused_linear_cross_entropy as loss

    return lambda labels, features, weight: loss(
        features, weight, labels, ignore_index=IGNORED, reduction=how.reduction
    )


def _masked(how: How, labels: Any, rows: Any) -> Any:
    """Return what rows of JAX come to without those that are ignored."""
    from jax import numpy as jnp

    kept = labels != IGNORED
    rows = jnp.where(kept, rows, 0)
    return rows if how.reduction == "none" else rows.sum() / kept.sum()


def jax_textbook(how: How) -> Callable[..., Any]:
    """`jax.nn.log_softmax` of the logits, and a pick."""
    from jax import numpy as jnp

    by_row = textbook("jax", "label_loss")(How(reduction="none"))

    def loss(labels: Any, features: Any, weight: Any) -> Any:
        logits = (features @ weight.T).astype(jnp.float32)
        return _masked(how, labels, by_row(jnp.maximum(labels, 0), logits))

    return loss


def optax(how: How) -> Callable[..., Any]:
    """`optax.softmax_cross_entropy_with_integer_labels` of the logits."""
    from jax import numpy as jnp
    from optax import softmax_cross_entropy_with_integer_labels as by_row

    def loss(labels: Any, features: Any, weight: Any) -> Any:
        logits = (features @ weight.T).astype(jnp.float32)
        return _masked(how, labels, by_row(logits, jnp.maximum(labels, 0)))

    return loss


def contenders(wrt: tuple[str, ...] = WEIGHTS) -> tuple[Contender, ...]:
    """Return who solves a problem in the inputs ``wrt``, but for NumPy's textbook."""
    return (
        Contender("torch.nn.functional", TORCH, torch),
        Contender("torch linear_cross_entropy", TORCH, torch_chunked),
        Contender("Liger", ("torch-cuda",), liger),
        Contender("textbook", JAX, jax_textbook),
        Contender("optax", JAX, optax),
        xent_of_head("linear_cross_entropy", wrt, ignore_index=IGNORED),
    )
