"""Inductor makes logits anew in each use, contracted as Triton does: near certainty no digit hangs on it."""

import shutil

import numpy as np
import pytest
import torch

import xent
from tests.laws import contraction as of
from tests.libraries.compiled import (
    VALUES,
    assert_digits,
    assert_gradient,
    scaled_rows,
    truth_of,
)

pytestmark = [
    pytest.mark.skipif(not shutil.which("c++"), reason="Inductor needs a C++ compiler"),
    # Of torch's own compiler, about what it traces and what it imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
DTYPE = "float32"
IN_JAX = ("hardly smoothed", "likelihood")
"""What compiles in less time there."""
SCALE = torch.tensor(of.SCALE, dtype=torch.float32)


@pytest.fixture(autouse=True)
def _contracted():
    """Contract products to FMA on a CPU too, where Inductor leaves them alone by default."""
    config = pytest.importorskip("torch._inductor.config")
    torch._dynamo.reset()
    contract = {"cpp.enable_floating_point_contract_flag": "fast", "fx_graph_cache": False}
    with config.patch(contract):
        yield


def compiled(function, *args):
    return torch.compile(function, fullgraph=True, backend="inductor")(*args)


@pytest.mark.parametrize("name", [n for n in VALUES if n not in IN_JAX])
def test_scaled_logits(name):
    function, target, truth = VALUES[name]
    x, z, y = scaled_rows(DTYPE)
    t = torch.asarray(target(y, DTYPE))
    got = compiled(lambda x, s: function(t, s * x), torch.asarray(x), SCALE).numpy()
    assert_digits(got, truth_of(of.scaled(truth), x, y), z)


@pytest.mark.parametrize("name", ["labels", "one-hot"])
def test_gradient_of_scaled_logits(name):
    function, target, _ = VALUES[name]
    x, z, y = scaled_rows(DTYPE)
    t, leaf = torch.asarray(target(y, DTYPE)), torch.asarray(x).requires_grad_()
    compiled(lambda x, s: function(t, s * x), leaf, SCALE).sum().backward()
    assert_gradient(name, leaf.grad.numpy(), DTYPE, x, z, y)


def test_capped_logits():
    z, y = of.certain(DTYPE, margins=(5.0, 17.25, 30.0, 52.5))
    t = torch.asarray(y)
    got = compiled(
        lambda z: xent.cross_entropy(t, logits=z, softcap=of.CAP, reduction="none"),
        torch.asarray(z),
    )
    assert_digits(got.numpy(), truth_of(of.capped(of.cross_entropy), z, y), z)


def test_logits_of_a_product():
    """Of one feature: the product is one number, which is rounded or not."""
    z, y = of.certain(DTYPE)
    w, labels = (z[0] / of.SCALE)[:, None].astype(DTYPE), np.full(len(z), y[0])
    t, x = torch.asarray(labels), torch.full((len(z), 1), of.SCALE)
    got = compiled(
        lambda x, w: xent.cross_entropy(t, logits=x @ w.T, reduction="none"), x, torch.asarray(w)
    )
    rows = np.broadcast_to(w[:, 0], z.shape)
    assert_digits(got.numpy(), truth_of(of.scaled(of.cross_entropy), rows, labels), z[:1])
