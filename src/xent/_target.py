"""A block made ready for its kernel; what a target is to a kernel, a class each, counted and checked."""

from __future__ import annotations

from typing import Any

from xent import _dtype
from xent._check import values
from xent._plan import Operands, Plan, Target
from xent._typing import Array, Verbs


class Label(Target):
    """A class label: the kernel takes its index among the classes of the block."""

    by_label = True
    costs = True
    soft = False
    checks = True

    @property
    def alone(self) -> Target:
        """The label."""
        return LABEL

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the index, with a class axis of size 1."""
        labels = operands.target
        if labels.dtype != xp.integer:
            labels = xp.astype(labels, xp.integer)
        if operands.where is not None:
            labels = without(xp, labels, operands.where, None, 0)
        if plan.axis is not None:
            labels = labels[(slice(None),) * plan.axis + (None, ...)]
        return labels if isinstance(first, int) and first == 0 else labels - first

    def mass(self, xp: Verbs, plan: Plan, operands: Operands) -> Array | None:
        """Return the weight of each label's class, NaN of a label that is no class."""
        weights = operands.class_weight
        if weights is None:
            return None
        labels, dtype = operands.target, _dtype.compute_dtype(xp, operands.prediction)
        index = without(xp, _dtype.cast(xp, labels, xp.integer), operands.where, None, 0)
        inside = (index >= 0) & (index < plan.classes)
        flat = xp.reshape(xp.where(inside, index, xp.zeros_like(index)), (-1,))
        picked = xp.reshape(xp.pick(_dtype.cast(xp, weights, dtype), flat, 0), index.shape)
        mass = xp.where(inside, picked, xp.full_like(picked, xp.nan))
        return without(xp, mass, operands.where, None, 0.0)

    def check(
        self, xp: Verbs, plan: Plan, operands: Operands, name: str, validate: bool | None
    ) -> None:
        """Raise for a label out of range."""
        values.labels(xp, name, operands.target, plan.classes, operands.where)


class Pmf(Target):
    """A distribution whose mass counts 1 in a mean, whatever it is."""

    checks = True

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return it in the dtype to compute in, 0 in rows that are taken out."""
        t, x = operands.target, operands.prediction
        dtype = xp.float32 if plan.half else x.dtype
        if t.dtype != dtype:
            t = xp.astype(t, dtype)
        return t if operands.where is None else without(xp, t, operands.where, plan.axis, 0.0)

    def check(
        self, xp: Verbs, plan: Plan, operands: Operands, name: str, validate: bool | None
    ) -> None:
        """Raise for an entry that is no probability, and where asked for a sum that is not 1."""
        x, keep = operands.target, operands.where
        values.of_form(xp, "probs", name, x, plan.axis, keep, validate=validate)


class Distribution(Pmf):
    """A distribution that counts its weighted mass in a mean; class weights and smoothing go into it."""

    counts = True

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the smoothed and weighted distribution."""
        t = super().ready(xp, plan, operands, first)
        smoothing = operands.numbers.smoothing
        if smoothing is not None:
            t = smooth(t, smoothing, plan.classes)
        return t if operands.class_weight is None else weighted(xp, plan, operands, t)

    def mass(self, xp: Verbs, plan: Plan, operands: Operands) -> Array | None:
        """Return Σₖ cₖ tₖ."""
        t = super().ready(xp, plan, operands, 0)
        if operands.class_weight is not None:
            t = weighted(xp, plan, operands, t)
        return xp.sum(t, axis=plan.axis)


class Logits(Pmf):
    """The logits of a distribution, which the kernel takes as such."""

    checks = False

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return them at the temperature of the prediction's."""
        t = super().ready(xp, plan, operands, first)
        return xp.settled(xp.tempered(t, operands.numbers.temperature)) if plan.tempered else t


class Logs(Logits):
    """The log-probabilities of a distribution, which the kernel takes as such."""

    checks = True

    def check(
        self, xp: Verbs, plan: Plan, operands: Operands, name: str, validate: bool | None
    ) -> None:
        """Raise for an entry above 0."""
        values.of_form(xp, "log_probs", name, operands.target, plan.axis, operands.where)


class Pair(Target):
    """A yes-or-no target: the kernel takes what the positive and the negative class weigh."""

    checks = True

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return (t, 1 − t), smoothing and ``pos_weight`` in it; a label that is neither weighs NaN.

        A soft target itself comes third: 1 − t is rounded.
        """
        raw, dtype = operands.target, xp.float32 if plan.half else operands.prediction.dtype
        t = raw if raw.dtype == dtype else xp.astype(raw, dtype)
        floating = raw.dtype == dtype or _dtype.is_floating(raw)
        if not floating and not plan.checked and _dtype.is_integer(raw):
            t = xp.where((raw == 0) | (raw == 1), t, xp.full_like(t, xp.nan))
        if operands.where is not None:
            t = without(xp, t, operands.where, plan.axis, 0.0)
        smoothing = operands.numbers.smoothing
        if smoothing is None:
            negative = 1 - t
        else:
            # What a nearly sure yes leaves to no, which 1 less the rounded yes would lose.
            few, sure = smooth(1 - t, smoothing, 2), t > 0.75
            t = xp.where(sure, 1 - few, smooth(t, smoothing, 2))
            negative = xp.where(sure, few, 1 - t)
        soft = (t,) if floating or smoothing is not None else ()
        if operands.pos_weight is None:
            return t, negative, *soft
        weight = _dtype.cast(xp, operands.pos_weight, dtype)
        weight = xp.reshape(weight, (1,) * (t.ndim - weight.ndim) + tuple(weight.shape))
        return t * weight, negative, *soft

    def check(
        self, xp: Verbs, plan: Plan, operands: Operands, name: str, validate: bool | None
    ) -> None:
        """Raise for what is neither 0, 1 nor between."""
        t, keep = operands.target, operands.where
        if _dtype.is_floating(t):
            values.of_form(xp, "probs", name, t, None, keep)
        elif _dtype.is_integer(t):
            values.labels(xp, name, t, plan.classes, keep)


LABEL = Label("LABEL")
DISTRIBUTION = Distribution("DISTRIBUTION")
PMF = Pmf("PMF")
LOGITS = Logits("LOGITS")
LOGS = Logs("LOGS")
PAIR = Pair("PAIR")


def ready(xp: Verbs, plan: Plan, operands: Operands, first: Any = 0) -> tuple[Array, Any]:
    """Return prediction and target of a block as its kernel takes them.

    In the dtype to compute in, class weights and smoothing in the target, and rows that are taken
    out replaced by harmless ones, so that nothing they hold reaches a value or a derivative.

    Parameters
    ----------
    first : int
        The class that the block begins with.
    """
    x = operands.prediction
    if not xp.finite:
        x = xp.settled(x)
    if plan.half:
        x = xp.astype(x, xp.float32)
    if operands.where is not None:
        x = without(xp, x, operands.where, plan.axis, 1.0 if plan.form == "probs" else 0.0)
    if plan.capped:
        x = xp.settled(xp.capped(x, operands.numbers.softcap))
    if plan.tempered:
        x = xp.settled(xp.tempered(x, operands.numbers.temperature))
    return x, plan.target.ready(xp, plan, operands, first)


def without(xp: Verbs, x: Array, keep: Array | None, axis: int | None, filler: float) -> Array:
    """Return ``x`` with ``filler`` in the rows that are taken out."""
    if keep is None:
        return x
    return xp.where(along(keep, axis), x, filler)


def along(x: Array, axis: int | None) -> Array:
    """Return an array of rows with a class axis of size 1."""
    if axis is None:
        return x
    return x[(slice(None),) * axis + (None, ...)]


def smooth(target: Array, smoothing: Any, classes: int) -> Array:
    """Return (1 − ε) t + ε / K (R11)."""
    return (1 - smoothing) * target + smoothing / classes


def weighted(xp: Verbs, plan: Plan, operands: Operands, target: Array) -> Array:
    """Return the target times the class weights."""
    weights, axis = operands.class_weight, plan.axis
    if weights is None or axis is None:
        return target
    shape = [1] * target.ndim
    shape[axis] = weights.shape[0]
    weights = xp.reshape(_dtype.cast(xp, weights, target.dtype), tuple(shape))
    return xp.silent(target, weights)
