"""How arrays lie on a mesh of processes, and how a tensor and what is placed as it go in and out."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any, NamedTuple

import torch
from torch.distributed.tensor import DTensor, Replicate, Shard

from xent.engines.torch.exchange import Group, entering


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
        if not isinstance(x, DTensor) and any(p.is_shard() for p in placed):
            x = DTensor.from_local(x, self.mesh, [Replicate()] * self.mesh.ndim, run_check=False)
        if isinstance(x, DTensor):
            x = x if list(x.placements) == placed else x.redistribute(self.mesh, placed)
            x = x.to_local()
        return entering(x, [group for group in self.groups[1] if placed[group[1]].is_replicate()])

    def whole(self, x: Any, placements: Iterable[Any], shape: tuple[int, ...]) -> Any:
        """Return a DTensor of the parts of all processes."""
        given: dict[str, Any] = {}
        if shape:
            strides = [prod(shape[i + 1 :]) for i in range(len(shape))]
            given = {"shape": torch.Size(shape), "stride": tuple(strides)}
        x = x.contiguous()
        return DTensor.from_local(x, self.mesh, list(placements), run_check=False, **given)


def settled(x: Any) -> list[Any]:
    """Return the placements of a prediction but for those that xent has no use for."""
    return [p if type(p) is Shard else Replicate() for p in x.placements]


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
