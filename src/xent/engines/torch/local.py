"""The part of a process: its rows and classes, computed there, and sums completed over all processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import log
from typing import Any

import array_api_compat.torch
import torch
from torch.utils._pytree import tree_map_only

from xent._engine import Engine, value_of
from xent._kernel import Statistics
from xent._made_target import SOFTMAX_OF
from xent._nested import leaves, mapped
from xent._plan import READY, Operands, Plan, masked, widened
from xent._rounds import Round
from xent._rows import reduced, rows_and_gradient_of, times
from xent._target import along, ready
from xent._typing import Array
from xent.engines import blocks
from xent.engines.torch.across import Across, filled_as, joint
from xent.engines.torch.choice import engine_of
from xent.engines.torch.engine import TORCH, Torch
from xent.engines.torch.exchange import Gathered, Group
from xent.engines.torch.function import operands_of, target_gradients
from xent.engines.torch.part_of import PartOf
from xent.engines.torch.tensor import differentiable


class Parted(torch.autograd.Function):
    """The rows of a plan whose classes lie on several processes; their statistics are exchanged once."""

    @staticmethod
    def forward(ctx: Any, work: Any, *saved: Any) -> Any:
        operands = operands_of(work.numbers, saved)
        xp, plan = verbs(work.engine, saved), work.plan
        kernel = plan.kernel.filled(work.numbers.kernel)
        s = kernel.exchanged(xp, lambda now: _measured(xp, plan, now, operands))
        ctx.work, ctx.count, ctx.like = work, len(saved), s
        ctx.save_for_backward(*saved, *leaves(s))
        ctx.set_materialize_grads(False)
        rows = kernel.value(xp, s)
        return rows if plan.row_axis is None else xp.squeeze(rows, axis=plan.axis)

    @staticmethod
    def backward(ctx: Any, w: Any) -> Any:
        work, wanted = ctx.work, ctx.needs_input_grad[4:]
        if w is None:
            return (None,) * len(ctx.needs_input_grad)
        every = ctx.saved_tensors  # read once: a checkpoint unpacks no tensor a second time
        saved, numbers = every[: ctx.count], every[ctx.count :]
        plan, xp, operands = work.plan, work.engine.xp, operands_of(work.numbers, saved)
        kernel: Any = plan.kernel
        if torch.is_grad_enabled():
            filled = kernel.filled(work.numbers.kernel)
            s, _ = filled.measure(xp, *ready(xp, plan, operands), plan.axis)
            kernel, w = kernel.entered(s, along(w, plan.row_axis), plan.axis)
            w = w if plan.row_axis is None else xp.squeeze(w, axis=plan.axis)
        else:
            xp = verbs(work.engine, saved)
            kernel = replace(kernel, known=filled_as(ctx.like, iter(numbers)))
        plan = replace(plan, kernel=kernel)
        g: Any = _gradient(xp, plan, operands, w) if wanted[0] else None
        d_targets: list[Any] = [None] * (len(wanted) - 1)
        if any(wanted[1:]):
            d_targets = target_gradients(work.engine, plan, operands, w)
        return (None,) * 4 + (g, *d_targets)


def verbs(engine: Engine, tensors: Iterable[Any]) -> Any:
    """Return the verbs for values alone, where these are there."""
    own = engine_of(tensors)
    return engine.xp if own is None else own.xp


def _tiles(plan: Plan, operands: Operands) -> Iterator[tuple[Any, Any, Operands]]:
    """Yield of each block of rows its place, that of its statistics, and its operands.

    One block, and no place, where the values are not there, or a graph is made of them.
    """
    x, rows = operands.prediction, replace(plan, row_axis=plan.axis)
    here = not torch.is_grad_enabled() and engine_of((x,)) is not None
    tiles = blocks.of(rows, x, torch.get_num_threads()) if here else []
    if not tiles:
        yield None, None, operands
    for tile in tiles:
        place = tuple(slice(None) if i == plan.axis else cut for i, cut in enumerate(tile))
        yield tile, place, blocks.cut(rows, operands, tile)


def _measured(xp: Any, plan: Plan, now: Round, operands: Operands) -> Statistics:
    """Return the statistics of this process's classes in a round, block by block."""
    x: Any = operands.prediction
    every: Any = None
    for _, place, block in _tiles(plan, operands):
        own = now if place is None else now._replace(known=_some(now.known, place))
        prediction, target = ready(xp, plan, block)
        s, _ = now.kernel.measure(xp, prediction, own.given(target), plan.axis)
        if place is None:
            return s
        if every is None:
            shape = [1 if i == plan.axis else n for i, n in enumerate(x.shape)]
            every = filled_as(s, (part.new_empty(shape) for part in leaves(s)))
        for whole, part in zip(leaves(every), leaves(s), strict=True):
            whole[place] = part
    return every


def _gradient(xp: Any, plan: Plan, operands: Operands, w: Any) -> Any:
    """Return the gradient of Σ w · loss of this process's classes, of known statistics, block by block."""
    kernel: Any = plan.kernel
    x: Any = operands.prediction
    g = None
    for tile, place, block in _tiles(plan, operands):
        if tile is None:
            return rows_and_gradient_of(xp, plan, operands, w)[1]
        g = torch.empty_like(x) if g is None else g
        some = replace(plan, kernel=replace(kernel, known=_some(kernel.known, place)))
        own = w[place] if plan.row_axis is None else w[blocks.of_rows(plan, tile)]
        g[tile] = rows_and_gradient_of(xp, some, block, own)[1]
    return g


def _some(s: Statistics, place: Any) -> Statistics:
    """Return the statistics of some rows."""
    return mapped(lambda part: part[place], s)


class Local(Torch):
    """Runs plans on the part of a process, and completes what is summed over rows.

    Attributes
    ----------
    groups : the processes that have other rows
    """

    functions = Parted, Parted

    def __init__(self, groups: tuple[Group, ...]) -> None:
        super().__init__(array_api_compat.torch, "torch")
        self.groups = groups
        if groups:
            self.xp.everywhere = self.everywhere

    def everywhere(self, x: Any) -> Any:
        """Return what all processes have, along a new first axis."""
        x = x[None]
        for group in self.groups:
            x = Gathered.apply(x, group).flatten(0, 1)
        return x

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row, differentiable where a graph is wanted."""
        if not isinstance(plan.kernel, Across):
            return TORCH.rows(plan, operands)
        operands = filled(plan, operands)
        if differentiable(operands[:-1]):
            return super().rows(plan, operands)
        return self.followed(plan, operands)

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value, for autograd to follow."""
        if differentiable(operands[1:-1]):
            operands = widened(self.xp, operands)
        if isinstance(plan.target, PartOf) and plan.target.inner is SOFTMAX_OF:
            operands = filled(plan, operands)
            target = plan.target.ready(self.xp, plan, operands, 0)  # which asks the other processes
            plan, operands = replace(plan, target=READY), operands._replace(target=target)
        if plan.penalty is None or not isinstance(plan.kernel, Across):
            return value_of(self, plan, operands)
        plan, operands = masked(joint(plan), operands)
        both: Any = self.rows(plan, operands)
        rows, penalties = both.unbind(plan.axis)
        return reduced(self.xp, plan, operands, rows, penalties)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and its gradient as autograd makes it: what is summed is exchanged once.

        An exponential that overflows multiplies last (R4).
        """
        graph = differentiable(operands[:-1])
        with torch.inference_mode(False), torch.enable_grad():
            operands = tree_map_only(torch.Tensor, _recorded, operands)
            x: Any = operands.prediction
            leaf = x if x.requires_grad else x.detach().requires_grad_()
            cost: Any = self.value(replace(plan, finish="none"), operands._replace(prediction=leaf))
            cost = -cost if plan.finish == "negate" else cost
            w, beyond = torch.ones_like(cost), None
            if plan.finish == "exp":
                within = torch.clamp(cost, max=log(torch.finfo(cost.dtype).max) - 1)
                w, beyond = torch.exp(within), torch.exp(cost - within)
            (g,) = torch.autograd.grad(cost, leaf, w, create_graph=graph)
            if beyond is not None:
                g = times(self.xp, g, beyond)
                cost = torch.exp(cost)
        return (cost, g) if graph else (cost.detach(), g)


def _recorded(x: Any) -> Any:
    """Return a tensor that autograd can keep, which it does of none that inference made."""
    return x.clone() if x.is_inference() else x


def filled(plan: Plan, operands: Operands) -> Operands:
    """Return operands with a class that counts nowhere, where the process has none."""
    kernel: Any = plan.kernel
    fill, axis = kernel.part.filled, plan.axis
    target, weights = operands.target, operands.class_weight
    if not plan.target.by_label:
        target = None if target is None else fill(target, axis, 0.0)
        weights = None if weights is None else fill(weights, 0, 1.0)
    x = fill(operands.prediction, axis, 1.0 if plan.form == "probs" else 0.0)
    return operands._replace(prediction=x, target=target, class_weight=weights)
