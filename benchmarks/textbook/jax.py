"""The textbook forms for JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jax import nn
from jax import numpy as jnp

from benchmarks.family import How
from benchmarks.textbook import rows


def label_loss(how: How) -> Callable[..., Any]:
    """`jax.nn.log_softmax` and a pick."""

    def loss(labels: Any, logits: Any) -> Any:
        pick = jnp.expand_dims(labels, how.axis)
        log_q = nn.log_softmax(logits, how.axis)
        return how.reduce(-jnp.take_along_axis(log_q, pick, how.axis).squeeze(how.axis))

    return loss


def binary_loss(how: How) -> Callable[..., Any]:
    """max(z, 0) − z t + log(1 + exp(−|z|))."""
    return lambda target, logits: how.reduce(rows.binary(jnp, target, logits))


def mixed_loss(how: How) -> Callable[..., Any]:
    """−Σ t log q."""
    return lambda target, logits: how.reduce(
        -(target * nn.log_softmax(logits, how.axis)).sum(how.axis)
    )


def divergence_loss(how: How) -> Callable[..., Any]:
    """Σ p (log p − log q)."""
    return lambda target, logits: how.reduce(
        (target * (jnp.log(target) - nn.log_softmax(logits, how.axis))).sum(how.axis)
    )


def teacher_loss(how: How) -> Callable[..., Any]:
    """Σ p (log p − log q) of two log-softmaxes."""

    def loss(teacher: Any, logits: Any) -> Any:
        log_p, log_q = (nn.log_softmax(x, how.axis) for x in (teacher, logits))
        return how.reduce((jnp.exp(log_p) * (log_p - log_q)).sum(how.axis))

    return loss
