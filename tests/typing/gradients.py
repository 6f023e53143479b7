# pyright: strict
"""Gradients: the arguments of their losses, and results of the prediction's type."""

from typing import Any, assert_type

import jax
import numpy as np
import torch
from numpy.typing import NDArray

import xent

Double = NDArray[np.float64]


def of_numpy(y: NDArray[np.int64], t: Double, z: Double) -> None:
    assert_type(xent.grad(xent.cross_entropy)(y, logits=z, reduction="sum"), Double)
    assert_type(xent.grad(xent.jensen_shannon_divergence)(t, q=z), Double)
    assert_type(xent.grad(xent.softmax)(z, axis=0), Double)
    assert_type(xent.grad(xent.entropy)(log_probs=z, base=2), Double)
    value, gradient = xent.value_and_grad(xent.binary_cross_entropy)(t, logits=z, pos_weight=2)
    assert_type(value, Double)
    assert_type(gradient, Double)
    assert_type(xent.value_and_grad(xent.perplexity)(y, [[0.5, 0.5]]), tuple[Any, Any])


def of_one_function(z: Double, x: torch.Tensor, a: jax.Array) -> None:
    both = xent.value_and_grad(xent.cross_entropy)
    assert_type(both([0], logits=z), tuple[Double, Double])
    assert_type(both([0], logits=x), tuple[torch.Tensor, torch.Tensor])
    assert_type(both([0], logits=a), tuple[jax.Array, jax.Array])


def of_parts(z: Double, x: torch.Tensor) -> None:
    part = xent.part(xent.cross_entropy)
    own = part([0], logits=z, first=0, classes=9, label_smoothing=0.1)
    assert_type(own.statistics, Double)
    assert_type(own.merged([own.statistics]).value_and_gradient(), tuple[Double, Double])
    assert_type(part([0], logits=x, first=0, classes=9).statistics, torch.Tensor)
    part([0], logits=z)  # wrong


def of_heads(y: torch.Tensor, x: torch.Tensor, linear: torch.nn.Linear, z: Double) -> None:
    value, g = xent.value_and_grad(xent.linear_cross_entropy)(y, x, linear.weight, linear.bias)
    assert_type(value, torch.Tensor)
    assert_type(g.features, torch.Tensor)
    assert_type(g.weight, torch.Tensor)
    assert_type(g.bias, torch.Tensor | Any)
    only = xent.grad(xent.linear_binary_cross_entropy)(y, x, weight=linear.weight, chunk_bytes=1024)
    assert_type(only.weight, torch.Tensor)
    assert_type(xent.grad(xent.linear_cross_entropy)([0], z, z).weight, Double)
    assert_type(xent.grad(xent.linear_cross_entropy)([0], [[1.0]], z).weight, Any)


def of_two_heads(z: Double, x: torch.Tensor) -> None:
    assert_type(xent.linear_kl_divergence(z, z, z, z, skew=0.5), Double)
    value, g = xent.value_and_grad(xent.linear_jensen_shannon_divergence)(x, x, x, x, beta=0.5)
    assert_type(value, torch.Tensor)
    assert_type(g.weight, torch.Tensor)
    xent.linear_kl_divergence(z, z, z)  # wrong


def of_pairs(z: Double, x: torch.Tensor, temperature: torch.nn.Parameter) -> None:
    assert_type(xent.contrastive_loss(z, z, temperature=0.07), Double)
    assert_type(xent.sigmoid_contrastive_loss(x, x, scale=10, bias=temperature), torch.Tensor)
    value, g = xent.value_and_grad(xent.contrastive_loss)(x, x, temperature=temperature)
    assert_type(value, torch.Tensor)
    assert_type(g.temperature, torch.Tensor)
    assert_type(xent.grad(xent.sigmoid_contrastive_loss)(z, z, scale=1, bias=0).b, Double)
    xent.contrastive_loss(z, z)  # wrong


def of_other_heads(y: Double, x: Double, weight: Double) -> None:
    head = xent.linear_head(xent.kl_divergence)
    assert_type(head(y, x, weight, reduction="none"), Double)
    value, g = xent.value_and_grad(head)(y, features=x, weight=weight, base=2)
    assert_type(value, Double)
    assert_type(g.weight, Double)
