"""A linear head on many processes: rows, classes, or both; each computes its share, chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import array_api_compat.torch
import torch
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard

from xent._linear import FEW, Chunks, Gradients, Head
from xent._plan import Operands, Plan
from xent._rows import divided_by, rows_and_gradient_of, rows_of
from xent._typing import Array
from xent.engines.torch.across import Across
from xent.engines.torch.choice import engine_of
from xent.engines.torch.exchange import entering, summed
from xent.engines.torch.layout import Layout, added_up, here, parts, placed, spread
from xent.engines.torch.local import Local
from xent.engines.torch.tensor import HOST
from xent.engines.torch.values import Unseen


class Strips(Unseen):
    """Runs the chunks of a head whose classes lie on several processes, each in one block."""

    def rows(self, plan: Plan, operands: Operands, w: Array | None = None) -> Any:
        """Return the loss of each row, with ``w`` the gradient of Σ w · loss too."""
        if w is None:
            return rows_of(self.xp, plan, operands)
        return rows_and_gradient_of(self.xp, plan, operands, w)

    rows_and_gradient = rows


STRIPS = Strips(array_api_compat.torch, "torch")


@dataclass(frozen=True)
class Even(Chunks):
    """Chunks of as many rows on each process, whatever classes it has."""

    widest: int = 0

    @property
    def _size(self) -> tuple[int, int]:
        return self.shape[0], self.widest


class Heads(Local):
    """Runs linear heads on the part of a process; the sum over rows is left to who asks."""

    def __init__(self, *, strips: bool) -> None:
        super().__init__(())
        if strips:
            self.engine_of = _strips


def _strips(tensors: Any) -> Any:
    """Return the engine for values of classes on several processes, None where these are not there."""
    return None if engine_of(tensors) is None else STRIPS


class Placed(torch.autograd.Function):
    """A DTensor, whose derivative is placed as it is itself."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.placements = added_up(x.placements)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        return w.redistribute(placements=ctx.placements)


def entered(x: Any, mesh: Any) -> Any:
    """Return a tensor as a DTensor whose derivative lies as it does; a plain one is the same everywhere."""
    return Placed.apply(spread(x, mesh))


AXES = ((0, None), (None, 0), (None, 0))
"""Of features, weight and bias: along which axis they have rows, and classes."""


class Share:
    """The share of a process in a linear loss.

    The dimensions of the mesh that cut the features cut the rows, and those that cut the weight alone the
    classes, where rows need not be whole: what is cut along the rows' own is gathered once.
    """

    def __init__(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> None:
        every = (*head, *operands[1:-1])
        self.given, self.mesh = head, next(x.device_mesh for x in every if isinstance(x, DTensor))
        self.rows = _cut(head.features)
        of_classes = _cut(head.weight) if plan.kernel.merges else ()
        self.classes = tuple(i for i in of_classes if i not in self.rows)
        shape = (head.features.shape[0], head.weight.shape[0])
        self.layout = Layout(self.mesh, tuple(self._placements(0, 1)), shape, plan.axis)
        self.head = Head(*map(self._entered, head, AXES))
        self.own = self.head.weight.shape[0]
        self.of_rows, self.whole = Local(self.layout.groups[1]), plan
        plan, operands = parts(self.layout, plan, operands, self.head.features)
        if isinstance(plan.kernel, Across):
            self.head, operands = self._with_classes(plan, operands)
        self.plan, self.operands = self._divided(plan, operands)
        self.engine = Heads(strips=isinstance(plan.kernel, Across))
        self.chunks = self._cuts(chunks)

    def value(self) -> Array:
        """Return the value, on all processes."""
        value = self.engine.linear_value(self.plan, self.head, self.operands, self.chunks)
        return self._total(value)

    def value_and_gradient(self) -> tuple[Array, Gradients]:
        """Return the value, and the gradients placed as what they are of."""
        given = self.plan, self.head, self.operands, self.chunks
        value, gradients = self.engine.linear_value_and_gradient(*given)
        features, *others = gradients
        gradients = Gradients(features, *(None if g is None else g[: self.own] for g in others))
        return self._total(value), Gradients(*map(self._left, gradients, self.given, AXES))

    def _placements(self, rows: int | None, classes: int | None, *, summed: bool = False) -> Any:
        """Return how what has rows and classes along these axes is placed, or the shares of its gradient."""
        missing = Partial() if summed else Replicate()
        axes = {**dict.fromkeys(self.rows, rows), **dict.fromkeys(self.classes, classes)}
        each = [axes.get(i, -1) for i in range(self.mesh.ndim)]
        return [Replicate() if a == -1 else missing if a is None else Shard(a) for a in each]

    def _entered(self, x: Any, axes: tuple[int | None, int | None]) -> Any:
        """Return the part of this process of an array of the head."""
        if x is None:
            return None
        x = entered(x, self.mesh).redistribute(placements=self._placements(*axes))
        return here(x, self._placements(*axes, summed=True))

    def _left(self, g: Any, x: Any, axes: tuple[int | None, int | None]) -> Any:
        """Return the gradient of an array of the head, from the shares of all processes."""
        if g is None:
            return None
        g = self.layout.whole(g, self._placements(*axes, summed=True), tuple(x.shape))
        if isinstance(x, DTensor):
            return g.redistribute(placements=added_up(x.placements))
        return g.full_tensor()

    def _with_classes(self, plan: Plan, operands: Operands) -> tuple[Head, Operands]:
        """Return head and operands with a class that counts nowhere, where the process has none."""
        kernel: Any = plan.kernel
        features, weight, bias = self.head
        fill = kernel.part.filled
        bias = None if bias is None else fill(bias, 0, 0.0)
        target, weights = operands.target, operands.class_weight
        if plan.target.by_label and weights is not None:
            # As wide as one class, so that no chunk cuts it to its own.
            operands = operands._replace(class_weight=weights[:, None])
        elif not plan.target.by_label:
            weights = None if weights is None else fill(weights, 0, 1.0)
            operands = operands._replace(target=fill(target, 1, 0.0), class_weight=weights)
        return Head(features, fill(weight, 0, 0.0), bias), operands

    def _divided(self, plan: Plan, operands: Operands) -> tuple[Plan, Operands]:
        """Return plan and operands that are divided by the divisor of the rows of all processes."""
        shape = self.layout.shape if plan.row_axis is None else self.layout.shape[:1]
        given, local = operands.denominator, operands.prediction.shape[:1]
        if plan.row_axis is None:
            local = (*local, self.head.weight.shape[0])
        xp = self.of_rows.xp
        plan, operands = divided_by(xp, plan, operands, tuple(local), counted=True)
        divisor: Any = operands.denominator
        if given is None and isinstance(divisor, int):
            features: Any = self.head.features
            dtype = torch.float32 if plan.half else features.dtype
            divisor = torch.full((), prod(shape), dtype=dtype, device=features.device)
        elif given is None and divisor is not None:
            divisor = self._summed(divisor)
        if isinstance(divisor, torch.Tensor):
            divisor = entering(divisor, self.layout.groups[1])
        return plan, operands._replace(denominator=divisor)

    def _summed(self, x: Any) -> Any:
        return summed(x, self.layout.groups[1])

    def _total(self, value: Any) -> Any:
        if self.plan.reduction != "none":
            value = self._summed(value)
        return placed(self.layout, self.whole, None, value)

    def _cuts(self, chunks: Chunks) -> Chunks:
        """Return how the logits of this process are cut into chunks."""
        features: Any = self.head.features
        elsewhere = features.device.type != HOST
        shape = (features.shape[0], self.head.weight.shape[0])
        own = replace(chunks, shape=shape, elsewhere=elsewhere)
        kernel = self.plan.kernel
        if not isinstance(kernel, Across):
            return own
        # One block, with temporaries of its size.
        budget = own.budget if own.asked else own.budget // 4
        least = FEW * kernel.part.widest * own.size
        return Even(
            max(budget, least), shape, own.size, own.width, elsewhere, widest=kernel.part.widest
        )


def _cut(x: Any) -> tuple[int, ...]:
    """Return the dimensions of the mesh that cut the first axis of a DTensor."""
    placements = x.placements if isinstance(x, DTensor) else ()
    return tuple(i for i, p in enumerate(placements) if p == Shard(0))
