"""Wrong calls: a checker finds an error in each line that says so, and in no other."""

import numpy as np
import torch
from numpy.typing import NDArray

import xent

Double = NDArray[np.float64]


def losses(y: NDArray[np.int64], z: Double) -> None:
    xent.cross_entropy()  # wrong
    xent.cross_entropy(y, logit=z)  # wrong
    xent.cross_entropy(y, logits=z, axis=0.5)  # wrong
    xent.cross_entropy(y, logits=z, axis=(0, 1))  # wrong
    xent.cross_entropy(y, logits=z, reduction="avg")  # wrong
    xent.cross_entropy(y, logits=z, ignore_index="pad")  # wrong
    xent.cross_entropy(y, logits=z, base="e")  # wrong
    xent.cross_entropy(y, logits=z, gamma=2.0)  # wrong
    xent.cross_entropy(None, logits=z)  # wrong
    xent.cross_entropy({0, 1}, logits=z)  # wrong
    xent.cross_entropy(y, logits=z, sample_weight={"a": 1.0})  # wrong
    xent.binary_cross_entropy(y, logits=z, axis=0)  # wrong
    xent.kl_divergence(z, z, label_smoothing=0.1)  # wrong
    xent.perplexity(y, logits=z, base=2)  # wrong
    xent.likelihood(y, z, reduction="mean")  # wrong
    xent.softmax(z, 0)  # wrong
    xent.one_hot(y)  # wrong
    xent.one_hot(y, 2.5)  # wrong
    xent.smooth_labels(z)  # wrong
    xent.linear_cross_entropy(y, z)  # wrong
    xent.linear_cross_entropy(y, z, z, axis=1)  # wrong
    xent.linear_cross_entropy(y, z, z, chunk_bytes=0.5)  # wrong


def results(y: NDArray[np.int64], z: Double, x: torch.Tensor) -> object:
    a: torch.Tensor = xent.cross_entropy(y, logits=z)  # wrong
    b: Double = xent.cross_entropy([0], logits=x)  # wrong
    c: Double = xent.value_and_grad(xent.cross_entropy)(y, logits=z)  # wrong
    d = xent.grad(xent.linear_cross_entropy)(y, z, z).logits  # wrong
    return a, b, c, d


def gradients(y: NDArray[np.int64], z: Double) -> None:
    xent.grad(xent.cross_entropy)(y, logit=z)  # wrong
    xent.grad(xent.cross_entropy)(y, logits=z, axis=0.5)  # wrong
    xent.value_and_grad(xent.linear_cross_entropy)(y, z)  # wrong
    xent.value_and_grad(xent.linear_cross_entropy)(y, z, z, chunk_bytes=0.5)  # wrong
    xent.grad("cross_entropy")  # wrong
    xent.linear_head(xent.cross_entropy)(y, z)  # wrong


@xent.loss(xent.DivergenceOptions)  # wrong
def no_call(target: Double, probs: Double) -> Double:
    """Return no call."""
    return target - probs
