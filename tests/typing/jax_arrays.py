"""Losses of JAX's arrays, under its transformations."""

from typing import assert_type

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

import xent


def losses(y: Array, t: Array, z: Array, labels: NDArray[np.int64], smoothing: Array) -> None:
    assert_type(xent.cross_entropy(y, t), Array)
    assert_type(xent.cross_entropy(labels, logits=z, label_smoothing=smoothing), Array)
    assert_type(xent.categorical_cross_entropy(t, log_probs=z, where=labels > 0), Array)
    assert_type(xent.sparse_categorical_cross_entropy(y, logits=z, z_loss=smoothing), Array)
    assert_type(xent.binary_cross_entropy(t, logits=z), Array)
    assert_type(xent.perplexity(y, logits=z), Array)
    assert_type(xent.kl_divergence(t, z), Array)
    assert_type(xent.jensen_shannon_divergence(t, z), Array)
    assert_type(xent.entropy(t), Array)
    assert_type(xent.self_information(t), Array)
    assert_type(xent.likelihood(y, t), Array)
    assert_type(xent.log_likelihood(y, t), Array)
    assert_type(xent.negative_log_likelihood(y, t), Array)
    assert_type(xent.linear_cross_entropy(labels, z, t), Array)
    assert_type(xent.log_softmax(z), Array)
    assert_type(xent.is_distribution(t), Array)
    assert_type(xent.one_hot(y, 10), Array)
    assert_type(xent.smooth_labels(t, smoothing), Array)


def mean_loss(weight: Array, x: Array, y: Array) -> Array:
    return xent.cross_entropy(y, logits=jnp.dot(x, weight))


@jax.jit
def step(weight: Array, x: Array, y: Array) -> Array:
    return weight - 0.1 * jnp.asarray(jax.grad(mean_loss)(weight, x, y))
