"""What torch's calls ask of a device is what the table says, within the goals, and they never wait.

A call with its gradient has its forward pass in it; `python -m benchmarks counts --check` counts both.
"""

import warnings

import pytest
import torch

import xent
from benchmarks.counts.cases import CASES, HEADS, MODES
from benchmarks.counts.torch_ops import Ops

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, of what its compiler imports
    from benchmarks.counts.inductor import Programs
    from benchmarks.counts.torch import COMPILED, EAGER, HEAD, OPERATIONS, on_device

NAMED = {case.name: case for case in CASES}
ALL = NAMED | {case.name: case for case in HEADS}

pytestmark = [
    pytest.mark.pinned,
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
]


@pytest.mark.parametrize(
    ("way", "name", "mode"),
    [
        *((way, name, MODES[1]) for way in (EAGER, COMPILED) for name in NAMED),
        *((way, "labels", MODES[0]) for way in (EAGER, COMPILED)),
        *((HEAD, case.name, MODES[1]) for case in HEADS),
        *((OPERATIONS, name, mode) for name in NAMED for mode in MODES),
    ],
)
def test_a_call_costs_what_is_held(way, name, mode):
    assert not way.missed("xent", ALL[name], mode)


@pytest.mark.parametrize("way", [EAGER, COMPILED, HEAD, OPERATIONS])
def test_every_case_is_held(way):
    assert set(way.held) == {(case.name, mode) for case in way.cases for mode in MODES}


@pytest.mark.parametrize(("name", "mode"), EAGER.held)
def test_no_large_loss_moves_more_than_torchs_own(name, mode):
    own = EAGER.contenders["torch"](NAMED[name], mode)
    if own is not None and name != "labels, small":
        assert EAGER.held[name, mode].passes <= own.passes


@pytest.mark.parametrize(
    ("function", "passes"),
    [
        (lambda x: x.sum(1), 1),
        (lambda x: x + 1, 2),
        (lambda x: (x - x.mean(1, keepdim=True)).square().sum(1), 2),  # a row is read twice
        (lambda x: x.exp() / x.exp().sum(1, keepdim=True), 3),
        (lambda x: x.gather(1, x.argmax(1, keepdim=True)), 1),
    ],
)
def test_the_kernels_of_a_program_are_read_rightly(function, passes):
    x, programs = torch.empty(4096, 65536, device="meta"), Programs()
    torch._dynamo.reset()
    torch.compile(function, backend=programs, fullgraph=True)(x)
    moved = sum(kernel.moved for kernel in programs.kernels)
    assert passes <= moved / (x.numel() * 4) < passes + 0.01


def test_a_row_is_one_loop_whatever_classes_were_seen_before():
    def step():
        for classes in (4096, 8192):
            labels = torch.empty(8192, dtype=torch.int64, device="meta")
            xent.cross_entropy(labels, logits=torch.empty(8192, classes, device="meta"))

    moved, _, _ = on_device(step)
    assert moved <= 1.05 * 4 * 8192 * (4096 + 8192)


def test_operations_are_counted():
    x = torch.empty(64, 1000, device="meta")
    with Ops() as ops:
        (x + 1).mul_(2)[:, :10].sum()
    assert [name for name, _ in ops.log] == ["add", "mul_", "sum"]
    assert ops.bytes == 4 * (4 * 64 * 1000 + 64 * 10 + 1)
    with Ops() as ops:
        bool(torch.ones(3).sum() > 1)
    assert ops.waits == 1
