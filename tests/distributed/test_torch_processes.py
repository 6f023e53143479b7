"""What processes tell each other, and what is said when that fails."""

import os
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.utils._python_dispatch import TorchDispatchMode

import xent
from tests.cases import EVERY
from tests.distributed.placed import WAYS, distributed, whole
from tests.distributed.torch import PROCESSES, shared
from tests.near import assert_near, largest

ROWS, CLASSES = 8, 16


class Exchanges(TorchDispatchMode):
    """Notes each collective, and how many numbers this process gives."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        packet = str(function).partition(".")[2].partition(".")[0]
        if "c10d" in str(function) and packet not in ("wait_tensor", "_wrap_tensor_autograd"):
            self.seen.append((packet, args[0].numel()))
        return function(*args, **(kwargs or {}))


def exchanged(function, *args, **options):
    with Exchanges() as mode:
        result = function(*args, **options)
    return result, mode.seen


def data(seed=0):
    torch.manual_seed(seed)
    return torch.randint(0, CLASSES, (ROWS,)), torch.randn(ROWS, CLASSES, dtype=torch.float64)


def numbers_of(way, reduction, each):
    """Return the numbers of each exchange: of its rows by those who share them, and two by all."""
    shape, placements = WAYS[way]
    rows, seen, size = ROWS, [], each
    for n, p in zip(shape, placements, strict=True):
        rows //= n if p.is_shard(0) else 1
    for n in [n for n, p in zip(shape, placements, strict=True) if p.is_shard(1)]:
        seen.append(rows * size)
        size *= n
    size = 2
    for n in [n for n, p in zip(shape, placements, strict=True) if p.is_shard(0)]:
        seen += [size] if reduction != "none" else []
        size *= n
    return [("all_gather_into_tensor", n) for n in seen]


def of_exchanges(name):
    """Check that a call exchanges what its placement asks for, and a backward pass nothing."""
    way, reduction = name
    y, z = data()
    for options, each in (({}, 3), ({"z_loss": 0.125}, 6), ({"softcap": 4.0}, 3)):
        given = {"reduction": reduction, **options}
        d = distributed(z, way).requires_grad_()
        value, seen = exchanged(xent.cross_entropy, y, logits=d, **given)
        assert seen == numbers_of(way, reduction, each)
        _, seen = exchanged(torch.autograd.grad, value, d, torch.ones_like(value))
        assert seen == []
        both = xent.value_and_grad(xent.cross_entropy)
        _, seen = exchanged(both, y, logits=d.detach(), **given)
        assert seen == numbers_of(way, reduction, each)


JENSEN_SHANNON = xent.jensen_shannon_divergence
SKEWED = partial(xent.kl_divergence, skew=0.25, reverse=True)


def of_rounds(way):
    """Check that a sum over softmaxes is exchanged in two rounds, and a backward pass exchanges nothing."""
    _, z = data()
    other = data(1)[1]
    for loss, target, rounds in (
        (JENSEN_SHANNON, {"target_logits": other}, (12, 5)),
        (JENSEN_SHANNON, {"p": torch.softmax(other, -1)}, (3, 3)),
        (SKEWED, {"target_logits": other}, (12, 5)),
        (SKEWED, {"target": torch.softmax(other, -1)}, (4, 5)),
        (xent.brier_score, {"target": torch.softmax(other, -1)}, (3, 3)),
    ):
        wanted = [x for n in rounds for x in numbers_of(way, "none", n)]
        d, x = distributed(z, way).requires_grad_(), z.clone().requires_grad_()
        given = {"reduction": "none", **target}
        value, seen = exchanged(loss, logits=d, **given)
        assert seen == wanted
        slope, seen = exchanged(torch.autograd.grad, value.sum(), d)
        assert max(n for _, n in [("", 0), *seen]) <= 1  # of the sum
        want = loss(logits=x, **given)
        assert_near(whole(value), whole(want))
        own = torch.autograd.grad(want.sum(), x)[0]
        assert_near(whole(slope[0]), whole(own), scale=largest(whole(own)))
        _, seen = exchanged(xent.value_and_grad(loss), logits=d.detach(), **given)
        assert seen == wanted


def of_meshes(name):
    """Check that arrays on two meshes are refused, by name."""
    y, z = data()
    line = init_device_mesh("cpu", (PROCESSES,))
    square = init_device_mesh("cpu", (2, 2))
    with pytest.raises(
        ValueError, match=r"target is on .*logits is on|logits is on .*target is on"
    ):
        xent.cross_entropy(
            distribute_tensor(y, line, [Replicate()]),
            logits=distribute_tensor(z, square, [Shard(0), Replicate()]),
        )


def of_parts(name):
    """Check that a process's own part is not taken for the whole."""
    y, z = data()
    d = distributed(z, "rows")
    part = slice(0, ROWS // PROCESSES)
    with pytest.raises(ValueError, match=r"target is a plain tensor .* beside logits, a DTensor"):
        xent.cross_entropy(y[part], logits=d)
    with pytest.raises(ValueError, match=r"sample_weight is a plain tensor .* beside logits"):
        xent.cross_entropy(y, logits=d, sample_weight=z[part, 0])


def of_validation(name):
    """Check that values are not read, even where that is asked for: a process has some of them."""
    y, z = data()
    with pytest.raises(ValueError, match="validate=True"):
        xent.cross_entropy(y, logits=distributed(z, "rows"), validate=True)


def of_the_compiled(name):
    """Check that torch.compile follows a call, and that its derivative is placed as the logits."""
    way, rounds = name
    y, z = data()
    d = distributed(z, way).requires_grad_()
    y = y if rounds == "one" else data(1)[1]

    def step(z, y):
        if rounds == "one":
            return xent.cross_entropy(y, logits=z)
        return xent.jensen_shannon_divergence(target_logits=y, logits=z)

    value = torch.compile(step, fullgraph=True, backend="aot_eager")(d, y)
    value.backward()
    assert list(d.grad.placements) == list(d.placements)
    x = z.clone().requires_grad_()
    want = step(x, y)
    want.backward()
    assert_near(whole(value), whole(want))
    assert_near(whole(d.grad), whole(x.grad), scale=largest(whole(x.grad)))


def of_the_dead(name):
    """Check that a process that is killed is an error of the others, and no wait without an end."""
    y, z = data()
    d = distributed(z, "classes")
    if dist.get_rank() == 1:
        os._exit(1)
    start = time.monotonic()
    with pytest.raises(RuntimeError):
        xent.cross_entropy(y, logits=d)
    assert time.monotonic() - start < 60


KINDS = {
    "exchanges": of_exchanges,
    "rounds": of_rounds,
    "meshes": of_meshes,
    "parts": of_parts,
    "validation": of_validation,
    "compiled": of_the_compiled,
    "the dead": of_the_dead,
}


def run(check):
    kind, name = check
    KINDS[kind](name)


CHECKS = [("exchanges", (way, r)) for way in WAYS if way != "partial" for r in ("none", "mean")]
CHECKS += [("rounds", way) for way in ("rows", "classes", "rows, classes", "classes twice")]
COMPILED = [(way, n) for way in ("rows", "classes") for n in ("one", "two")]
CHECKS += [("compiled", x) for x in (COMPILED if EVERY else [("classes", "two")])]
CHECKS += [(kind, ()) for kind in ("meshes", "parts", "validation", "the dead")]


@pytest.fixture(scope="module")
def said(request):
    return shared(request, run)


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_it_is_said(said, check):
    for rank, error in enumerate(said[check]):
        if check[0] != "the dead" or rank != 1:
            assert error is None, f"process {rank}: {error}"


def test_a_plain_tensor_needs_none_of_it():
    script = """
import sys, torch, xent
xent.cross_entropy(torch.zeros(2, dtype=torch.int64), logits=torch.zeros(2, 3, requires_grad=True)).backward()
assert "xent.engines.torch.sharded" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
