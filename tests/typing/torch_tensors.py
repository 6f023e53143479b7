# pyright: strict
"""Losses of torch's tensors, in a training step."""

from typing import Any, assert_type

import torch
from torch import Tensor, nn

import xent


def losses(y: Tensor, t: Tensor, z: Tensor, weights: Tensor, mask: Tensor) -> None:
    assert_type(xent.cross_entropy(y, t), Tensor)
    assert_type(xent.cross_entropy(y, logits=z, class_weight=weights, where=mask, axis=1), Tensor)
    assert_type(xent.cross_entropy(t, log_probs=z, base=2, denominator=mask.sum()), Tensor)
    assert_type(xent.categorical_cross_entropy(t, logits=z, z_loss=weights[0]), Tensor)
    assert_type(xent.sparse_categorical_cross_entropy(y, logits=z, ignore_index=-100), Tensor)
    assert_type(xent.binary_cross_entropy(t, logits=z, pos_weight=weights), Tensor)
    assert_type(xent.perplexity(y, logits=z), Tensor)
    assert_type(xent.kl_divergence(target_logits=t, logits=z), Tensor)
    assert_type(xent.jensen_shannon_divergence(t, z), Tensor)
    assert_type(xent.entropy(logits=z), Tensor)
    assert_type(xent.self_information(t), Tensor)
    assert_type(xent.likelihood(y, t), Tensor)
    assert_type(xent.log_likelihood(y, logits=z), Tensor)
    assert_type(xent.negative_log_likelihood(y, logits=z), Tensor)
    assert_type(xent.softmax(z), Tensor)
    assert_type(xent.logsumexp(z, axis=0), Tensor)
    assert_type(xent.softmax_jacobian(z), Tensor)
    assert_type(xent.is_distribution(t), Tensor)
    assert_type(xent.one_hot(y, 10), Tensor)
    assert_type(xent.smooth_labels(t, 0.1), Tensor)
    assert_type(xent.cross_entropy([0, 1], logits=z), Tensor)
    assert_type(xent.cross_entropy(y, logits=[z[0], z[1]]), Any)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    optimizer.zero_grad()
    loss = xent.cross_entropy(y, logits=model(x), label_smoothing=0.1)
    loss.backward()
    optimizer.step()
    return float(loss)


def head(linear: nn.Linear, x: Tensor, y: Tensor) -> Tensor:
    loss = xent.linear_cross_entropy(y, x, linear.weight, linear.bias, reduction="sum")
    return assert_type(loss, Tensor) / len(y)
