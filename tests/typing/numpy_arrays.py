# pyright: strict
"""Losses of NumPy arrays, of lists and of numbers."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import xent

Single = NDArray[np.float32]
Double = NDArray[np.float64]


def losses(
    y: NDArray[np.int64], t: Double, z: Double, weights: Double, mask: NDArray[np.bool]
) -> None:
    assert_type(xent.cross_entropy(y, t), Double)
    assert_type(xent.cross_entropy(y, logits=z, class_weight=weights, label_smoothing=0.1), Double)
    assert_type(xent.cross_entropy(t, log_probs=z, reduction="none", validate=False), Double)
    assert_type(xent.cross_entropy(y, logits=z, sample_weight=weights, where=mask), Double)
    assert_type(xent.categorical_cross_entropy(t, logits=z, softcap=30.0, z_loss=1e-4), Double)
    assert_type(xent.sparse_categorical_cross_entropy(y, logits=z, ignore_index=-100), Double)
    assert_type(xent.binary_cross_entropy(mask, logits=z, pos_weight=weights), Double)
    assert_type(xent.perplexity(y, logits=z), Double)
    assert_type(xent.perplexity(y, logits=z, sequence_axis=-1), Double)
    assert_type(xent.kl_divergence(t, z), Double)
    assert_type(xent.kl_divergence(target_logits=t, logits=z), Double)
    assert_type(xent.jensen_shannon_divergence(t, z, base=2), Double)
    assert_type(xent.entropy(t, base=2), Double)
    assert_type(xent.self_information(t), Double)
    assert_type(xent.likelihood(y, t), Double)
    assert_type(xent.log_likelihood(y, log_probs=t, reduction="mean"), Double)
    assert_type(xent.negative_log_likelihood(y, t, denominator=3), Double)
    assert_type(xent.linear_cross_entropy(y, z, weights, chunk_bytes=1 << 20), Double)
    assert_type(xent.linear_binary_cross_entropy(mask, z, weights, weights, pos_weight=2.0), Double)


def links(y: NDArray[np.int64], z: Single) -> None:
    assert_type(xent.softmax(z), Single)
    assert_type(xent.log_softmax(z, axis=0), Single)
    assert_type(xent.logsumexp(z), Single)
    assert_type(xent.softmax(z, where=z > 0), Single)
    assert_type(xent.log_softmax(z, axis=0, where=[True, False]), Single)
    assert_type(xent.sigmoid(z), Single)
    assert_type(xent.log_sigmoid(z), Single)
    assert_type(xent.softmax_jacobian(z), Single)
    assert_type(xent.smooth_labels(z, 0.1), Single)
    assert_type(xent.is_distribution(z, atol=np.float32(1e-3)), NDArray[np.bool])
    assert_type(xent.one_hot(y, 3), Double)
    assert_type(z[xent.is_distribution(z)], Single)


def numbers_of_numpy(
    y: NDArray[np.int32], z: Single, i: np.int64, x: np.float32, zero_d: Double
) -> None:
    assert_type(xent.cross_entropy(y, logits=z, axis=i, ignore_index=i, base=x), Single)
    assert_type(xent.cross_entropy(y, logits=z, ignore_index=(-1, i)), Single)
    assert_type(xent.binary_cross_entropy(z, logits=z, ignore_index=[-100]), Single)
    assert_type(xent.cross_entropy(y, logits=z, label_smoothing=zero_d, denominator=i), Single)
    assert_type(xent.cross_entropy(i, logits=z, softcap=zero_d, z_loss=x), Single)
    assert_type(xent.cross_entropy(z, z, sample_weight=x, where=[True, False]), Single)
    assert_type(xent.linear_cross_entropy(y, z, z, z, chunk_bytes=i), Single)
    assert_type(xent.entropy(z, axis=i, base=x), Single)
    assert_type(xent.self_information(z, base=zero_d), Single)
    assert_type(xent.smooth_labels(z, x), Single)
    assert_type(xent.one_hot(y, i, axis=i, dtype=np.float32), Double)
    assert_type(xent.sigmoid(x), np.float32)


def lists_and_numbers(y: NDArray[np.int64], z: Single) -> None:
    assert_type(xent.cross_entropy([0, 1], [[0.5, 0.5], [0.25, 0.75]]), Any)
    assert_type(xent.cross_entropy(y, logits=[[0, 1], [2, 3]]), Any)
    assert_type(
        xent.cross_entropy([0, 1], logits=z, class_weight=[1, 2], sample_weight=(1, 2)), Single
    )
    assert_type(xent.binary_cross_entropy(True, 0.5), Any)
    assert_type(xent.softmax([0.0, 1.0]), Any)
    assert_type(xent.sigmoid(0), Any)
    assert_type(xent.is_distribution([0.5, 0.5]), Any)
    assert_type(xent.one_hot([0, 1], 2), Any)
    assert_type(xent.linear_cross_entropy([0], [[1.0, 2.0]], z), Any)
    assert_type(float(xent.cross_entropy([0], [[0.5, 0.5]])), float)
    assert_type(float(xent.cross_entropy(y, logits=z)), float)


def workers() -> None:
    with xent.set_workers(2):
        assert_type(xent.get_workers(), int)
