"""Where a linear loss inside torch.compile is not one operation, or is asked for more than one has."""

import sys
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import pytest
import torch
from torch.autograd import forward_ad

import xent
from tests.libraries.test_torch_opaque import LABELS, OPERATION, SMALL, Seen, leaves, results
from xent.kernels import labels

# Of torch's own compiler, about what it traces and what it imports.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(autouse=True)
def _once():
    torch._dynamo.reset()


@dataclass(frozen=True)
class Own(labels.FromLogits):
    """The cost of a label, with parameters of many kinds."""

    factor: float = 1.0
    words: tuple[str, ...] = ("any", "thing")
    function: object = leaves
    held: object = None

    def value(self, xp, s):
        return self.factor * super().value(xp, s)

    def gradient(self, xp, logits, label, s, made, w, axis):
        return super().gradient(xp, logits, label, s, made, self.factor * w, axis)


def head_of(**parameters):
    """Return the linear head of a loss of that kernel."""

    @xent.loss(xent.LikelihoodOptions)
    def own(target, *, logits=None, factor=2.0, **options):
        kernels = {"logits": Own(factor, **parameters)}
        return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")

    return xent.linear_head(own)


@pytest.mark.parametrize(
    ("held", "written"),
    [(None, True), (frozenset((1, 2)), False), (lambda x: x, False)],
    ids=["constants", "set", "lambda"],
)
def test_a_kernel_of_ones_own(held, written):
    """Of parameters that no text can hold the compiler sees the whole loss."""
    head, backend, (x, w, _) = head_of(held=held), Seen(), leaves()
    function = torch.compile(
        lambda x, w: head(LABELS, x, w, **SMALL), fullgraph=True, backend=backend
    )
    got, want = (results(f, [x, w]) for f in (function, lambda x, w: head(LABELS, x, w)))
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b)
    assert (OPERATION in backend.operations) is written


class More(labels.FromLogits):
    """A kernel that is more than its fields, of which it has none."""

    def __init__(self, factor):
        object.__setattr__(self, "factor", factor)

    def value(self, xp, s):
        return self.factor * super().value(xp, s)


def test_a_kernel_that_is_more_than_its_fields():
    @xent.loss(xent.LikelihoodOptions)
    def own(target, *, logits=None, kernel=More(3.0), **options):  # noqa: B008 — a constant
        kernels = {"logits": kernel}
        return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")

    head, (x, w, _) = partial(xent.linear_head(own), LABELS, **SMALL), leaves()
    whole = torch.compile(head, fullgraph=True, backend="eager")
    torch.testing.assert_close(whole(x, w), head(x, w))


@pytest.mark.parametrize("compiler", ["eager", "aot_eager"])
@pytest.mark.parametrize("size", [SMALL["chunk_bytes"], None], ids=["chunks", "block"])
def test_forwards(compiler, size):
    """The tangent is that of eager code, of a loss of logits too, where no operation of ours is."""
    x, w, _ = (y.detach() for y in leaves(torch.float64))

    def linear(x):
        return xent.linear_cross_entropy(LABELS, x, w, chunk_bytes=size)

    def logits(x):
        return xent.cross_entropy(LABELS, logits=x @ w.T)

    for function in (linear, logits):
        whole, tangents = torch.compile(function, backend=compiler), []
        whole(x)  # for which it was compiled first
        with forward_ad.dual_level():
            for f in (whole, function):
                made = f(forward_ad.make_dual(x, torch.cos(x)))
                tangents.append(forward_ad.unpack_dual(made).tangent)
        torch.testing.assert_close(*tangents, rtol=1e-13, atol=0)


def test_a_kernel_that_is_defined_anew(monkeypatch):
    """As in a notebook, where the class that has its name is another one then."""
    x, w, _ = leaves()
    values, programs = [], []
    for factor in (1.0, 3.0):

        @dataclass(frozen=True)
        class Own(labels.FromLogits):
            times: ClassVar[float] = factor

            def value(self, xp, s):
                return self.times * super().value(xp, s)

        Own.__qualname__ = "Own"
        monkeypatch.setattr(sys.modules[__name__], "Own", Own)

        @xent.loss(xent.LikelihoodOptions)
        def own(target, *, logits=None, kernel=Own(), **options):
            kernels = {"logits": kernel}
            return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")

        backend = Seen()
        head = partial(xent.linear_head(own), LABELS, **SMALL)
        programs.append(torch.compile(lambda x, w, head=head: head(x, w), backend=backend))
        values.append(programs[-1](x, w).detach())
        assert OPERATION in backend.operations
    torch.testing.assert_close(3 * values[0], values[1])
    assert [f(x, w).detach() for f in programs] == values, "programs of before are as before"


def test_no_second_derivative_is_silently_wrong():
    x, w, b = leaves()

    @torch.compile(fullgraph=True, backend="eager")
    def loss(x):
        return xent.linear_cross_entropy(LABELS, x, w, b, **SMALL)

    with pytest.raises(NotImplementedError, match="disable"):
        torch.autograd.grad(loss(x), x, create_graph=True)


def test_what_is_exported_knows_no_operation_of_ours():
    class Module(torch.nn.Module):
        def forward(self, *x):
            return xent.linear_cross_entropy(LABELS, *x, **SMALL)

    x = [y.detach() for y in leaves()]
    program = torch.export.export(Module(), tuple(x))
    assert OPERATION not in [node.target for node in program.graph.nodes]
    torch.testing.assert_close(program.module()(*x), Module()(*x))
