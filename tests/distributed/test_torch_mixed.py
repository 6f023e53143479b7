"""DTensors beside plain tensors, and features of several axes, are what one process makes of them."""

import pytest
import torch

import xent
from tests.cases import EVERY
from tests.distributed.heads import (
    CLASSES,
    NAMES,
    ROWS,
    WAYS,
    WIDTH,
    assert_as_on_one,
    placed,
)
from tests.distributed.placed import WAYS as ROW_WAYS
from tests.distributed.placed import assert_placed, distributed, mesh_of, whole
from tests.distributed.test_torch_curvature import turned
from tests.distributed.torch import law
from tests.linear.textbook import head
from tests.near import assert_near, largest

pytestmark = pytest.mark.pinned  # torch 2.11 loses the second derivative of a `redistribute`

LABELS = torch.arange(ROWS) % CLASSES
WEIGHTS = 1 + torch.arange(ROWS, dtype=torch.float64) / ROWS
PERPLEXITY = xent.linear_head(xent.perplexity)


def arrays_of(shape):
    given = {k: torch.from_numpy(x) for k, x in head(shape, WIDTH, CLASSES).items()}
    return [given[name] for name in NAMES]


def there_of(arrays, way):
    shape, features, weight = WAYS[way]
    each = zip(arrays, (features, weight, weight), strict=True)
    return [placed(x, mesh_of(shape), p) for x, p in each]


def assert_alike(got, want, like):
    for x, y, of in zip(got, want, like, strict=True):
        assert_placed(x, of)
        assert_near(whole(x), whole(y), scale=largest(whole(y)))


def of_perplexity(way):
    assert_as_on_one(PERPLEXITY, LABELS, way, {"sample_weight": WEIGHTS})


def of_products(way):
    """Check Hessians of an exponential of the mean, and of the mean."""
    arrays = arrays_of((ROWS,))
    there, along = there_of(arrays, way), [turned(x) for x in arrays]
    for loss in (PERPLEXITY, xent.linear_cross_entropy):
        for weights in ({}, {"sample_weight": WEIGHTS}):
            got, want = (
                xent.hvp(loss)(LABELS, *own, tangent=tuple(of), **weights)
                for own, of in ((there, there_of(along, way)), (arrays, along))
            )
            assert_alike(got, want, there)


def of_pullbacks(way):
    """Check cotangents and weights that are plain beside a placed prediction."""
    draw = torch.Generator().manual_seed(1)
    z = torch.randn(ROWS, CLASSES, dtype=torch.float64, generator=draw)
    there = distributed(z, way)
    for weights in ({}, {"sample_weight": WEIGHTS}, {"where": WEIGHTS < 1.5}):
        for reduction, w in (("none", torch.cos(WEIGHTS)), ("mean", torch.tensor(3.0).double())):
            options = {"reduction": reduction, "cotangent": w, **weights}
            got, want = (
                xent.vjp(xent.cross_entropy)(LABELS, logits=x, **options)[1] for x in (there, z)
            )
            assert_alike([got], [want], [there])


def of_pulled_heads(way):
    arrays = arrays_of((ROWS,))
    there = there_of(arrays, way)
    for weights in ({}, {"sample_weight": WEIGHTS}):
        options = {"reduction": "none", "cotangent": torch.cos(WEIGHTS), **weights}
        got, want = (
            xent.vjp(xent.linear_cross_entropy)(LABELS, *own, **options)[1]
            for own in (there, arrays)
        )
        assert_alike(got, want, there)


def of_axes(way):
    """Check that gradients of features with several axes of rows lie as these do."""
    rows = (4, 3)
    labels, arrays = torch.arange(12).reshape(rows) % CLASSES, arrays_of(rows)
    there, along = there_of(arrays, way), [turned(x) for x in arrays]
    for loss in (xent.linear_cross_entropy, PERPLEXITY):
        both, product = xent.value_and_grad(loss), xent.hvp(loss)
        assert_alike(both(labels, *there)[1], both(labels, *arrays)[1], there)
        got = product(labels, *there, tangent=tuple(there_of(along, way)))
        assert_alike(got, product(labels, *arrays, tangent=tuple(along)), there)


def of_derivatives_of_products(way):
    """Check that a product with a Hessian is differentiated, labels and weights plain beside it."""
    draw = torch.Generator().manual_seed(2)
    z = torch.randn(ROWS, CLASSES, dtype=torch.float64, generator=draw)
    slopes, leaves = [], [distributed(z, way).requires_grad_(), z.clone().requires_grad_()]
    for x in leaves:
        along = turned(z) if x is leaves[1] else distributed(turned(z), way)
        made = xent.hvp(xent.cross_entropy)(LABELS, logits=x, tangent=along, sample_weight=WEIGHTS)
        full = made if x is leaves[1] else made.full_tensor()
        slopes.append(torch.autograd.grad((full * torch.cos(turned(z))).sum(), x)[0])
    assert_alike(slopes[:1], slopes[1:], leaves[:1])


KINDS = {
    "perplexity": of_perplexity,
    "products": of_products,
    "pullbacks": of_pullbacks,
    "pulled heads": of_pulled_heads,
    "axes": of_axes,
    "derivatives of products": of_derivatives_of_products,
}


def run(check):
    kind, way = check
    KINDS[kind](way)


HEADS = ("rows, plain head", "classes, plain features", "FSDP", "rows, classes")
CHECKS = [
    (kind, way)
    for kind in ("perplexity", "products", "pulled heads", "axes")
    for way in (WAYS if EVERY else HEADS)
]
CHECKS += [
    (kind, way)
    for kind in ("pullbacks", "derivatives of products")
    for way in (ROW_WAYS if EVERY else ("rows", "classes", "rows, classes"))
]

said, test_it_is_as_on_one_process = law(run, CHECKS)
