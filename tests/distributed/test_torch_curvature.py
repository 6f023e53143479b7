"""Second derivatives of DTensors are those of one process, and placed as what they are of."""

import pytest
import torch
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.debug import CommDebugMode

import xent
from tests.cases import EVERY
from tests.distributed import test_torch_losses as losses
from tests.distributed.heads import MAIN, NAMES, WAYS, placed
from tests.distributed.placed import WAYS as ALL
from tests.distributed.placed import assert_placed, distributed, mesh_of, tensors, whole
from tests.distributed.torch import law
from tests.linear.textbook import head
from tests.near import assert_near

pytestmark = pytest.mark.pinned  # torch 2.11 loses the second derivative of a `redistribute`

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
    for options in ((), losses.every(case)) if EVERY else (losses.every(case),):
        given = tensors(losses.given_of(case, options))
        x, v = given[case.form], turned(given[case.form])
        there = {**given, case.form: distributed(x, way)}
        product, both = xent.hvp(case.function), xent.grad_and_hessian_diagonal(case.function)
        got = product(**there, tangent=distributed(v, way)), *both(**there)
        assert_same(got, (product(**given, tangent=v), *both(**given)), [there[case.form]] * 3)


def derived(y, of):
    """Return the derivatives of a sum of what all processes have of ``y``."""
    y = y.full_tensor() if isinstance(y, DTensor) else y
    return torch.autograd.grad((y * turned(y)).sum(), of, create_graph=True)


def of_further(case, way):
    """Check the derivative of a product's own derivative: along the classes, of which a process has none."""
    given = tensors(losses.given_of(case, ()))
    x, v = given[case.form], turned(given[case.form])

    def further(x, v):
        leaves = x.requires_grad_(), v.requires_grad_()
        product = xent.hvp(case.function)(**{**given, case.form: x}, tangent=v)
        return derived(derived(product, leaves)[0], leaves)

    there = distributed(x, way), distributed(v, way)
    assert_same(further(*there), further(x, v), there)


def of_head(function, way):
    """Check what is made of features, weight and bias."""
    shape, features, weight = WAYS[way]
    given = {k: torch.from_numpy(x) for k, x in head((ROWS,), WIDTH, CLASSES).items()}
    arrays = [given[name] for name in NAMES]
    places = (features, weight, weight)

    def on_mesh(arrays):
        return [placed(x, mesh_of(shape), p) for x, p in zip(arrays, places, strict=True)]

    along, there = [turned(x) for x in arrays], on_mesh(arrays)
    teacher, labels = [x + 1 for x in arrays[:2]], torch.arange(ROWS)
    for loss, target, placed_target in (
        (xent.linear_cross_entropy, [labels], [labels]),
        (xent.linear_kl_divergence, teacher, on_mesh([*teacher, arrays[2]])[:2]),
    ):
        product = getattr(xent, function)(loss)
        got, want = (
            product(*first, *own[:2], bias=own[2], tangent=tuple(tangent), reduction="sum")
            for first, own, tangent in (
                (placed_target, there, on_mesh(along)),
                (target, arrays, along),
            )
        )
        assert_same(got, want, there)


def of_elements(way):
    """Check that a loss whose elements are rows asks nothing of other processes."""
    given = tensors(losses.given_of(losses.BINARY, ()))
    there = {name: distributed(x, way) for name, x in given.items()}
    with CommDebugMode() as counted:
        xent.hvp(losses.BINARY.function)(**there, tangent=there["logits"])
    assert counted.get_total_counts() == 0


def run(check):
    kind, *names = check
    of = {"loss": of_loss, "further": of_further, "head": of_head, "elements": of_elements}
    of[kind](*names)


CHECKS = [
    ("loss", case, way)
    for case in losses.BRIEF
    for way in (losses.MOST if EVERY else losses.MOST[-1:])
]
CHECKS += [("elements", way) for way in losses.MOST]
CHECKS += [("loss", losses.MAIN, way) for way in ALL if way not in losses.MOST]
CHECKS += [("further", case, "classes") for case in losses.BRIEF if case.form == "logits"]
CHECKS += [("head", function, way) for function in ("hvp", "gauss_newton") for way in MAIN]

said, test_it_is_as_on_one_process = law(run, CHECKS)
