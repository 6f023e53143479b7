"""A plan of which a process has a part of the classes, and its target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from xent._elementary import LOGSUMEXP
from xent._made_target import SOFTMAX_OF
from xent._plan import Operands, Plan, Target
from xent._target import LOGITS
from xent._typing import Verbs
from xent.engines.torch.across import Across, Part
from xent.engines.torch.exchange import Group, entering, summed


class PartOf(Target):
    """A target of which this process has a part of the classes; a label is what all of them have."""

    def __init__(self, inner: Target, part: Part) -> None:
        super().__init__(inner.name)
        self.inner, self.part = inner, part
        for name in ("by_label", "soft", "counts", "costs"):
            setattr(self, name, getattr(inner, name))

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the part of the target as the kernel takes it."""
        if self.inner is SOFTMAX_OF:
            return self._softmax(xp, LOGITS.ready(xp, plan, operands, first), plan.axis)
        own, weights = self.part.own, operands.class_weight
        if self.by_label and self.soft and weights is not None:
            weights = entering(torch.ravel(weights), self.part.groups)[own]
            operands = operands._replace(class_weight=self.part.filled(weights, 0, 1.0))
        if operands.target_probs is not None:
            probs = entering(operands.target_probs, self.part.groups)
            operands = operands._replace(target_probs=probs)
        return self.inner.ready(xp, plan, operands, own.start)

    def _softmax(self, xp: Verbs, logits: Any, axis: Any) -> Any:
        """Return the softmax, which is the gradient of a logsumexp."""
        kernel = Across(LOGSUMEXP, self.part)
        s, _ = kernel.measure(xp, logits, None, axis)
        known, w = kernel.entered(s, xp.ones_like(s.peak), axis)
        return known.gradient(xp, logits, None, known.known, None, w, axis)

    def mass(self, xp: Verbs, plan: Plan, operands: Operands) -> Any:
        """Return what a row counts, of all its classes."""
        if self.by_label and operands.class_weight is not None:
            operands = operands._replace(class_weight=xp.reshape(operands.class_weight, (-1,)))
        mass = self.inner.mass(xp, plan, operands)
        return mass if mass is None or self.by_label else summed(mass, self.part.groups)


def parted(plan: Plan, groups: tuple[Group, ...]) -> Plan:
    """Return the plan of a process that has a part of the classes."""
    part = Part(groups, plan.classes)
    penalty = None if plan.penalty is None else Across(plan.penalty, part)
    target = PartOf(plan.target, part)
    return replace(plan, kernel=Across(plan.kernel, part), target=target, penalty=penalty)
