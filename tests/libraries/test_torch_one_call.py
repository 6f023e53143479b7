"""A loss of ours is one call to torch.compile: a program of it looks at little, and is as any other."""

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad

import xent
from tests.cases import TRIED
from tests.libraries.test_torch_gradients import tensors
from tests.near import assert_near
from xent.kernels import labels

# What a program looks at is counted in the pinned version.
pytestmark = [
    pytest.mark.pinned,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

OURS = [case for case in TRIED if hasattr(case.function, "_torchdynamo_inline")]
MANY = 60
"""What a program of a loss may look at in each call; ten are of each tensor, and some of all programs."""


@pytest.fixture(autouse=True)
def _anew():
    torch._dynamo.reset()


def looked_at(function, *args):
    """Return what a program of a function looks at in each call."""
    found = []

    def seen(guards):
        found.extend(guards)
        return [True] * len(guards)

    whole = torch.compile(
        function, fullgraph=True, backend="aot_eager", options={"guard_filter_fn": seen}
    )
    return whole(*args), found


def test_most_losses_are_tried():
    assert len({case.loss for case in OURS}) > len({case.loss for case in TRIED}) / 2


@pytest.mark.parametrize("case", OURS, ids=str)
def test_a_program_looks_at_little(case):
    given, _ = tensors(case, {})
    names, arrays = zip(*given.items(), strict=True)

    def function(*arrays):
        return case.function(**dict(zip(names, arrays, strict=True)))

    value, found = looked_at(function, *arrays)
    torch.testing.assert_close(value, function(*arrays), rtol=1e-13, atol=0)
    assert len(found) <= MANY


def test_a_module_of_torch_looks_at_little():
    from xent.nn.torch import CrossEntropyLoss

    z, y = torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64)
    assert len(looked_at(lambda z, y: xent.cross_entropy(y, logits=z), z, y)[1]) < 40
    assert len(looked_at(CrossEntropyLoss(), z, y)[1]) < 200


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
