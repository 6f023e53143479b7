"""A loss of ours is one call to torch.compile: a program of it looks at little, and is as any other."""

from functools import partial, wraps

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad

import xent
from tests.cases import TRIED
from tests.libraries.test_torch_gradients import tensors
from tests.near import assert_near
from xent.engines.torch import one_call
from xent.kernels import labels
from xent.nn.torch import CrossEntropyLoss

# What a program looks at is counted in the pinned version.
pytestmark = [
    pytest.mark.pinned,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

LEFT = {"perplexity", "renyi_entropy", "tsallis_entropy", "renyi_divergence", "tsallis_divergence"}
"""Losses that are left to the compiler: by way of another loss, and by a number that must be given."""
OURS = [case for case in TRIED if case.loss not in LEFT]
MANY = 60
"""What a program of a loss may look at in each call; ten are of each tensor, and some of all programs."""


@pytest.fixture(autouse=True)
def _anew():
    torch._dynamo.reset()


def looked_at(function, *args, **named):
    """Return what a program of a function looks at in each call."""
    found = []

    def seen(guards):
        found.extend(guards)
        return [True] * len(guards)

    whole = torch.compile(
        function, fullgraph=True, backend="aot_eager", options={"guard_filter_fn": seen}
    )
    return whole(*args, **named), found


@pytest.mark.parametrize("case", OURS, ids=str)
def test_a_program_looks_at_little(case):
    given, moving = tensors(case, {})
    names, arrays = zip(*given.items(), strict=True)
    arrays = [x.requires_grad_(name in moving) for name, x in given.items()]

    def function(*arrays):
        return case.function(**dict(zip(names, arrays, strict=True)))

    value, found = looked_at(function, *arrays)
    want = function(*arrays)
    torch.testing.assert_close(value, want, rtol=1e-13, atol=0)
    leaves = [x for x in arrays if x.requires_grad]
    slopes = [torch.autograd.grad(x.sum(), leaves) for x in (value, want)]
    torch.testing.assert_close(*slopes, rtol=1e-13, atol=0)
    assert len(found) <= MANY


Z, Y = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 3.0]], dtype=torch.float64), torch.tensor([0, 1])
WAYS = {
    "itself": xent.cross_entropy,
    "in a function": lambda y, logits: xent.cross_entropy(y, logits=logits),
    "without smoothing": partial(xent.cross_entropy, label_smoothing=0),
    "without a z-loss": partial(xent.cross_entropy, z_loss=0.0),
    "along an axis": partial(xent.cross_entropy, axis=-1, ignore_index=7),
}


@pytest.mark.parametrize("way", WAYS)
def test_however_it_is_called(way):
    value, found = looked_at(WAYS[way], Y, logits=Z)
    torch.testing.assert_close(value, xent.cross_entropy(Y, logits=Z), rtol=1e-13, atol=0)
    assert len(found) <= MANY


@pytest.mark.parametrize("reduction", ["sum", "none"])
@pytest.mark.parametrize("shape", [(0, 5), (0, 1), (3, 0, 5), (0, 3000)])
def test_no_rows(shape, reduction):
    given = torch.zeros(shape[:-1], dtype=torch.int64), torch.zeros(shape)
    options = {"reduction": reduction}
    value, _ = looked_at(lambda y, z: xent.cross_entropy(y, logits=z, **options), *given)
    torch.testing.assert_close(value, xent.cross_entropy(given[0], logits=given[1], **options))


NUMBERS = {
    "label_smoothing": lambda z, x: xent.cross_entropy(Y, logits=z, label_smoothing=x),
    "z_loss": lambda z, x: xent.cross_entropy(Y, logits=z, z_loss=x),
    "gamma": lambda z, x: xent.focal_loss(Y, logits=z, gamma=x),
}


@pytest.mark.parametrize(
    ("name", "dynamic"), [(name, None) for name in NUMBERS] + [("label_smoothing", True)]
)
def test_a_number_by_a_schedule(name, dynamic):
    """A number is a compiler's symbol from its second value on, and the classes too where all is dynamic."""
    function = NUMBERS[name]
    whole = torch.compile(function, backend="aot_eager", dynamic=dynamic, fullgraph=True)
    for x in (0.1, 0.2, 0.0, 0.37):
        torch.testing.assert_close(whole(Z, x), function(Z, x), rtol=1e-14, atol=0)


def test_a_module_of_torch_looks_at_little():
    assert len(looked_at(CrossEntropyLoss(), Z, Y)[1]) <= 2 * MANY


@wraps(xent.cross_entropy)
def twice(*args, **kwargs):
    return 2 * xent.cross_entropy(*args, **kwargs)


def test_what_wraps_a_loss_is_no_loss_of_ours():
    whole = torch.compile(lambda y, z: twice(y, logits=z), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(whole(Y, Z), twice(Y, logits=Z), rtol=1e-13, atol=0)


def test_a_torch_that_does_not_say_that_it_compiles(monkeypatch):
    monkeypatch.setattr(one_call, "KNOWN", False)
    value, found = looked_at(lambda y, z: xent.cross_entropy(y, logits=z), Y, Z)
    torch.testing.assert_close(value, xent.cross_entropy(Y, logits=Z), rtol=1e-13, atol=0)
    assert len(found) > 2 * MANY


def test_an_error_is_that_of_eager_code():
    z, y = torch.zeros(4, 3), torch.zeros(5, dtype=torch.int64)
    whole = torch.compile(lambda z, y: xent.cross_entropy(y, logits=z), backend="aot_eager")
    for f in (whole, lambda z, y: xent.cross_entropy(y, logits=z)):
        with pytest.raises(ValueError, match="target of labels has shape"):
            f(z, y)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_tangents_come_later(backend):
    """Of a program that was made without any."""
    z, y = torch.tensor([[2.0, 0.5, -1.0]], dtype=torch.float64), torch.tensor([0])

    def function(z):
        return xent.cross_entropy(y, logits=z)

    whole, found = torch.compile(function, backend=backend), []
    whole(z)
    with forward_ad.dual_level():
        for f in (whole, function):
            made = f(forward_ad.make_dual(z, torch.cos(z)))
            found.append(forward_ad.unpack_dual(made).tangent)
    torch.testing.assert_close(*found, rtol=1e-13, atol=0)


STATE = {"likely": False}


@xent.loss(xent.LikelihoodOptions)
def own(target, probs, **options):
    """A loss of somebody's own, which depends on what stands elsewhere."""
    kernels = {"probs": labels.LIKELIHOOD} if STATE["likely"] else labels.KERNELS
    return xent.Call(target, {"probs": probs}, kernels, options=options)


def test_a_loss_of_somebodys_own_is_looked_into(monkeypatch):
    q, y = torch.tensor([[0.25, 0.75]], dtype=torch.float64), torch.tensor([1])
    whole = torch.compile(lambda q: own(y, q), backend="aot_eager")
    first = whole(q)
    monkeypatch.setitem(STATE, "likely", True)
    assert_near(first.numpy(), -np.log(0.75), 2)
    assert_near(whole(q).numpy(), np.float64(0.75), 2)
