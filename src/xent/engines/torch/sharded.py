"""DTensors: each process computes its rows and its classes, and what it makes is placed as its logits are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import array_api_compat.torch
import torch
from torch.distributed.tensor import DTensor, Replicate
from torch.utils._pytree import tree_map_only

from xent._check import meshes, values
from xent._namespace import Sight
from xent._plan import Operands, Plan
from xent._target import SOFTMAX_OF
from xent._typing import Array
from xent.engines.torch.across import parted
from xent.engines.torch.engine import Torch
from xent.engines.torch.layout import Layout, is_part, settled
from xent.engines.torch.local import Local


class Sharded(Torch):
    """Runs plans on DTensors, and on tensors beside them, which are the same on all processes."""

    spreads = True

    def sight(self, arrays: Iterable[Any]) -> Sight:
        """Return that nobody looks: what one process sees the others do not."""
        return Sight.TRACED if torch.compiler.is_compiling() else Sight.ELSEWHERE

    lends_views = True

    def look(self, operands: Operands) -> Any:
        """Raise: each process has a part of the values alone."""
        raise values.unreadable()

    def together(self, arrays: Mapping[str, Any]) -> Any:
        """Return the device; raise for two, for two meshes, and for a part that is taken for a whole."""
        device = super().together(arrays)
        spread = {name: x for name, x in arrays.items() if isinstance(x, DTensor)}
        first = next(iter(spread.values()))
        if any(x.device_mesh != first.device_mesh for x in spread.values()):
            raise meshes.mixed(spread)
        for name, x in arrays.items():
            for other, whole in spread.items():
                if name not in spread and is_part(x, whole):
                    raise meshes.part(name, x, other, whole)
        return device

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value, on all processes."""
        x = operands.prediction
        layout, own, operands = self._localised(plan, operands)
        value = Local(layout.groups[1]).value(own, operands)
        return self._placed(layout, plan, x, value)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and the gradient placed as the prediction is."""
        x: Any = operands.prediction
        layout, own, operands = self._localised(plan, operands)
        value, g = Local(layout.groups[1]).value_and_gradient(own, operands)
        if isinstance(x, DTensor):
            g = layout.whole(g, layout.placements, layout.shape).redistribute(placements=settled(x))
        return self._placed(layout, plan, x, value), g

    def _localised(self, plan: Plan, operands: Operands) -> tuple[Layout, Plan, Operands]:
        """Return how the prediction lies, and plan and operands of this process."""
        x: Any = operands.prediction
        mesh = next(y.device_mesh for y in operands[:-1] if isinstance(y, DTensor))
        placements = settled(x) if isinstance(x, DTensor) else [Replicate()] * mesh.ndim
        if plan.kernel.shape == "block" or plan.target is SOFTMAX_OF:
            placements = [Replicate() if p.is_shard(plan.axis) else p for p in placements]
        layout = Layout(mesh, tuple(placements), tuple(x.shape), plan.axis)
        local = layout.local
        whole, once = layout.placements, [Replicate()] * mesh.ndim
        pos_weight: Any = operands.pos_weight
        full = pos_weight is not None and pos_weight.ndim == x.ndim
        denominator: Any = operands.denominator
        operands = Operands(
            local(x, whole),
            local(operands.target, layout.of_rows if plan.target.by_label else whole),
            local(operands.class_weight, once if plan.target.by_label else layout.of_classes),
            local(pos_weight, whole if full else layout.of_classes),
            local(operands.sample_weight, layout.of_rows),
            local(operands.where, layout.of_rows),
            denominator.full_tensor() if isinstance(denominator, DTensor) else denominator,
            tree_map_only(DTensor, DTensor.full_tensor, operands.numbers),
        )
        across = layout.groups[0]
        return layout, parted(plan, across) if across else plan, operands

    def _placed(self, layout: Layout, plan: Plan, x: Any, value: Any) -> Any:
        """Return the value as a DTensor."""
        shape, axis = layout.shape, plan.row_axis
        if plan.reduction != "none":
            return layout.whole(value, [Replicate()] * layout.mesh.ndim, ())
        if axis is not None:
            return layout.whole(value, layout.of_rows, shape[:axis] + shape[axis + 1 :])
        value = layout.whole(value, layout.placements, shape)
        return value.redistribute(placements=settled(x)) if isinstance(x, DTensor) else value


SHARDED = Sharded(array_api_compat.torch, "torch")
