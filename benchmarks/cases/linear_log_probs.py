"""What reinforcement learning takes of a linear head: log-probabilities and entropies, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import linear
from benchmarks.exact import Exact, label_block, softmax_parts
from benchmarks.family import Case, Contender, Family, How, Inputs, Shape
from benchmarks.runners import JAX, RUNNERS, TORCH

BONUS = 0.01
"""What a nat of entropy is worth."""


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return labels, features and weight."""
    return linear.make(shape, rng)


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact rows of −log q_y − `BONUS` · H, and their gradients."""
    labels, features, weight = inputs.values()

    def formula(rows: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, ...]:
        loss, slope, size = label_block(labels[rows], logits)
        shifted, powers, log_sum = softmax_parts(logits)
        surprisal = log_sum[:, None] - shifted
        q = powers / powers.sum(-1, keepdims=True)
        entropy = (q * surprisal).sum(-1)
        bent = q * (surprisal - entropy[:, None])
        return loss - BONUS * entropy, slope - BONUS * bent, size + BONUS * abs(bent)

    return linear.solved(formula, features, weight)


def torch(how: How) -> Callable[..., Any]:
    """A log-softmax of the whole logits, a pick and a sum."""
    from torch.nn import functional

    def loss(labels: Any, features: Any, weight: Any) -> Any:
        log_q = functional.log_softmax(functional.linear(features, weight), -1)
        entropy = -(log_q.exp() * log_q).sum(-1)
        return how.reduce(-log_q.gather(1, labels[:, None])[:, 0] - BONUS * entropy)

    return loss


def jax(how: How) -> Callable[..., Any]:
    """The same in JAX."""
    from jax import nn
    from jax import numpy as jnp

    def loss(labels: Any, features: Any, weight: Any) -> Any:
        log_q = nn.log_softmax(features @ weight.T)
        entropy = -(jnp.exp(log_q) * log_q).sum(-1)
        return how.reduce(-jnp.take_along_axis(log_q, labels[:, None], 1)[:, 0] - BONUS * entropy)

    return loss


def xent(how: How) -> Callable[..., Any]:
    """`xent.linear_log_probs`."""
    from xent import linear_log_probs

    def loss(*head: Any) -> Any:
        log_prob, entropy = linear_log_probs(*head)
        return how.reduce(-log_prob - BONUS * entropy)

    return loss


def xent_gradients(how: How) -> Callable[..., Any]:
    """The same by `xent.vjp`."""
    from xent import linear_log_probs, vjp

    function = vjp(linear_log_probs)

    def both(labels: Any, features: Any, weight: Any) -> Any:
        each = 0 * features[:, 0] - 1 / len(labels)
        made, slopes = function(labels, features, weight, cotangent=(each, BONUS * each))
        return how.reduce(-made.log_prob - BONUS * made.entropy), (slopes.features, slopes.weight)

    return both


FAMILY = Family(
    name="linear, log-probabilities",
    make=make,
    wrt=linear.WEIGHTS,
    exact=exact,
    cases=(
        Case(
            "linear-log-probs",
            "log-probabilities and entropies",
            (1024, 768, 50257),
            (96, 64, 2003),
        ),
    ),
    contenders=(
        Contender("textbook", TORCH, torch),
        Contender("textbook", JAX, jax),
        Contender("xent", tuple(RUNNERS), xent, xent_gradients),
    ),
    reference={**linear.WITHOUT_TEXTBOOK, **dict.fromkeys((*TORCH, *JAX), "textbook")},
    flops=linear.flops,
)
