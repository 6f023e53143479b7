"""Linear heads as they lie on many processes, and what holds them to be those of one."""

import torch
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor

import xent
from tests.distributed.placed import assert_placed, mesh_of, whole
from tests.linear.textbook import head
from tests.near import BOTH, assert_near

ROWS, WIDTH, CLASSES = 10, 3, 9
S, R, P = Shard(0), Replicate(), Partial()
LINE, SQUARE = (4,), (2, 2)
WAYS = {
    "rows": (LINE, [S], [R]),
    "rows, plain head": (LINE, [S], None),
    "classes": (LINE, [R], [S]),
    "classes, plain features": (LINE, None, [S]),
    "FSDP": (LINE, [S], [S]),
    "replicated": (LINE, [R], [R]),
    "partial features": (LINE, [P], [S]),
    "features' own axis": (LINE, [Shard(1)], [Shard(1)]),
    "rows, classes": (SQUARE, [S, R], [R, S]),
    "rows twice": (SQUARE, [S, S], [R, R]),
    "FSDP, classes": (SQUARE, [S, R], [S, S]),
}
"""By a name: a mesh, and the placements of features and of the head, None for plain tensors."""

MAIN = ("classes", "FSDP", "rows, classes")

NAMES = ("features", "weight", "bias")


def placed(x, mesh, placements):
    if placements is None:
        return x.clone()
    if any(p.is_partial() for p in placements):
        return DTensor.from_local(x / mesh.size(), mesh, placements)
    placements = [R if p.is_shard(x.ndim) else p for p in placements]
    return distribute_tensor(x, mesh, placements)


def derivatives(loss, target, arrays, options):
    """Return values, gradients by autograd and by xent, and derivatives of the second order."""
    leaves = [x.detach().requires_grad_() for x in arrays]
    value = loss(target, *leaves, **options)
    once = torch.autograd.grad(value.sum(), leaves)
    again = loss(target, *leaves, **options)
    first = torch.autograd.grad(again.sum().square(), leaves, create_graph=True)
    full = [x.full_tensor() if isinstance(x, DTensor) else x for x in first]
    sloped = sum((x * torch.cos(torch.arange(x.numel()).reshape(x.shape))).sum() for x in full)
    second = torch.autograd.grad(sloped, leaves)
    known, gradients = xent.value_and_grad(loss)(target, *arrays, **options)
    return (value, known), (*once, *gradients, *second)


def assert_as_on_one(loss, target, way, options):
    shape, features, weight = WAYS[way]
    mesh = mesh_of(shape)
    given = {k: torch.from_numpy(x) for k, x in head((ROWS,), WIDTH, CLASSES).items()}
    arrays = [given[name] for name in NAMES]
    there = [placed(x, mesh, p) for x, p in zip(arrays, (features, weight, weight), strict=True)]
    values, gradients = derivatives(loss, target, arrays, options)
    own_values, own_gradients = derivatives(loss, target, there, options)
    found = [whole(x) for x in (*own_values, *own_gradients)]
    for x, y in zip(found, map(whole, (*values, *gradients)), strict=True):
        assert_near(x, y, BOTH, scale=abs(y).max())
    for i, x in enumerate(own_gradients):
        assert_placed(x, there[i % 3])
