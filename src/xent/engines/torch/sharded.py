"""DTensors: each process computes its rows and its classes, and what it makes is placed as its logits are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import repeat
from typing import Any

import array_api_compat.torch
import torch
from torch.distributed.tensor import DTensor, Replicate
from torch.distributed.tensor.experimental import implicit_replication
from torch.utils._pytree import tree_leaves, tree_map_only

from xent._check import meshes, values
from xent._linear import Chunks, Gradients, Head
from xent._namespace import Sight
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines.head_loop import with_target
from xent.engines.torch.engine import Torch
from xent.engines.torch.followed import Recorded
from xent.engines.torch.head import Share, entered
from xent.engines.torch.layout import (
    Layout,
    added_up,
    here,
    is_part,
    of_own_rows,
    of_whole_rows,
    once,
    parts,
    placed,
    settled,
    spread,
    whole_rows,
)
from xent.engines.torch.local import Local


class RowWise(Recorded):
    """The verbs of DTensors: what an index asks for, each process finds in its own rows.

    torch would cut the classes where that sends less, as in a derivative of a derivative: a process that
    has none of them then looks into nothing, and ends.
    """

    def abs(self, x: Any) -> Any:
        """Return ``|x|``, in whose third derivative torch has zeros that lie on no mesh."""
        return x * torch.sign(x).detach()

    def isnan(self, x: Any) -> Any:
        """Whether ``x`` is NaN; torch 2.11 compares no DTensors by `!=`."""
        return torch.isnan(x)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``."""
        return of_own_rows(partial(super().pick, axis=axis), axis, x, index)

    entries = pick

    def added(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return ``x`` with ``value`` added at ``index``."""
        return of_own_rows(partial(super().added, axis=axis), axis, x, index, value)


class Sharded(Torch):
    """Runs plans on DTensors, and on tensors beside them, which are the same on all processes."""

    namespace = RowWise
    spreads = True
    measures_beside = False

    def sight(self, arrays: Iterable[Any]) -> Sight:
        """Return that nobody looks: what one process sees the others do not."""
        return Sight.TRACED if torch.compiler.is_compiling() else Sight.ELSEWHERE

    lends_views = True

    def look(self, operands: Operands) -> Any:
        """Raise: each process has a part of the values alone."""
        raise values.unreadable()

    def measures_columns(self, head: Head, operands: Operands, chunks: Chunks) -> bool:
        """Return that a process has no whole columns."""
        return False

    def together(self, arrays: Mapping[str, Any]) -> Any:
        """Return the device; raise for two, for two meshes, and for a part that is taken for a whole."""
        device = super().together(arrays)
        on = {name: x.device_mesh for name, x in arrays.items() if isinstance(x, DTensor)}
        if any(mesh != next(iter(on.values())) for mesh in on.values()):
            raise meshes.mixed(on)
        other = "features" if "features" in arrays else next(iter(on))  # not the rows of a weight
        for name, x in arrays.items():
            if other in on and name not in (*on, *OF_CLASSES) and is_part(x, arrays[other]):
                raise meshes.part(name, x, other, arrays[other])
        return device

    def beside(self, arrays: list[Any]) -> list[Any]:
        """Return tensors as DTensors, whose derivatives lie as they do."""
        mesh = next(x.device_mesh for x in arrays if isinstance(x, DTensor))
        return [None if x is None else entered(x, mesh) for x in arrays]

    def placed(self, g: Any, x: Any) -> Any:
        """Return a gradient placed as what it is of, or whole."""
        if isinstance(x, DTensor):
            return spread(g, x.device_mesh).redistribute(placements=added_up(x.placements))
        return g.full_tensor() if isinstance(g, DTensor) else g

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``; what it makes of numbers is the same on all processes.

        A compiler takes it for that itself, and does not follow torch's context, which would end another.
        """
        if torch.compiler.is_compiling() or DTensor._op_dispatcher._allow_implicit_replication:
            return function(*args)
        with implicit_replication():
            return function(*args)

    def by_row(self, function: Callable[..., Array], x: Any, axis: int) -> Any:
        """Return ``function(xp, x, axis)``, each row on one process."""
        x = whole_rows(x, axis)
        layout = Layout(x.device_mesh, tuple(x.placements), tuple(x.shape), axis)
        made: Any = function(self.xp, here(x), axis)
        rows = layout.shape[:axis] + layout.shape[axis + 1 :]
        return layout.whole(made, layout.of_rows, (*rows, *made.shape[len(rows) :]))

    def apply(self, function: Callable[..., Any], plan: Any, *arrays: Any) -> Any:
        """Return ``function(self, plan, *arrays)`` by torch's own operations, on whole rows and heads.

        What it makes, of the prediction or of each array of a head, is placed as that is.
        """
        if isinstance(plan, Plan):
            of: Any = repeat(arrays[0].prediction)
            every: Any = tree_map_only(DTensor, partial(whole_rows, axis=plan.axis), arrays)
        else:
            *heads, operands = arrays
            of, every = heads[0], [*map(_whole_head, heads), _with_whole_teacher(operands)]
        # As DTensors, so that what is made can be differentiated where nothing is replicated any more.
        mesh = next(x.device_mesh for x in tree_leaves(arrays) if isinstance(x, DTensor))
        every = tree_map_only(torch.Tensor, partial(spread, mesh=mesh), every)
        made = super().apply(function, plan, *every)
        there = (None if g is None else self.placed(g, x) for g, x in zip(made, of, strict=False))
        return Gradients(*there) if isinstance(made, Gradients) else tuple(there)

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value, on all processes."""
        x: Any = operands.prediction
        layout, own, operands = self._localised(plan, operands)
        value = Local(layout.groups[1]).value(own, operands)
        return placed(layout, plan, x, value)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and the gradient placed as the prediction is."""
        x: Any = operands.prediction
        layout, own, operands = self._localised(plan, operands)
        value, g = Local(layout.groups[1]).value_and_gradient(own, operands)
        if isinstance(x, DTensor):
            g = layout.whole(g, layout.placements, layout.shape)
            g = g.redistribute(placements=added_up(x.placements))
        return placed(layout, plan, x, value), g

    def _localised(self, plan: Plan, operands: Operands) -> tuple[Layout, Plan, Operands]:
        """Return how the prediction lies, and plan and operands of this process."""
        x: Any = operands.prediction
        mesh = next(y.device_mesh for y in operands[:-1] if isinstance(y, DTensor))
        placements = settled(x) if isinstance(x, DTensor) else [Replicate()] * mesh.ndim
        if not plan.kernel.merges:  # rows must be whole: other rows go to each process
            placements = of_whole_rows(placements, x.ndim, plan.axis)
        layout = Layout(mesh, tuple(placements), tuple(x.shape), plan.axis)
        return layout, *parts(layout, plan, operands, layout.local(x, placements))

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss, on all processes."""
        return Share(plan, head, self._with_target(plan, operands), chunks).value()

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss, and its gradients placed as what they are of."""
        return Share(plan, head, self._with_target(plan, operands), chunks).value_and_gradient()

    def _with_target(self, plan: Plan, operands: Operands) -> Operands:
        """Return operands whose target are logits, made by a second head wherever it lies."""

        def product(*head: Any) -> Any:
            cut = any(isinstance(x, DTensor) for x in head)
            features, weight, bias = self.beside(list(head)) if cut else head
            return torch.nn.functional.linear(features, weight, bias)

        return with_target(self.xp, plan, operands, product)


def _whole_head(head: Head) -> Head:
    """Return a head the same on all processes, and features of whole rows."""
    return Head(whole_rows(head.features, 1), once(head.weight), once(head.bias))


def _with_whole_teacher(operands: Operands) -> Operands:
    """Return operands of a linear loss, the target's rows whole too, and a head that makes them."""
    target = tree_map_only(DTensor, partial(whole_rows, axis=1), operands.target)
    weight, bias = once(operands.target_weight), once(operands.target_bias)
    return operands._replace(target=target, target_weight=weight, target_bias=bias)


OF_CLASSES = ("weight", "bias", "class_weight", "pos_weight")
"""Arrays whose shape says nothing of rows."""

SHARDED = Sharded(array_api_compat.torch, "torch")
