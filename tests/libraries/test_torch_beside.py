"""Values beside a loss in torch: autograd follows both log-probability and entropy, and no metric."""

import pytest
import torch

import xent
from tests.backends import Backend
from tests.linear.test_log_probs import COTANGENT, HEAD, KEEP, LABELS, WAYS, hold, truth
from tests.near import assert_near, largest


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # of what the compiler makes of a Function
def test_torch_follows_both():
    _, gradients, _ = truth(WAYS["masked"])
    options = WAYS["masked"] | {"where": torch.from_numpy(KEEP)}
    leaves = [torch.from_numpy(x).requires_grad_() for x in HEAD.values()]
    y, (v, w) = torch.from_numpy(LABELS), map(torch.from_numpy, COTANGENT)

    def loss(*leaves):
        log_prob, entropy = xent.linear_log_probs(y, *leaves, **options)
        return (v * log_prob).sum() + (w * entropy).sum()

    hold(Backend.TORCH, torch.autograd.grad(loss(*leaves), leaves), gradients)
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    hold(Backend.TORCH, torch.autograd.grad(compiled(*leaves), leaves), gradients)
    hold(Backend.TORCH, torch.func.grad(loss, (0, 1, 2))(*leaves), gradients)
    assert torch.autograd.gradgradcheck(loss, leaves)
    alone = xent.linear_log_probs(y, *leaves, **options).entropy.sum()
    hold(
        Backend.TORCH,
        torch.autograd.grad(alone, leaves),
        truth(WAYS["masked"], (0 * COTANGENT[0], 1))[1],
    )


def test_metrics_have_no_derivative():
    leaves = [torch.from_numpy(x).requires_grad_() for x in HEAD.values()]
    y = torch.from_numpy(LABELS)
    for reduction in ("mean", "none"):
        logged = xent.with_metrics(xent.linear_cross_entropy)
        value, metrics = logged(y, *leaves, reduction=reduction)
        assert value.requires_grad
        assert not any(x.requires_grad for x in metrics)
        want = torch.autograd.grad(
            xent.linear_cross_entropy(y, *leaves, reduction=reduction).sum(), leaves
        )
        for mine, right in zip(torch.autograd.grad(value.sum(), leaves), want, strict=True):
            assert_near(mine.numpy(), right.numpy(), 16, scale=largest(right.numpy()))
