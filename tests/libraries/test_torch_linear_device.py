"""A linear head on a device: what its chunks read, write and launch, counted on torch's `meta` device.

The loss of a block of logits is taken away, and counted as it should be: two reads of the logits, one
write of their gradient.
"""

import pytest
import torch

import xent
from benchmarks.counts.torch_ops import Ops
from tests.linear.textbook import CE, head, labels_of
from tests.near import assert_near
from xent import _linear
from xent.engines.torch import tensor, values

N, D, K = 8192, 4096, 128256
PASS = N * K * 2
LOSS = 3
"""Launches of the loss of a block of logits and its gradient, made in one."""


@pytest.fixture
def loss_is_ideal(monkeypatch):
    """Every block's loss and its gradient come at no cost."""

    def rows(self, plan, operands, w=None):
        x = operands.prediction
        made = torch.empty(x.shape[:1], dtype=torch.float32, device=x.device)
        return made if w is None else (made, torch.empty_like(x, dtype=torch.bfloat16))

    monkeypatch.setattr(values.Unseen, "rows", rows)
    monkeypatch.setattr(values.Unseen, "rows_and_gradient", rows)


def counted(rows, bias=False, **options):
    """Return the counts of a call with its gradients, on a head that is nothing but its shape."""
    shapes = [(rows, D), (K, D), (K,)][: 2 + bias]
    parts = [torch.empty(s, dtype=torch.bfloat16, device="meta") for s in shapes]
    target = torch.empty(rows, dtype=torch.int64, device="meta")
    with Ops() as ops:
        xent.linear_cross_entropy(
            target, *(x.requires_grad_() for x in parts), **options
        ).backward()
    assert ops.waits == 0
    return ops


@pytest.mark.usefixtures("loss_is_ideal")
def test_passes():
    logits = 4 * N * K
    assert counted(N).bytes + 2 * logits + logits / 2 <= 20 * PASS


@pytest.mark.usefixtures("loss_is_ideal")
@pytest.mark.parametrize(("bias", "most"), [(False, 12), (True, 16)])
def test_launches_of_a_chunk(bias, most):
    rows = _linear.DEVICE_BUDGET // (4 * K)
    more = counted(3 * rows, bias).launches - counted(2 * rows, bias).launches
    assert more + LOSS <= most


@pytest.mark.usefixtures("loss_is_ideal")
def test_a_budget_is_obeyed_and_rows_have_a_limit():
    def chunks(rows, **options):
        return sum(name in ("mm", "addmm") for name, _ in counted(rows, **options).log) // 3

    assert chunks(512, chunk_bytes=4 * K * 256) == 2
    assert chunks(512) == 1


def test_it_is_what_it_is_in_host_memory(monkeypatch):
    """A processor's tensors, taken for a device's: several chunks, and one."""
    given = [torch.from_numpy(x) for x in head((40,)).values()]
    target = torch.from_numpy(labels_of((40,)))
    want = xent.value_and_grad(CE)(target, *given)
    monkeypatch.setattr(tensor, "HOST", "nowhere")
    for rows in (16, 40):
        monkeypatch.setattr(_linear, "DEVICE_ROWS", rows)
        monkeypatch.setattr(_linear, "SHORT", 0)
        value, slopes = xent.value_and_grad(CE)(target, *given)
        for got, right in zip((value, *slopes), (want[0], *want[1]), strict=True):
            assert_near(got.numpy(), right.numpy(), scale=right.abs().max().item())
