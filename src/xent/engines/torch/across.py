"""A part of the classes of each row, on one of several processes: a few numbers make rows whole.

What is equal on all processes of a group has an equal cotangent on each; where such a number enters what
each process computes of its own classes alone, the cotangents of the processes are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from typing import Any

import torch
import torch.distributed._functional_collectives as collectives

from xent._kernel import Kernel, Statistics
from xent._plan import Operands, Plan, Target
from xent._typing import Verbs

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


@dataclass(frozen=True)
class Part:
    """The classes of this process.

    Attributes
    ----------
    groups : those that share a row's classes, the one that has them in the largest pieces first
    classes : how many there are on all processes
    """

    groups: tuple[Group, ...]
    classes: int

    @property
    def own(self) -> slice:
        """The classes of this process, which may be none."""
        return self._of([mesh.get_local_rank(dim) for mesh, dim in self.groups])

    def _of(self, ranks: Any) -> slice:
        start, stop = 0, self.classes
        for (mesh, dim), rank in zip(self.groups, ranks, strict=True):
            step = -(-(stop - start) // mesh.size(dim))
            start, stop = min(start + rank * step, stop), min(start + (rank + 1) * step, stop)
        return slice(start, stop)

    def entering(self, x: Any) -> Any:
        """Return a number that is equal on all processes, as each uses it for its own classes."""
        if torch.is_grad_enabled() and x.requires_grad:
            for mesh, dim in self.groups:
                x = Own.apply(x.expand(mesh.size(dim), *x.shape), (mesh, dim))
        return x

    def filled(self, x: Any, axis: int, filler: float) -> Any:
        """Return a tensor of this process's classes; of none, as one that counts nowhere."""
        if x.shape[axis] > 0:
            return x
        shape = list(x.shape)
        shape[axis] = 1
        return torch.cat([x, x.new_full(shape, filler)], axis)

    def whole(self, xp: Any, kernel: Kernel, s: Statistics) -> Statistics:
        """Return the statistics of whole rows, merged in the order of the classes."""
        numbers = torch.stack([x.to(_floating(s)) for x in leaves(s)])
        for group in reversed(self.groups):
            numbers = Gathered.apply(numbers, group)
        ranks = product(*(range(mesh.size(dim)) for mesh, dim in self.groups))
        parts = numbers.reshape(-1, *numbers.shape[len(self.groups) :])
        there = [
            like(s, iter(x))
            for x, rank in zip(parts, ranks, strict=True)
            if self._of(rank).start < self._of(rank).stop
        ]
        return reduce(lambda a, b: kernel.merge(xp, a, b), there)


def leaves(s: Statistics) -> list[Any]:
    """Return the arrays of statistics."""
    return [x for part in s for x in leaves(part)] if isinstance(s, tuple) else [s]


def like(s: Statistics, numbers: Iterator[Any]) -> Statistics:
    """Return numbers in the structure and the dtypes of statistics."""
    if isinstance(s, tuple):
        return type(s)(*(like(part, numbers) for part in s))
    return next(numbers).to(s.dtype)


def _floating(s: Statistics) -> Any:
    return next(x.dtype for x in leaves(s) if x.is_floating_point())


@dataclass(frozen=True)
class Across(Kernel):
    """A kernel whose rows have their classes on several processes.

    Attributes
    ----------
    inner : the kernel of a whole row
    part : the classes of this process
    known : the statistics of the whole rows, where they have been exchanged before
    """

    inner: Kernel
    part: Part
    known: Statistics = None

    def filled(self, numbers: tuple[Any, ...]) -> Kernel:
        """Return the kernel with numbers in place of the holes of the inner one."""
        return replace(self, inner=self.inner.filled(numbers)) if numbers else self

    def measure(self, xp: Any, prediction: Any, target: Any, axis: Any) -> tuple[Statistics, None]:
        """Return the statistics of whole rows: those of the part, exchanged."""
        if self.known is not None:
            return self.known, None
        s, _ = self.inner.measure(xp, prediction, target, axis)
        return self.part.whole(xp, self.inner, s), None

    def value(self, xp: Any, s: Statistics) -> Any:
        """Return the loss of each row."""
        return self.inner.value(xp, s)

    def gradient(
        self, xp: Any, prediction: Any, target: Any, s: Statistics, made: None, w: Any, axis: Any
    ) -> Any:
        """Return the gradient of the part."""
        s, w = self._entering(s), self.part.entering(w)
        return self.inner.gradient(xp, prediction, target, s, None, w, axis)

    def target_gradient(
        self, xp: Any, prediction: Any, target: Any, s: Statistics, w: Any, axis: Any
    ) -> Any:
        """Return the gradient of the part of the target."""
        s, w = self._entering(s), self.part.entering(w)
        return self.inner.target_gradient(xp, prediction, target, s, w, axis)

    def _entering(self, s: Statistics) -> Statistics:
        if not torch.is_grad_enabled():
            return s
        numbers = torch.stack([x.to(_floating(s)) for x in leaves(s)])
        return like(s, iter(self.part.entering(numbers)))


class PartOf(Target):
    """A target of which this process has a part of the classes; a label is what all of them have."""

    def __init__(self, inner: Target, part: Part) -> None:
        super().__init__(inner.name)
        self.inner, self.part = inner, part
        for name in ("by_label", "soft", "counts", "costs"):
            setattr(self, name, getattr(inner, name))

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the part of the target as the kernel takes it."""
        own, weights = self.part.own, operands.class_weight
        if self.by_label and self.soft and weights is not None:
            weights = self.part.filled(self.part.entering(weights)[own], 0, 1.0)
            operands = operands._replace(class_weight=weights)
        return self.inner.ready(xp, plan, operands, own.start)

    def mass(self, xp: Verbs, plan: Plan, operands: Operands) -> Any:
        """Return what a row counts, of all its classes."""
        mass = self.inner.mass(xp, plan, operands)
        return mass if mass is None or self.by_label else summed(mass, self.part.groups)


def parted(plan: Plan, groups: tuple[Group, ...]) -> Plan:
    """Return the plan of a process that has a part of the classes."""
    part = Part(groups, plan.classes)
    penalty = None if plan.penalty is None else Across(plan.penalty, part)
    target = PartOf(plan.target, part)
    return replace(plan, kernel=Across(plan.kernel, part), target=target, penalty=penalty)
