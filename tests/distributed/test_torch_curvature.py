"""Second derivatives of DTensors are those of one process, and placed as what they are of."""

import pytest
import torch

import xent
from tests.cases import EVERY
from tests.distributed.placed import assert_placed, distributed, tensors, whole
from tests.distributed.test_torch_heads import MAIN, NAMES, WAYS, head, mesh_of, placed
from tests.distributed.test_torch_losses import BRIEF, MOST, every, given_of
from tests.distributed.torch import results
from tests.near import assert_near

pytestmark = pytest.mark.pinned  # torch 2.11 compares no DTensors by `!=`

ROWS, WIDTH, CLASSES = 6, 4, 9


def turned(x):
    """Return a direction of the shape of ``x``."""
    return torch.cos(torch.arange(x.numel(), dtype=x.dtype)).reshape(x.shape)


def assert_same(got, want, like):
    for x, y, of in zip(got, want, like, strict=True):
        assert_placed(x, of)
        assert_near(whole(x), whole(y), scale=abs(y).max().item())


def of_loss(case, way):
    """Check products with the Hessian, and its diagonal, with all options."""
    for options in ((), every(case)) if EVERY else (every(case),):
        given = tensors(given_of(case, options))
        x, v = given[case.form], turned(given[case.form])
        there = {**given, case.form: distributed(x, way)}
        product, both = xent.hvp(case.function), xent.grad_and_hessian_diagonal(case.function)
        got = product(**there, tangent=distributed(v, way)), *both(**there)
        assert_same(got, (product(**given, tangent=v), *both(**given)), [there[case.form]] * 3)


def of_head(function, way):
    """Check what is made of features, weight and bias."""
    shape, features, weight = WAYS[way]
    given = {k: torch.from_numpy(x) for k, x in head((ROWS,), WIDTH, CLASSES).items()}
    arrays = [given[name] for name in NAMES]
    places = (features, weight, weight)

    def on_mesh(arrays):
        return [placed(x, mesh_of(shape), p) for x, p in zip(arrays, places, strict=True)]

    along = [turned(x) for x in arrays]
    product = getattr(xent, function)(xent.linear_cross_entropy)
    target, there = torch.arange(ROWS), on_mesh(arrays)
    got = product(target, *there, tangent=tuple(on_mesh(along)), label_smoothing=0.1)
    want = product(target, *arrays, tangent=tuple(along), label_smoothing=0.1)
    assert_same(got, want, there)


def run(check):
    kind, *names = check
    {"loss": of_loss, "head": of_head}[kind](*names)


CHECKS = [("loss", case, way) for case in BRIEF for way in (MOST if EVERY else MOST[-1:])]
CHECKS += [("head", function, way) for function in ("hvp", "gauss_newton") for way in MAIN]


@pytest.fixture(scope="module")
def said():
    return results(run, CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: "-".join(map(str, check)))
def test_it_is_as_on_one_process(said, check):
    for rank, error in enumerate(said[check]):
        assert error is None, f"process {rank}: {error}"
