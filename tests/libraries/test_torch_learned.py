"""Weights, soft targets and teachers that are learned with a linear head, a few rows at a time."""

import pytest
import torch

import xent
from tests.near import assert_near, largest

N, K, D = 24, 17, 5
BUDGET = 4 * K * 16
"""Bytes of sixteen rows of logits: fewer than there are, whatever is made beside them."""
GENERATOR = torch.Generator().manual_seed(0)


def drawn(*shape):
    return torch.randn(shape, dtype=torch.float64, generator=GENERATOR)


def positive(*shape):
    return torch.rand(shape, dtype=torch.float64, generator=GENERATOR) + 0.5


LABELS, KEEP = torch.arange(N) * 7 % K, torch.arange(N) % 3 != 0
HEAD = {"features": drawn(N, D), "weight": drawn(K, D), "bias": drawn(K)}
TEACHER = {f"target_{name}": drawn(*x.shape) for name, x in HEAD.items()}
SOFT = {"target": drawn(N, K).softmax(-1)}
MASKED = {"target": LABELS, "where": KEEP, "ignore_index": 2}
CASES = {
    "weighted rows": (
        xent.cross_entropy,
        {**MASKED, "z_loss": 0.1},
        {"sample_weight": positive(N)},
    ),
    "weighted classes": (xent.cross_entropy, MASKED, {"class_weight": positive(K)}),
    "soft": (xent.cross_entropy, {}, SOFT),
    "binary": (xent.binary_cross_entropy, {}, {"sample_weight": positive(N, K), **SOFT}),
    "teacher": (xent.kl_divergence, {"where": KEEP}, TEACHER),
    "both": (xent.jensen_shannon_divergence, {}, {**TEACHER, "sample_weight": positive(N)}),
}
LINEAR = {
    xent.kl_divergence: xent.linear_kl_divergence,
    xent.jensen_shannon_divergence: xent.linear_jensen_shannon_divergence,
}


def of_product(loss):
    """Return the loss of whole logits in float64, which autograd follows."""

    def whole(features, weight, bias, **given):
        if "target_features" in given:
            head = (given.pop(f"target_{name}") for name in HEAD)
            given["target_logits"] = torch.nn.functional.linear(*head)
        return loss(**given, logits=torch.nn.functional.linear(features, weight, bias))

    return whole


def gradients(loss, arrays, dtype, **options):
    leaves = {name: x.to(dtype).clone().requires_grad_() for name, x in arrays.items()}
    value = loss(**leaves, **options)
    return torch.autograd.grad((value * value).sum(), list(leaves.values()))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", CASES)
def test_a_few_rows_at_a_time(name, reduction):
    """Of half precision the gradients of all rows are added, and rounded then."""
    loss, options, learned = CASES[name]
    arrays, options = {**HEAD, **learned}, {**options, "reduction": reduction}
    linear = LINEAR[loss] if loss in LINEAR else xent.linear_head(loss)
    for dtype, ulps in ((torch.float64, 64), (torch.bfloat16, 2)):
        rounded = {name: x.to(dtype).double() for name, x in arrays.items()}
        wanted = gradients(of_product(loss), rounded, torch.float64, **options)
        got = gradients(linear, arrays, dtype, chunk_bytes=BUDGET, **options)
        for mine, right in zip(got, wanted, strict=True):
            assert mine.dtype == dtype
            near = right.to(dtype)
            unit = torch.finfo(dtype).eps * near.abs().max()
            assert (mine.double() - right).abs().max() <= ulps * unit


@pytest.mark.parametrize("name", CASES)
def test_twice(name):
    loss, options, learned = CASES[name]
    arrays = {**HEAD, **learned}
    linear = LINEAR[loss] if loss in LINEAR else xent.linear_head(loss)

    def curvature(loss, **options):
        leaves = {name: x.clone().requires_grad_() for name, x in arrays.items()}
        slopes = torch.autograd.grad(
            loss(**leaves, **options), list(leaves.values()), create_graph=True
        )
        return torch.autograd.grad(sum((g * g).sum() for g in slopes), list(leaves.values()))

    wanted = curvature(of_product(loss), **options)
    got = curvature(linear, chunk_bytes=BUDGET, **options)
    for mine, right in zip(got, wanted, strict=True):
        assert_near(mine.numpy(), right.numpy(), 64, scale=largest(right.numpy()))
