"""How a compiled program sums a row of labels: a device's in one pass, and a processor's by parts of it."""

import shutil
from functools import partial

import numpy as np
import pytest
import torch

import xent
from tests.near import largest, ulps
from xent.engines.torch import in_loops, verbs

# Of torch's own compiler, about what it traces and what it imports.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NEEDS_COMPILER = pytest.mark.skipif(not shutil.which("c++"), reason="Inductor needs a C++ compiler")

INF, NAN = np.inf, np.nan
# By what is special: the logits of a row, and its label.
ROWS = {
    "plain": ([0.5, -1.0, 2.0, 0.25], 1),
    "certain": ([0.0, 30.0, -5.0, 1.0], 1),
    "a tie": ([2.0, 2.0, 2.0, 2.0], 0),
    "far below": ([-200.0, 0.0, 0.0, -1.0], 0),
    "a rival at inf": ([INF, 0.0, -1.0, 2.0], 1),
    "the label at inf": ([INF, 0.0, -1.0, 2.0], 0),
    "two at inf": ([INF, INF, 0.0, 1.0], 0),
    "two rivals at inf": ([INF, 0.0, INF, 1.0], 1),
    "all at inf": ([INF, INF, INF, INF], 3),
    "rivals at -inf": ([-INF, 0.0, -INF, -INF], 1),
    "the label at -inf": ([0.0, -INF, 1.0, 2.0], 1),
    "a masked rival": ([0.0, -INF, 1.0, 2.0], 2),
    "all at -inf": ([-INF, -INF, -INF, -INF], 0),
    "inf and -inf": ([INF, -INF, 0.0, 1.0], 2),
    "largest": ([3.4e38, 3.4e38, -3.4e38, 0.0], 0),
    "largest beside inf": ([3.4e38, INF, 3.4e38, 0.0], 0),
    "NaN": ([0.0, NAN, 1.0, 2.0], 0),
    "NaN at the label": ([0.0, NAN, 1.0, 2.0], 1),
    "NaN beside inf": ([INF, NAN, 1.0, 2.0], 0),
    "no class": ([0.0, 1.0, 2.0, 3.0], 4),
    "below the classes": ([0.0, 1.0, 2.0, 3.0], -1),
    "no class beside inf": ([0.0, INF, 2.0, 3.0], 9),
}


EACH = {"reduction": "none", "validate": False}


@pytest.fixture(params=["device", 1, 2, 3, in_loops.PLACES])
def program(request, monkeypatch):
    """Take a processor for a device, in the one place where a program looks, or make the parts short."""
    torch._dynamo.reset()
    if request.param == "device":
        monkeypatch.setattr(in_loops, "beside", verbs._online)
    else:
        monkeypatch.setattr(in_loops, "PLACES", request.param)


def rows(labels, logits):
    return xent.cross_entropy(labels, logits=logits, **EACH)


def both(labels, logits):
    return xent.value_and_grad(xent.cross_entropy)(labels, logits=logits, **EACH)


def at_once(compiled, labels, logits):
    return compiled(both)(labels, logits)


def by_autograd(compiled, labels, logits):
    value = compiled(rows)(labels, logits.requires_grad_())
    return value.detach(), torch.autograd.grad(value.sum(), logits)[0]


@pytest.mark.parametrize(
    ("way", "step", "classes"),
    [
        *(("aot_eager", step, classes) for step in (at_once, by_autograd) for classes in (4, 1)),
        pytest.param("inductor", at_once, 4, marks=NEEDS_COMPILER),
    ],
)
def test_a_row_is_what_it_is_elsewhere(program, way, step, classes):
    z = np.array([row[:classes] for row, _ in ROWS.values()], np.float32)
    y = np.array([label for _, label in ROWS.values()])
    compiled = partial(torch.compile, backend=way, fullgraph=True)
    found = step(compiled, torch.from_numpy(y), torch.from_numpy(z))
    for got, want in zip(found, both(y, z), strict=True):
        for name, a, b in zip(ROWS, got.numpy(), want, strict=True):
            assert ulps(a, b) <= 2, f"{name}: {a}, should be {b}"


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_another_default_device_changes_nothing(device):
    z, y = torch.tensor([[2.0, 0.5, -1.0]]), torch.tensor([0])
    torch._dynamo.reset()
    with torch.device(device):
        found = torch.compile(both, fullgraph=True, backend="aot_eager")(y, z)
    for got, want in zip(found, both(y, z), strict=True):
        assert ulps(got.numpy(), want.numpy()) <= 2


@pytest.mark.parametrize("step", [at_once, by_autograd])
def test_any_number_of_classes_is_one_program(step):
    """Below and above the places of a part, whole parts and a rest."""
    torch._dynamo.reset()
    whole = torch.compile(both if step is at_once else rows, backend="aot_eager", dynamic=True)
    draw = torch.Generator().manual_seed(0)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for classes in (5, 100, 1023, in_loops.PLACES, 1025, 2048, 3000):
            z, y = torch.randn(3, classes, generator=draw), torch.tensor([0, 3, classes - 1])
            for got, want in zip(step(lambda f: whole, y, z), both(y, z.detach()), strict=True):
                assert ulps(got.numpy(), want.numpy()) <= 16


@pytest.mark.parametrize("classes", [1023, in_loops.PLACES, 1025, 2048, 3000])
def test_long_rows_are_what_they_are_elsewhere(classes):
    draw = torch.Generator().manual_seed(0)
    z = 9 * torch.randn(5, classes, generator=draw)
    y = torch.tensor([0, 1022, classes - 1, classes, 2**33 + 3])
    z[2, -1] = 99.0
    value, g = torch.compile(both, fullgraph=True, backend="aot_eager", dynamic=False)(y, z)
    rows, slope = both(y.numpy(), z.numpy())
    assert np.isnan(rows).tolist() == [False, False, False, True, True]
    assert ulps(value.numpy(), rows) <= 16
    assert ulps(g.numpy(), slope, scale=largest(slope)) <= 16
