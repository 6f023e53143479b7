"""KL divergence of a student's linear head from its teacher's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import linear
from benchmarks.exact import Exact, divergence_block, softmax_parts
from benchmarks.family import FORWARD, Case, Contender, Family, How, Inputs, Shape
from benchmarks.ours import xent_of_head
from benchmarks.runners import JAX, NUMPY, REFERENCE, TORCH


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return features and weight of a teacher, and of a student."""
    teacher, student = linear.make(shape, rng), linear.make(shape, rng)
    return {**{f"target_{k}": teacher[k] for k in linear.WEIGHTS}, **_head(student)}


def _head(inputs: Inputs) -> Inputs:
    return {name: inputs[name] for name in linear.WEIGHTS}


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact rows, and the gradients of the student."""
    features, theta = (inputs[f"target_{k}"].astype(np.float64) for k in linear.WEIGHTS)

    def formula(rows: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, ...]:
        _, powers, _ = softmax_parts(features[rows] @ theta.T)
        return divergence_block(powers / powers.sum(-1, keepdims=True), logits)

    return linear.solved(formula, inputs["features"], inputs["weight"])


def flops(shape: Shape, mode: str) -> int:
    """Return those of both products, and of the student's gradients."""
    return linear.flops(shape, FORWARD) + linear.flops(shape, mode)


def torch(how: How) -> Callable[..., Any]:
    """`torch.nn.functional.kl_div` of the log-softmax of both."""
    from torch.nn import functional

    def loss(target_features: Any, target_weight: Any, features: Any, weight: Any) -> Any:
        log_p = functional.log_softmax(functional.linear(target_features, target_weight), -1)
        log_q = functional.log_softmax(functional.linear(features, weight), -1)
        options = {"log_target": True}
        if how.reduction == "none":
            return functional.kl_div(log_q, log_p, reduction="none", **options).sum(-1)
        return functional.kl_div(log_q, log_p, reduction="batchmean", **options)

    return loss


def jax(how: How) -> Callable[..., Any]:
    """`optax.kl_divergence_with_log_targets` of the log-softmax of both."""
    from jax import nn
    from optax.losses import kl_divergence_with_log_targets

    def loss(target_features: Any, target_weight: Any, features: Any, weight: Any) -> Any:
        log_p = nn.log_softmax(target_features @ target_weight.T)
        return how.reduce(
            kl_divergence_with_log_targets(nn.log_softmax(features @ weight.T), log_p)
        )

    return loss


FAMILY = Family(
    name="linear, distilled",
    make=make,
    wrt=linear.WEIGHTS,
    exact=exact,
    cases=(
        Case(
            "linear-distilled",
            "a student's head and its teacher's",
            (1024, 768, 32000),
            (96, 64, 2003),
        ),
    ),
    contenders=(
        Contender("torch.nn.functional", TORCH, torch),
        Contender("optax", JAX, jax),
        xent_of_head("linear_kl_divergence", linear.WEIGHTS),
    ),
    reference={**REFERENCE, **dict.fromkeys(NUMPY, "xent")},
    flops=flops,
)
