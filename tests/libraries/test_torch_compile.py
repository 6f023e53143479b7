"""torch.compile: one graph forwards and backwards, compiled once, with every digit kept."""

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters

import xent
from tests.cases import NAMED, TRIED
from tests.libraries.derivatives import of as bound
from tests.libraries.test_torch_gradients import leaves, tensors
from tests.near import assert_near

# Of torch's own compiler, about what it traces and what it imports.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*ast:DeprecationWarning"),
]

FIRST = {case.loss: case for case in reversed(TRIED)}
MAIN = [c for c in TRIED if c.loss == "cross_entropy" and c.form == "logits"]
WITH = [(case, {}) for case in FIRST.values()] + [(case, case.options()) for case in MAIN]
"""One case of each loss, and both targets of the main one with all options."""


@pytest.fixture(autouse=True)
def _once():
    """Forget earlier graphs; a second compilation of any function is an error."""
    torch._dynamo.reset()
    counters.clear()
    with torch._dynamo.config.patch(error_on_recompile=True):
        yield


def compiled(function, backend="aot_eager", **options):
    return torch.compile(function, fullgraph=True, backend=backend, **options)


def value_and_gradients(function, given, moving):
    x = leaves(given, moving)
    value = bound(function, given, moving)(*x)
    return [value.detach(), *torch.autograd.grad(value.sum(), x)]


@pytest.mark.parametrize(
    ("case", "options"), WITH, ids=lambda x: "-".join(x) if isinstance(x, dict) else str(x)
)
def test_compiles_once_for_any_number_of_rows(case, options):
    function = compiled(case.function, dynamic=True)
    for rows in (3, 5):
        given, moving = tensors(case, options, rows=(rows,))
        got = value_and_gradients(function, given, moving)
        want = value_and_gradients(case.function, given, moving)
        torch.testing.assert_close(got, want, rtol=1e-13, atol=0)
    assert not counters["graph_break"]
    assert counters["stats"]["unique_graphs"] == 1


def test_a_linear_head_compiles_twice_at_most():
    """Once as dynamo sees it first, and once for all other numbers of rows and of chunks."""
    double = torch.float64  # in which a sum over rows that nearly cancels has digits to compare
    w = torch.linspace(-1, 1, 20, dtype=double).reshape(5, 4).requires_grad_()

    def loss(y, x):
        return xent.linear_cross_entropy(y, x, w, chunk_bytes=8 * 5 * 64, where=y != 3)

    with torch._dynamo.config.patch(error_on_recompile=False):
        function = compiled(loss, "eager")
        for rows in (3, 5, 7, 64, 129, 400):
            x = torch.linspace(-1, 1, rows * 4, dtype=double).reshape(rows, 4)
            results = []
            for f in (function, loss):
                value = f(torch.arange(rows) % 5, x)
                results.append((value.detach(), torch.autograd.grad(value, w)[0]))
            torch.testing.assert_close(*results, rtol=2.0**-47, atol=0)
    assert counters["stats"]["unique_graphs"] <= 2


def test_compiles_once_whatever_else_passes_through():
    case = NAMED["cross_entropy-labels-logits"]
    given, moving = tensors(case, {})
    for options in ({}, {"dynamic": True}):
        function = compiled(case.function, **options)
        value_and_gradients(function, given, moving)
        for name in ("jax.numpy", "numpy", "dask.array", "array_api_strict"):
            xp = pytest.importorskip(name)
            case.function(**{k: xp.asarray(x) for k, x in case.arguments().items()})
        value_and_gradients(function, given, moving)
        torch._dynamo.reset()


@pytest.mark.parametrize("case", MAIN, ids=str)
def test_own_grad_compiles(case):
    given, _ = tensors(case, {})
    got = compiled(case.both)(**given)
    torch.testing.assert_close(got, case.both(**given), rtol=1e-13, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_compiler_keeps_small_losses(dtype):
    """By the compiler that is the default, in one piece, with two kinds of target."""
    small = float(np.exp(-20.0))

    def both(labels, hot, z):
        rows = xent.cross_entropy(labels, logits=z, reduction="none")
        return rows, xent.cross_entropy(hot, logits=z, reduction="none")

    function = compiled(both, "inductor")
    for _ in "twice":
        z = torch.tensor([[20.0, 0.0], [0.0, 20.0]], dtype=dtype, requires_grad=True)
        for rows in function(torch.tensor([0, 1]), torch.eye(2), z):
            assert rows.dtype == torch.float32
            assert torch.allclose(rows, torch.tensor(small), rtol=1e-6, atol=0)
            (g,) = torch.autograd.grad(rows.sum(), z, retain_graph=True)
            want = torch.tensor([[-small, small], [small, -small]]).to(dtype)
            assert torch.allclose(g, want, rtol=2 * torch.finfo(dtype).eps, atol=0)


def test_a_training_step_compiles():
    torch.manual_seed(0)
    net, x = torch.nn.Linear(5, 3), torch.randn(4, 5)
    labels, where = torch.tensor([0, 2, -1, 1]), torch.tensor([True, True, True, False])

    def loss(x):
        return xent.cross_entropy(labels, logits=net(x), ignore_index=-1, where=where)

    for function in (compiled(loss), loss):
        net.zero_grad()
        function(x).backward()
        got, want = (
            net.weight.grad.clone(),
            xent.grad(xent.cross_entropy)(
                labels, logits=net(x).detach(), ignore_index=-1, where=where
            ).T
            @ x,
        )
        torch.testing.assert_close(got, want)


def test_metrics_are_asked_for_inside():
    """What returns them is made where the compiler looks on."""
    y, z = torch.tensor([0, 2]), torch.linspace(-1.0, 1.0, 6).reshape(2, 3)

    def logged(y, z):
        return xent.with_metrics(xent.cross_entropy)(y, logits=z)

    (value, metrics), (want, others) = torch.compile(logged, fullgraph=True)(y, z), logged(y, z)
    for got, right in zip((value, *metrics), (want, *others), strict=True):
        assert_near(got.numpy(), right.numpy())
