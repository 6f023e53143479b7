"""Keras 3 on JAX: `keras.losses` with ``from_logits=True`` where there are logits, and `keras.ops`.

https://keras.io/api/losses/probabilistic_losses/: "using from_logits=True may be more numerically
stable". The backend is chosen before the first import, as Keras's documentation asks.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # after its backend is chosen

from conformance.accuracy.subjects import SMOOTHING  # likewise
from conformance.adapters.peer import of_jax

LOSSES: Any = keras.losses


def _smoothed(logits: Any, target: Any) -> Any:
    hot = keras.ops.one_hot(target, logits.shape[-1], dtype=logits.dtype)
    return LOSSES.categorical_crossentropy(hot, logits, from_logits=True, label_smoothing=SMOOTHING)


def _binary(logits: Any, target: Any) -> Any:
    # It averages over the last axis: one element, one row.
    pair = target[..., None], logits[..., None]
    return LOSSES.binary_crossentropy(*pair, from_logits=True)


def _binary_probs(probs: Any, target: Any) -> Any:
    return LOSSES.binary_crossentropy(target[..., None], probs[..., None])


def _focal(logits: Any, target: Any) -> Any:
    hot = keras.ops.one_hot(target, logits.shape[-1], dtype=logits.dtype)
    return LOSSES.categorical_focal_crossentropy(hot, logits, alpha=1.0, from_logits=True)


def _binary_focal(logits: Any, target: Any) -> Any:
    pair = target[..., None], logits[..., None]
    return LOSSES.binary_focal_crossentropy(*pair, gamma=2.0, from_logits=True)


FUNCTIONS = {
    "focal, labels, logits": _focal,
    "binary focal, logits": _binary_focal,
    "cross entropy, labels, logits": lambda logits, target: LOSSES.sparse_categorical_crossentropy(
        target, logits, from_logits=True
    ),
    "cross entropy, smoothed labels": _smoothed,
    "cross entropy, soft, logits": lambda logits, target: LOSSES.categorical_crossentropy(
        target, logits, from_logits=True
    ),
    "cross entropy, labels, probs": lambda probs, target: LOSSES.sparse_categorical_crossentropy(
        target, probs
    ),
    "cross entropy, soft, probs": lambda probs, target: LOSSES.categorical_crossentropy(
        target, probs
    ),
    "BCE, logits": _binary,
    "BCE, soft, logits": _binary,
    "BCE, probs": _binary_probs,
    "BCE, soft, probs": _binary_probs,
    "KL, probs": lambda probs, target: LOSSES.kl_divergence(target, probs),
    "softmax": lambda logits: keras.ops.softmax(logits, axis=-1),
    "log_softmax": lambda logits: keras.ops.log_softmax(logits, axis=-1),
    "logsumexp": lambda logits: keras.ops.logsumexp(logits, axis=-1),
    "sigmoid": keras.ops.sigmoid,
    "log_sigmoid": keras.ops.log_sigmoid,
}

PEER = of_jax("keras", FUNCTIONS, ("float64", "float32"))
