"""Every loss, with its arrays placed on a mesh in many ways, beside the same on one process."""

from functools import cache

import numpy as np
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor

from tests.near import BOTH, assert_near

ROWS, CLASSES = (6,), 9
WAYS = {
    "rows": ((4,), (Shard(0),)),
    "classes": ((4,), (Shard(1),)),
    "replicated": ((4,), (Replicate(),)),
    "partial": ((4,), (Partial(),)),
    "rows, classes": ((2, 2), (Shard(0), Shard(1))),
    "classes, rows": ((2, 2), (Shard(1), Shard(0))),
    "classes twice": ((2, 2), (Shard(1), Shard(1))),
    "rows twice": ((2, 2), (Shard(0), Shard(0))),
    "rows, replicated": ((2, 2), (Shard(0), Replicate())),
}
"""By a name: the shape of a mesh, and the placements of the prediction on it."""


@cache
def mesh_of(shape):
    return init_device_mesh("cpu", shape)


def distributed(x, way):
    """Return a tensor placed as a prediction."""
    shape, placements = WAYS[way]
    mesh = mesh_of(shape)
    if not any(p.is_partial() for p in placements):
        return distribute_tensor(x, mesh, placements)
    return DTensor.from_local(x / mesh.size(), mesh, placements)


def whole(x):
    """Return a DTensor, or a tensor, as NumPy's array."""
    x = x.full_tensor() if isinstance(x, DTensor) else x
    return x.detach().numpy()


def tensors(given):
    return {k: torch.from_numpy(x) if isinstance(x, np.ndarray) else x for k, x in given.items()}


def derivatives(function, form, given, slope):
    """Return the value, its gradient by autograd, and the derivative of that along a slope."""
    x = given[form].detach().requires_grad_()
    value = function(**{**given, form: x})
    (g,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    if not g.requires_grad:  # the loss is linear
        return value, g, torch.zeros_like(g)
    (h,) = torch.autograd.grad((g * slope).sum(), x, allow_unused=True)
    return value, g, torch.zeros_like(g) if h is None else h


def assert_as_on_one(case, given, way, ulp=BOTH):
    """Hold value, gradient and second derivative to be those of one process."""
    given, form = tensors(given), case.form
    slope = torch.sin(torch.arange(given[form].numel(), dtype=torch.float64)).reshape((*ROWS, -1))
    there = {**given, form: distributed(given[form], way)}
    placed = [Replicate() if p.is_partial() else p for p in WAYS[way][1]]
    slope_there = distribute_tensor(slope, there[form].device_mesh, placed)
    want = derivatives(case.function, form, given, slope)
    got = derivatives(case.function, form, there, slope_there)
    value, g = case.both(**there)
    for x in (*got[1:], g):
        assert isinstance(x, DTensor)
        assert list(x.placements) == placed, (x.placements, placed)
    found, wanted = map(whole, (*got, value, g)), map(whole, (*want, *want[:2]))
    for x, y in list(zip(found, wanted, strict=True)):
        scale = None if y.ndim < 2 else np.max(np.abs(y), axis=-1, keepdims=True)
        assert_near(x, y, ulp, scale=scale)
