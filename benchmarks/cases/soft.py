"""KL divergence of a prediction in logits from soft targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.exact import Exact, by_rows, divergence_block, rows_first
from benchmarks.family import Case, Family, How, Inputs, Shape
from benchmarks.ours import xent_contenders
from benchmarks.peers import peers
from benchmarks.runners import REFERENCE


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return a teacher's probabilities and a student's logits."""
    target = np.exp(2 * rng.standard_normal(shape, np.float32))
    target /= target.sum(axis=axis, keepdims=True)
    return {"target": target, "logits": 2 * rng.standard_normal(shape, np.float32)}


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact rows and the gradient for the logits."""
    return by_rows(divergence_block, rows_first(inputs["target"], axis), inputs["logits"], axis)


def scipy(how: How) -> Callable[..., Any]:
    """`scipy.special.rel_entr` of a softmax."""
    from scipy.special import rel_entr, softmax

    return lambda target, logits: how.reduce(
        rel_entr(target, softmax(logits, axis=how.axis)).sum(axis=how.axis)
    )


def torch(how: How) -> Callable[..., Any]:
    """`torch.nn.functional.kl_div` of a log-softmax."""
    from torch.nn import functional

    def loss(target: Any, logits: Any) -> Any:
        log_q = functional.log_softmax(logits, how.axis)
        if how.reduction == "none":
            return functional.kl_div(log_q, target, reduction="none").sum(how.axis)
        return functional.kl_div(log_q, target, reduction="batchmean")

    return loss


def optax(how: How) -> Callable[..., Any]:
    """`optax.kl_divergence` of a log-softmax."""
    from jax import nn
    from optax import kl_divergence

    return lambda target, logits: how.reduce(
        kl_divergence(nn.log_softmax(logits, how.axis), target, axis=how.axis)
    )


def keras(how: How) -> Callable[..., Any]:
    """`keras.losses.kl_divergence` of a softmax, on JAX; it clips at 1e-7."""
    from keras import ops
    from keras.losses import kl_divergence

    return lambda target, logits: how.reduce(
        kl_divergence(target, ops.softmax(logits, axis=how.axis))
    )


FAMILY = Family(
    name="soft",
    make=make,
    wrt=("logits",),
    exact=exact,
    cases=(Case("kl", "KL of soft targets", (4096, 32000), (256, 4000)),),
    contenders=(
        *peers("divergence", scipy=scipy, torch=torch, optax=optax, keras=keras),
        *xent_contenders("kl_divergence"),
    ),
    reference=REFERENCE,
)
