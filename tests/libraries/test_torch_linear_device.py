"""A linear head on a device: what its chunks read, write and launch, counted on torch's `meta` device."""

import warnings

import pytest
import torch

import xent
from benchmarks.counts.torch_ops import Ops
from tests.linear.textbook import CE, head, labels_of
from tests.near import assert_near
from xent import _linear
from xent.engines.torch import tensor

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, of what its compiler imports
    from benchmarks.counts.torch import on_device

N, D, K = 8192, 4096, 128256
PASS = N * K * 2

pytestmark = [
    pytest.mark.pinned,
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
]


def step(rows, bias=False, **options):
    """Return a call with its gradients, of a head that is nothing but its shape."""
    shapes = [(rows, D), (K, D), (K,)][: 2 + bias]
    parts = [torch.empty(s, dtype=torch.bfloat16, device="meta") for s in shapes]
    target = torch.empty(rows, dtype=torch.int64, device="meta")
    given = [x.requires_grad_() for x in parts]
    return lambda: xent.linear_cross_entropy(target, *given, **options).backward()


def test_passes():
    moved, _, waits = on_device(step(N))
    assert moved <= 20 * PASS
    assert waits == 0


@pytest.mark.parametrize("bias", [False, True])
def test_launches_of_a_chunk(bias):
    rows = _linear.DEVICE_BUDGET // (4 * K)
    step(2 * rows, bias)()  # what a device can multiply is asked of it once
    few, more = (on_device(step(n * rows, bias)) for n in (2, 3))
    assert 9 <= more[1] - few[1] <= 12


def test_a_budget_is_obeyed_and_rows_have_a_limit():
    def chunks(rows, **options):
        with Ops() as ops:
            step(rows, **options)()
        return sum(name in ("mm", "addmm") for name, _ in ops.log) // 3

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
