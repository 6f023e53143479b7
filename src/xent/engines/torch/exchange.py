"""What processes tell each other, and what that is in a backward pass.

What is equal on all processes of a group has an equal cotangent on each; where such a number enters what
each process computes of its own rows or classes alone, the cotangents of the processes are added.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed._functional_collectives as collectives

Group = tuple[Any, int]
"""A mesh and one of its dimensions: the processes that differ in that coordinate alone."""


_gather: Any = getattr(collectives, "all_gather_single", None)  # the name since torch 2.13
_gather = _gather or collectives.all_gather_tensor


class Gathered(torch.autograd.Function):
    """The tensors of all processes of a group, stacked in their order along a new first axis."""

    @staticmethod
    def forward(ctx: Any, x: Any, group: Group) -> Any:
        ctx.group = group
        every = _gather(x[None].contiguous(), 0, group)
        return every.wait() if isinstance(every, collectives.AsyncCollectiveTensor) else every

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        return Own.apply(w, ctx.group), None


class Own(torch.autograd.Function):
    """The entry of this process in what is equal on all of them, by their order along the first axis."""

    @staticmethod
    def forward(ctx: Any, every: Any, group: Group) -> Any:
        ctx.group = group
        mesh, dim = group
        return every[mesh.get_local_rank(dim)].clone()

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        return Gathered.apply(w, ctx.group), None


def summed(x: Any, groups: Any) -> Any:
    """Return the sum of what the processes have, in an order that is the same on each."""
    for group in groups:
        x = Gathered.apply(x, group).sum(0)
    return x


def entering(x: Any, groups: Iterable[Group]) -> Any:
    """Return what is equal on all processes as each uses it for its own rows or classes alone."""
    if torch.is_grad_enabled() and x.requires_grad:
        for mesh, dim in groups:
            x = Own.apply(x.expand(mesh.size(dim), *x.shape), (mesh, dim))
    return x
