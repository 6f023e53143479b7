"""Targets that are made of others: labels as distributions, and these of logits."""

from __future__ import annotations

from typing import Any

from xent import _dtype
from xent import _math as m
from xent._plan import Operands, Plan
from xent._target import Label, Logits, smooth, weighted
from xent._typing import Number, Verbs


class SmoothedLabel(Label):
    """A label that stays one when it is smoothed: the kernel knows what the other classes weigh."""

    costs = False

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the index and the numbers that the smoothing makes."""
        index = super().ready(xp, plan, operands, first)
        other, own = operands.numbers.smoothing
        return m.SmoothedLabel(index, other, own, plan.classes)

    def number(self, smoothing: Number, classes: int) -> Any:
        """Return what another class and the label weigh, each in two parts."""
        return m.shares(smoothing, classes)


class DenseLabel(Label):
    """A label that is made the smoothed and weighted distribution that it stands for."""

    costs = False
    soft = True

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the distribution, NaN of a label that is no class."""
        assert plan.axis is not None
        index = super().ready(xp, plan, operands, first)
        within = index + first
        inside = (within >= 0) & (within < plan.classes)
        x = operands.prediction
        hot = xp.astype(xp.iota(x, plan.axis) == index, _dtype.compute_dtype(xp, x))
        t = weighted(xp, plan, operands, smooth(hot, operands.numbers.smoothing, plan.classes))
        return xp.where(inside, t, xp.full_like(t, xp.nan))


class SoftmaxOf(Logits):
    """The logits of a distribution, of which the kernel takes the probabilities; their row is whole."""

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the probabilities."""
        assert plan.axis is not None
        s, _, e = m.exponentiated(xp, super().ready(xp, plan, operands, first), plan.axis)
        return e / (1 + m.limited(xp, s))


SMOOTHED_LABEL = SmoothedLabel("SMOOTHED_LABEL")


DENSE_LABEL = DenseLabel("DENSE_LABEL")


SOFTMAX_OF = SoftmaxOf("SOFTMAX_OF")
