"""Tensors on a device: computed in blocks of bounded memory, and never looked at.

To look at one would wait for the device. Here any tensor counts as lying elsewhere.
"""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import xent
from tests.backends import Backend
from tests.cases import NAMED, TRIED
from tests.near import assert_near, largest
from xent.engines import blocks
from xent.engines.torch import tensor, values

LOOKS = ("_local_scalar_dense", "nonzero", "equal", "masked_select", "is_nonzero", "unique")


class NoLook(TorchDispatchMode):
    """Fails where a value is read, and keeps the size of the largest tensor that is made."""

    def __init__(self):
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        name = operation.name().partition("::")[2].partition(".")[0]
        assert name not in LOOKS, f"{name} waits for the device"
        made = operation(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor):
            self.largest = max(self.largest, made.numel())
        return made


@pytest.fixture
def elsewhere(monkeypatch):
    monkeypatch.setattr(tensor, "HOST", "nowhere")
    monkeypatch.setattr(blocks, "BLOCK", 64)
    monkeypatch.setattr(values.Plain, "rows", None)


def tensors(given):
    return {k: Backend.TORCH.asarray(x) if hasattr(x, "shape") else x for k, x in given.items()}


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("case", TRIED, ids=str)
@pytest.mark.parametrize("weighed", [False, True])
def test_no_value_is_looked_at(case, weighed):
    given = case.arguments(rows=(7,), classes=5)
    if weighed:
        given |= case.options(rows=(7,), classes=5)
    want, slope = Backend.NUMPY.run(case.both, **given)
    here = tensors(given)
    x = here[case.form].clone().requires_grad_()
    with NoLook():
        value = case.function(**{**here, case.form: x})
        (3 * value.sum()).backward()
        direct, g = case.both(**here)
    for got in (value, direct):
        assert_near(Backend.TORCH.numbers(got), want)
    for got, factor in ((x.grad, 3), (g, 1)):
        assert_near(Backend.TORCH.numbers(got), factor * slope, scale=factor * largest(slope))


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", ["labels", "distributions", "binary"])
def test_memory_is_a_block(name, monkeypatch):
    loss = "binary_cross_entropy" if name == "binary" else "cross_entropy"
    case = NAMED[f"{loss}-{name}-logits"]
    monkeypatch.setattr(blocks, "BLOCK", 1024)
    here = tensors(case.arguments(rows=(300,), classes=4))
    with NoLook() as made:
        case.function(**here)
    assert made.largest <= 300 < here["logits"].numel()


def test_blocks_of_several_threads_and_on_a_device_are_larger(monkeypatch):
    cut, seen = blocks.cut, []
    monkeypatch.setattr(blocks, "cut", lambda *args: seen.append(args) or cut(*args))
    monkeypatch.setattr(blocks, "BLOCK", 64)
    monkeypatch.setattr(blocks, "DEVICE_BLOCK", 4 * 64)
    call = {"target": torch.zeros(64, dtype=torch.int64), "logits": torch.zeros(64, 4)}
    for threads in (1, 2):
        monkeypatch.setattr(values.Plain, "threads", lambda self, threads=threads: threads)
        seen.clear()
        xent.cross_entropy(**call)
        assert len(seen) == 16 // threads
    monkeypatch.setattr(blocks, "in_host_memory", lambda x: False)
    seen.clear()
    xent.cross_entropy(**call)
    assert len(seen) == 4
