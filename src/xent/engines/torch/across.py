"""A part of the classes of each row, on one of several processes: a few numbers make rows whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from typing import Any, NamedTuple

import torch

from xent._kernel import Kernel, Known, Statistics
from xent._nested import filled, leaves
from xent._plan import Plan
from xent._rounds import Round, of_one
from xent.engines.torch.exchange import Gathered, Group, entering


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

    @property
    def widest(self) -> int:
        """The most classes that a process has."""
        first = self._of([0] * len(self.groups))
        return first.stop - first.start

    def _of(self, ranks: Any) -> slice:
        start, stop = 0, self.classes
        for (mesh, dim), rank in zip(self.groups, ranks, strict=True):
            step = -(-(stop - start) // mesh.size(dim))
            start, stop = min(start + rank * step, stop), min(start + (rank + 1) * step, stop)
        return slice(start, stop)

    def filled(self, x: Any, axis: int, filler: float) -> Any:
        """Return a tensor of this process's classes; of none, as one that counts nowhere."""
        if x.shape[axis] > 0:
            return x
        after = x.ndim - 1 - axis
        # `torch.cat` cuts the graph of an empty tensor, and this process would then miss a collective.
        return torch.nn.functional.pad(x, (0, 0) * after + (0, 1), value=filler)

    def whole(self, xp: Any, kernel: Kernel, s: Statistics) -> Statistics:
        """Return the statistics of whole rows, merged in the order of the classes."""
        numbers = torch.stack([x.to(_floating(s)) for x in leaves(s)])
        for group in reversed(self.groups):
            numbers = Gathered.apply(numbers, group)
        ranks = product(*(range(mesh.size(dim)) for mesh, dim in self.groups))
        parts = numbers.flatten(0, len(self.groups) - 1)
        there = [
            filled_as(s, iter(x))
            for x, rank in zip(parts, ranks, strict=True)
            if self._of(rank).start < self._of(rank).stop
        ]
        return reduce(lambda a, b: kernel.merge(xp, a, b), there)


def filled_as(s: Statistics, numbers: Iterable[Any]) -> Statistics:
    """Return numbers in the structure and the dtypes of statistics."""
    return filled(lambda x, number: number.to(x.dtype), s, numbers)


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

        def measured(now: Round) -> Statistics:
            return now.kernel.measure(xp, prediction, now.given(target), axis)[0]

        return self.exchanged(xp, measured), None

    def exchanged(self, xp: Any, measured: Callable[[Round], Statistics]) -> Statistics:
        """Return the statistics of whole rows, of those of the part that ``measured`` returns of a round."""

        def whole(now: Round) -> Statistics:
            if now.known is not None:
                now = now._replace(known=self._entered(now.known))
            return self.part.whole(xp, now.kernel, measured(now))

        return of_one(self.inner, whole)

    def _entered(self, s: Statistics) -> Statistics:
        """Return what is known of whole rows as each process uses it for its own classes."""
        numbers = torch.stack([x.to(_floating(s)) for x in leaves(s)])
        return filled_as(s, iter(entering(numbers, self.part.groups)))

    def value(self, xp: Any, s: Statistics) -> Any:
        """Return the loss of each row."""
        return self.inner.value(xp, s)

    def gradient(
        self, xp: Any, prediction: Any, target: Any, s: Statistics, made: None, w: Any, axis: Any
    ) -> Any:
        """Return the gradient of the part, 0 of a class that stands for none."""
        return self._or_nothing(self.inner.gradient(xp, prediction, target, s, None, w, axis))

    def target_gradient(
        self, xp: Any, prediction: Any, target: Any, s: Statistics, w: Any, axis: Any
    ) -> Any:
        """Return the gradient of the part of the target, 0 of a class that stands for none."""
        if self._has_none and isinstance(target, torch.Tensor):
            target = torch.ones_like(target)  # not 0, where a loss may have no further derivatives
        g = self.inner.target_gradient(xp, prediction, target, s, w, axis)
        return self._or_nothing(g) if isinstance(g, torch.Tensor) else g

    @property
    def _has_none(self) -> bool:
        return self.part.own.start == self.part.own.stop

    def _or_nothing(self, g: Any) -> Any:
        """Return ``g``, and 0 of a process without a class, which keeps its graph for the others."""
        return torch.where(torch.full_like(g, 1) > 0, 0.0, g) if self._has_none else g

    def entered(self, s: Statistics, w: Any, axis: int) -> tuple[Across, Any]:
        """Return the kernel that knows the statistics, and ``w``, both as they enter a gradient."""
        dtype, ws = _floating(s), w.split(1, axis)
        numbers = torch.stack([x.to(dtype) for x in (*leaves(s), *ws)])
        each = iter(entering(numbers, self.part.groups))
        return replace(self, known=filled_as(s, each)), torch.cat(
            [filled_as(x, each) for x in ws], axis
        )


class Pair(NamedTuple):
    """The statistics of a loss and of its penalty."""

    loss: Statistics
    penalty: Statistics


@dataclass(frozen=True)
class Both(Kernel):
    """A loss and its penalty, whose statistics are exchanged together; two values for each row."""

    loss: Kernel
    penalty: Kernel
    axis: int

    def filled(self, numbers: tuple[Any, ...]) -> Kernel:
        """Return the kernel with numbers in place of the holes of the loss."""
        return replace(self, loss=self.loss.filled(numbers)) if numbers else self

    def measure(self, xp: Any, prediction: Any, target: Any, axis: Any) -> tuple[Pair, None]:
        """Return the statistics of both."""
        loss, _ = self.loss.measure(xp, prediction, target, axis)
        return Pair(loss, self.penalty.measure(xp, prediction, None, axis)[0]), None

    @property
    def before(self) -> Kernel | None:
        """What the loss has to know of whole rows; the penalty is measured after that."""
        return self.loss.before

    def measure_after(self, xp: Any, prediction: Any, target: Any, known: Any, axis: Any) -> Pair:
        """Return the statistics of both."""
        loss = self.loss.measure_after(xp, prediction, target, known, axis)
        return Pair(loss, self.penalty.measure(xp, prediction, None, axis)[0])

    def merge(self, xp: Any, a: Statistics, b: Statistics) -> Statistics:
        """Return the statistics of two blocks."""
        loss = self.loss.merge(xp, a.loss, b.loss)
        return Pair(loss, self.penalty.merge(xp, a.penalty, b.penalty))

    def value(self, xp: Any, s: Statistics) -> Any:
        """Return both values, side by side along the class axis."""
        loss, penalty = _apart(s)
        values = self.loss.value(xp, loss), self.penalty.value(xp, penalty)
        return torch.cat(values, self.axis)

    def gradient(
        self, xp: Any, prediction: Any, target: Any, s: Statistics, made: None, w: Any, axis: Any
    ) -> Any:
        """Return the sum of both gradients."""
        (loss, penalty), (own, more) = _apart(s), w.split(1, axis)
        g = self.loss.gradient(xp, prediction, target, loss, None, own, axis)
        return g + self.penalty.gradient(xp, prediction, None, penalty, None, more, axis)

    def target_gradient(
        self, xp: Any, prediction: Any, target: Any, s: Statistics, w: Any, axis: Any
    ) -> Any:
        """Return the gradient of the loss."""
        own = w.narrow(axis, 0, 1)
        return self.loss.target_gradient(xp, prediction, target, _apart(s).loss, own, axis)


def _apart(s: Statistics) -> Pair:
    """Return the statistics of both, of a loss that was measured in two rounds too."""
    if isinstance(s, Known):
        return Pair(Known(s.before, s.own.loss), s.own.penalty)
    return s


def joint(plan: Plan) -> Plan:
    """Return a plan that has a penalty as one of two values in each row."""
    kernel, penalty, axis = plan.kernel, plan.penalty, plan.axis
    assert isinstance(kernel, Across)
    assert isinstance(penalty, Across)
    assert axis is not None
    both = Across(Both(kernel.inner, penalty.inner, axis), kernel.part)
    return replace(plan, kernel=both, row_axis=None)
