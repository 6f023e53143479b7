"""How arrays lie on a mesh of processes, and how a tensor and what is placed as it go in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any, NamedTuple

import torch
from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.utils._pytree import tree_map_only

from xent._plan import Operands, Plan
from xent.engines.torch.exchange import Group, entering
from xent.engines.torch.part_of import parted


class Layout(NamedTuple):
    """How the prediction lies on a mesh.

    Attributes
    ----------
    mesh : the processes
    placements : of the prediction, for each dimension of the mesh
    shape : of all of it
    axis : the class axis, None for none
    """

    mesh: Any
    placements: tuple[Any, ...]
    shape: tuple[int, ...]
    axis: int | None

    @property
    def of_rows(self) -> list[Any]:
        """The placements of an array with one entry per row."""
        return [self._of_row(p) for p in self.placements]

    def _of_row(self, p: Any) -> Any:
        if self.axis is None or not p.is_shard():
            return p
        return Replicate() if p.dim == self.axis else Shard(p.dim - (p.dim > self.axis))

    @property
    def of_classes(self) -> list[Any]:
        """The placements of an array with one entry per class."""
        axis = len(self.shape) - 1 if self.axis is None else self.axis
        return [Shard(0) if p.is_shard(axis) else Replicate() for p in self.placements]

    @property
    def groups(self) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
        """The processes that share the classes of rows, and those that have other rows."""
        shared = [(self.mesh, i) for i, p in enumerate(self.placements) if p.is_shard()]
        across = tuple(g for g in shared if self.placements[g[1]].dim == self.axis)
        return across, tuple(g for g in shared if g not in across)

    def local(self, x: Any, placements: Iterable[Any]) -> Any:
        """Return the part of this process of what is placed so; other rows may use it too."""
        if x is None:
            return None
        placed = list(placements)
        if any(p.is_shard() for p in placed):
            x = spread(x, self.mesh)
        if isinstance(x, DTensor):
            x = x if list(x.placements) == placed else x.redistribute(self.mesh, placed)
            x = here(x)
        return entering(x, [group for group in self.groups[1] if placed[group[1]].is_replicate()])

    def whole(self, x: Any, placements: Iterable[Any], shape: tuple[int, ...]) -> Any:
        """Return a DTensor of the parts of all processes."""
        stride = tuple(prod(shape[i + 1 :]) for i in range(len(shape)))
        like = self.mesh, list(placements), torch.Size(shape), stride
        return _Whole.apply(x.contiguous(), *like)


class _Here(torch.autograd.Function):
    """`DTensor.to_local`, whose own derivative can't be differentiated in torch 2.11."""

    @staticmethod
    def forward(ctx: Any, x: Any, placements: Any) -> Any:
        ctx.like = x.device_mesh, placements, x.shape, x.stride()
        own = x.to_local()
        return own.view_as(own)

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        return _Whole.apply(w, *ctx.like), None


class _Whole(torch.autograd.Function):
    """`DTensor.from_local`, whose own derivative, where it lies otherwise, has none."""

    @staticmethod
    def forward(ctx: Any, x: Any, mesh: Any, placements: Any, shape: Any, stride: Any) -> Any:
        ctx.placements = placements
        given = {"run_check": False, "shape": shape, "stride": stride}
        return DTensor.from_local(x, mesh, placements, **given)

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        lies = added_up(ctx.placements)
        w = w if list(w.placements) == lies else w.redistribute(placements=lies)
        return (here(w, ctx.placements),) + (None,) * 4


def spread(x: Any, mesh: Any) -> Any:
    """Return a DTensor as it is, and a tensor, the same on all processes, as one."""
    if isinstance(x, DTensor):
        return x
    return _Whole.apply(x, mesh, [Replicate()] * mesh.ndim, x.shape, x.stride())


def here(x: Any, placements: Any = None) -> Any:
    """Return the part of this process, whose derivative's parts are placed as it is, or so."""
    return _Here.apply(x, placements or settled(x))


def settled(x: Any) -> list[Any]:
    """Return the placements that xent computes in: cut along an axis, or whole, as any other kind is made."""
    return [p if type(p) is Shard else Replicate() for p in x.placements]


def added_up(placements: Iterable[Any]) -> list[Any]:
    """Return the placements of a derivative: those of what it is of, of any kind, but whole for a sum."""
    return [Replicate() if p.is_partial() else p for p in placements]


def of_whole_rows(placements: Iterable[Any], ndim: int, axis: int | None) -> list[Any]:
    """Return placements where no row along an axis is cut: other rows go to each process."""
    if axis is None:  # each element is a row
        return list(placements)
    other = next((i for i in range(ndim) if i != axis), None)
    whole = Replicate() if other is None else Shard(other)
    return [whole if p.is_shard(axis) else p for p in placements]


def whole_rows(x: Any, axis: int | None) -> Any:
    """Return an array, a DTensor with whole rows."""
    if not isinstance(x, DTensor):
        return x
    return x.redistribute(placements=of_whole_rows(settled(x), x.ndim, axis))


def of_own_rows(function: Callable[..., Any], axis: int, *arrays: Any) -> Any:
    """Return ``function(*arrays)`` of tensors, or of DTensors with the same rows: of each process's own."""
    placed = [x.device_mesh for x in arrays if isinstance(x, DTensor)]
    if not placed:
        return function(*arrays)
    first = whole_rows(spread(arrays[0], placed[0]), axis)
    layout = Layout(placed[0], tuple(first.placements), tuple(first.shape), axis)
    made = function(*(layout.local(x, layout.placements) for x in (first, *arrays[1:])))
    shape = *layout.shape[:axis], made.shape[axis], *layout.shape[axis + 1 :]
    return layout.whole(made, layout.placements, shape)


def once(x: Any) -> Any:
    """Return an array, a DTensor the same on all processes."""
    if not isinstance(x, DTensor):
        return x
    return x.redistribute(placements=[Replicate()] * x.device_mesh.ndim)


def is_part(x: Any, whole: Any) -> bool:
    """Whether the shape of a tensor fits that of a process's own part, and not that of the whole."""

    def fitting(shape: Any) -> list[Any]:
        return [
            tuple(shape),
            *(tuple(shape[:i]) + tuple(shape[i + 1 :]) for i in range(len(shape))),
        ]

    shape = tuple(x.shape)
    return (
        len(shape) > 0
        and shape in fitting(whole.to_local().shape)
        and shape not in fitting(whole.shape)
    )


def parts(layout: Layout, plan: Plan, operands: Operands, x: Any) -> tuple[Plan, Operands]:
    """Return plan and operands of this process, whose prediction is ``x``."""
    local, whole, once = layout.local, layout.placements, [Replicate()] * layout.mesh.ndim
    by_label, of_classes = plan.target.by_label, layout.of_classes
    pos_weight: Any = operands.pos_weight
    if pos_weight is not None:
        full = pos_weight.ndim == len(layout.shape)
        pos_weight = local(pos_weight, whole if full else of_classes if pos_weight.ndim else once)
    denominator: Any = operands.denominator
    operands = Operands(
        x,
        local(operands.target, layout.of_rows if by_label else whole),
        local(operands.class_weight, once if by_label else of_classes),
        pos_weight,
        local(operands.sample_weight, layout.of_rows),
        local(operands.where, layout.of_rows),
        denominator.full_tensor() if isinstance(denominator, DTensor) else denominator,
        local(operands.target_probs, layout.of_rows),
        numbers=tree_map_only(DTensor, DTensor.full_tensor, operands.numbers),
    )
    across = layout.groups[0]
    return parted(plan, across) if across else plan, operands


def placed(layout: Layout, plan: Plan, x: Any, value: Any) -> Any:
    """Return a value as a DTensor: of each element, as the prediction ``x`` is placed."""
    shape, axis = layout.shape, plan.row_axis
    if plan.reduction != "none":
        return layout.whole(value, [Replicate()] * layout.mesh.ndim, ())
    if axis is not None:
        return layout.whole(value, layout.of_rows, shape[:axis] + shape[axis + 1 :])
    value = layout.whole(value, layout.placements, shape)
    return (
        value.redistribute(placements=added_up(x.placements)) if isinstance(x, DTensor) else value
    )
