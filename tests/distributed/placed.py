"""Every loss, with its arrays placed on a mesh in many ways, beside the same on one process."""

from functools import cache

import numpy as np
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor

from tests.near import assert_near

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


def as_rows(x, way, of):
    """Return what is beside a prediction: as it is, or a DTensor in pieces along its first axis."""
    if of == "plain" or not isinstance(x, torch.Tensor):
        return x
    shape, _ = WAYS[way]
    return distribute_tensor(x, mesh_of(shape), [Shard(0), Replicate()][: len(shape)])


def derivatives(case, given, leaves):
    """Return the value, its derivatives, those of a sum of all of them, and one term of each of these.

    The second order is that of a square of what all processes have: its cotangents have derivatives too.
    Along the gradient's own direction and a little of another: along one that is nearly orthogonal to it the
    sum Σ slope · g, a factor of everything, would be a difference of equals.
    """
    value = case.function(**given)
    of = [given[name] for name in leaves]
    further = {"create_graph": True, "allow_unused": True}
    first = torch.autograd.grad(value.sum(), of, **further)
    sloped = torch.zeros(())
    for g in torch.autograd.grad(value.sum().square(), of, **further):
        if g is not None and g.requires_grad:
            whole_g = g.full_tensor() if isinstance(g, DTensor) else g
            slope = torch.cos(torch.arange(g.numel(), dtype=g.dtype)).reshape(g.shape) / 8
            own, peak = whole_g.detach(), whole_g.detach().abs().max()
            slope = slope + own / torch.where(peak == 0, 1, peak)
            sloped = sloped + (whole_g * slope).sum()
    second = [None] * len(of)
    if sloped.requires_grad:  # the loss is not linear
        second = torch.autograd.grad(sloped, of, allow_unused=True)
    # Of (Σ value)² it is the first derivative times what stands here, and more, which may cancel it.
    factor = whole(sloped) / whole(value.sum()) if sloped else 0.0
    assert np.isfinite(factor)
    return value, first, second, [None if g is None else g.detach() * float(factor) for g in first]


def assert_placed(x, like):
    """Hold a derivative to be placed as what it is of, be that a parameter or a tensor."""
    assert isinstance(x, DTensor) == isinstance(like, DTensor)
    if isinstance(like, DTensor):
        want = [Replicate() if p.is_partial() else p for p in like.placements]
        assert list(x.placements) == want


def assert_as_on_one(case, given, way, of="plain", others=False):
    """Hold value and derivatives, of first and second order, to be those of one process."""
    given, form = tensors(given), case.form
    floating = [
        k for k, x in given.items() if isinstance(x, torch.Tensor) and x.is_floating_point()
    ]
    leaves = floating if others else [form]
    there = {k: distributed(x, way) if k == form else as_rows(x, way, of) for k, x in given.items()}
    for every in (given, there):
        every |= {k: every[k].detach().clone().requires_grad_() for k in leaves}
    want, got = derivatives(case, given, leaves), derivatives(case, there, leaves)
    detached = {k: x.detach() if k in leaves else x for k, x in there.items()}
    pairs, derived = [(got[0], want[0], None)], []
    for inference in (False, True):
        with torch.inference_mode(inference):
            value, g = case.both(**detached)
        pairs.append((value, want[0], None))
        derived.append((g, want[1][leaves.index(form)], form, None))
    derived += zip(got[1], want[1], leaves, [None] * len(leaves), strict=True)
    derived += zip(got[2], want[2], leaves, want[3], strict=True)
    for x, y, name, term in derived:
        if x is not None and y is not None:
            assert_placed(x, there[name])
        nothing = torch.zeros_like(given[name])  # where autograd says that there is no derivative
        pairs.append((nothing if x is None else x, nothing if y is None else y, term))
    for x, y, term in pairs:
        sizes = [_size(of) for of in (y, term) if of is not None]
        assert_near(whole(x), whole(y), scale=np.maximum(*sizes) if len(sizes) > 1 else sizes[0])


def _size(x):
    """Return the largest of each row, of an array that has rows."""
    x = np.abs(whole(x))
    return np.max(x, axis=-1, keepdims=True) if x.ndim > 1 else np.max(x)
