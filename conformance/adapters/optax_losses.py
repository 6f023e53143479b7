"""JAX and optax: `optax.losses` and `jax.nn`, jitted, with x64 enabled.

https://optax.readthedocs.io/en/latest/api/losses.html: losses take logits; ``kl_divergence`` takes
log-predictions. Entropy and links are those of `jax.scipy.special` and `jax.nn`.
"""

from __future__ import annotations

from typing import Any

import jax
import optax
from jax.scipy.special import entr

from conformance.accuracy.subjects import SMOOTHING
from conformance.adapters.peer import of_jax


def _smoothed(logits: Any, target: Any) -> Any:
    hot = jax.nn.one_hot(target, logits.shape[-1], dtype=logits.dtype)
    return optax.losses.softmax_cross_entropy(logits, optax.smooth_labels(hot, SMOOTHING))


def _entropy(logits: Any) -> Any:
    return -(jax.nn.softmax(logits) * jax.nn.log_softmax(logits)).sum(-1)


def _two_logits(logits: Any, target_logits: Any) -> Any:
    log_q, log_p = jax.nn.log_softmax(logits), jax.nn.log_softmax(target_logits)
    return optax.losses.kl_divergence_with_log_targets(log_q, log_p)


def _binary(logits: Any, target: Any) -> Any:
    return optax.losses.sigmoid_binary_cross_entropy(logits, target)


def _poly(logits: Any, target: Any) -> Any:
    hot = jax.nn.one_hot(target, logits.shape[-1], dtype=logits.dtype)
    return optax.losses.poly_loss_cross_entropy(logits, hot, epsilon=1.0)


FUNCTIONS = {
    "poly, labels, logits": _poly,
    "binary focal, logits": optax.losses.sigmoid_focal_loss,
    "cross entropy, labels, logits": optax.losses.softmax_cross_entropy_with_integer_labels,
    "cross entropy, smoothed labels": _smoothed,
    "cross entropy, soft, logits": optax.losses.softmax_cross_entropy,
    "BCE, logits": _binary,
    "BCE, soft, logits": _binary,
    "entropy, probs": lambda probs: entr(probs).sum(-1),
    "entropy, logits": _entropy,
    "KL, probs": lambda probs, target: optax.losses.kl_divergence(jax.numpy.log(probs), target),
    "KL, probs from logits": lambda logits, target: optax.losses.kl_divergence(
        jax.nn.log_softmax(logits), target
    ),
    "KL, probs from log_probs": optax.losses.kl_divergence,
    "KL, two logits": _two_logits,
    "softmax": jax.nn.softmax,
    "softmax, its gradient": lambda z, target: (jax.nn.softmax(z) * target).sum(-1),
    "log_softmax": jax.nn.log_softmax,
    "logsumexp": lambda logits: jax.nn.logsumexp(logits, axis=-1),
    "sigmoid": jax.nn.sigmoid,
    "log_sigmoid": jax.nn.log_sigmoid,
}

PEER = of_jax("optax", FUNCTIONS, ("float64", "float32", "float16", "bfloat16"))
