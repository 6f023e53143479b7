"""torch.autocast: a linear head makes its product as `F.linear` does there, all else is as elsewhere."""

import pytest
import torch
from torch.nn import functional

import xent
from tests.cases import TRIED
from tests.libraries.test_torch_gradients import tensors

# Of torch's own compiler, about what it traces and what it imports.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
N, D, K = 40, 8, 5


def head(features, weight, *, seed=0):
    """Return labels, and features, weight and bias that are leaves of the graph."""
    draw = torch.Generator().manual_seed(seed)
    made = torch.randn(N, D, generator=draw), torch.randn(K, D, generator=draw), torch.ones(K)
    dtypes = features, weight, weight
    parts = [x.to(dtype).requires_grad_() for x, dtype in zip(made, dtypes, strict=True)]
    return torch.arange(N) % K, parts


def whole(y, x, w, b):
    return functional.cross_entropy(functional.linear(x, w, b).float(), y)


def chunked(y, x, w, b):
    return xent.linear_cross_entropy(y, x, w, b, chunk_bytes=4 * K * 16)


def compiled(*args):
    torch._dynamo.reset()
    return torch.compile(chunked, fullgraph=True, backend="aot_eager")(*args)


PAIRS = ["half-single", "single-single", "single-half"]
RUNS = [(chunked, half, pair) for half in (torch.bfloat16, torch.float16) for pair in PAIRS]
RUNS += [(compiled, torch.bfloat16, "half-single")]


@pytest.mark.parametrize(("loss", "half", "dtypes"), RUNS)
def test_a_head_in_autocast_is_that_of_torch(loss, half, dtypes, monkeypatch):
    monkeypatch.setattr("xent._linear.FEW", 8)
    monkeypatch.setattr("xent._linear.SHORT", 0)
    y, parts = head(*(half if name == "half" else torch.float32 for name in dtypes.split("-")))
    results = []
    for function in (loss, whole):
        with torch.autocast("cpu", dtype=half):
            value = function(y, *parts)
        results.append((value.detach(), *torch.autograd.grad(value, parts)))
    (value, *gradients), (want, *right) = results
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, want, rtol=2.0**-20, atol=0)
    for g, r, x in zip(gradients, right, parts, strict=True):
        assert g.dtype == x.dtype
        rounding = 4 * torch.finfo(half).eps * r.abs().max()
        assert (g.float() - r.float()).abs().max() <= rounding


def test_a_head_in_float64_is_left_alone():
    y, parts = head(torch.float64, torch.float64)
    want = chunked(y, *parts)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = chunked(y, *parts)
    assert torch.equal(got, want)


def test_a_device_that_has_no_autocast():
    y, x, w = (torch.zeros(n, device="meta") for n in ((3,), (3, D), (K, D)))
    assert xent.linear_cross_entropy(y.long(), x, w).device.type == "meta"


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_a_loss_in_autocast_is_what_it_is_elsewhere(case):
    given, moving = tensors(case, case.options())
    results = []
    for enabled in (False, True):
        x = [y.float().requires_grad_() for y in map(given.get, moving)]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            value = case.function(**{**given, **dict(zip(moving, x, strict=True))})
        results.append([value, *torch.autograd.grad(value.sum(), x)])
    for got, want in zip(*results, strict=True):
        assert torch.equal(got, want)
