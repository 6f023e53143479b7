"""What a call computes: the static plan, the arrays it is about, and how a block of them is made ready."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

from array_api_compat import array_namespace

from xent import _dtype, _kernel
from xent._kernel import Kernel
from xent._math import smoothed_label, softmax
from xent._typing import Array, Form, Namespace

Kind = Literal[
    "none",
    "labels",
    "smoothed label",
    "smoothed labels",
    "distribution",
    "pmf",
    "logits",
    "softmax",
    "pair",
    "ready",
]
"""What the target is to the kernel.

A "smoothed label" stays a label, "smoothed labels" are made the distributions that they stand for.
A "distribution" counts its mass in a mean, a "pmf" and "logits" count 1; "softmax" is given as logits
and used as probabilities; a "pair" is the binary one; what is "ready" is taken as it is.
"""


@dataclass(frozen=True)
class Plan:
    """All of a call that is no array: hashable, so that a compiler may take it as static.

    ``overwrites`` says that the prediction is a temporary, which its gradient may be written over.
    """

    kernel: Kernel
    kind: Kind
    form: Form
    axis: int | None
    classes: int
    reduction: str = "none"
    smoothing: float = 0.0
    ignore_index: int | None = None
    log_base: float = 1.0
    finish: Literal["none", "negate", "exp"] = "none"
    softcap: float | None = None
    z_loss: float = 0.0
    penalty: Kernel | None = None
    checked: bool = False
    overwrites: bool = False

    @cached_property
    def seen(self) -> Plan:
        """The plan where the values were looked at, so that each label that counts is a class."""
        return replace(self, checked=True)

    @property
    def row_axis(self) -> int | None:
        """The axis that an array with one entry per value lacks, None for none."""
        return self.axis if self.kernel.shape == "row" else None

    @property
    def by_label(self) -> bool:
        """Whether the target holds labels."""
        return self.kind in ("labels", "smoothed label", "smoothed labels")


LOG = Plan(kernel=_kernel.LOG, kind="none", form="probs", axis=None, classes=2)
"""The logarithm of an array, as an engine runs it where it differentiates a gradient."""

QUOTIENT = Plan(kernel=_kernel.QUOTIENT, kind="ready", form="probs", axis=None, classes=2)
"""The target divided by the prediction, likewise."""


class Operands(NamedTuple):
    """All arrays of a call, None where not given."""

    prediction: Array
    target: Array | None = None
    class_weight: Array | None = None
    pos_weight: Array | None = None
    sample_weight: Array | None = None
    where: Array | None = None
    denominator: Array | None = None


def along(x: Array, axis: int | None) -> Array:
    """Return an array of rows with a class axis of size 1."""
    if axis is None:
        return x
    return x[(slice(None),) * axis + (None, ...)]


def across(xp: Namespace, class_weight: Array, ndim: int, axis: int) -> Array:
    """Return the class weights along ``axis``."""
    shape = [1] * ndim
    shape[axis] = class_weight.shape[0]
    weights: Array = xp.reshape(class_weight, tuple(shape))
    return weights


def kept(plan: Plan, operands: Operands) -> Array | None:
    """Return which rows count, None for all (R9)."""
    keep = operands.where
    target, ignored = operands.target, plan.ignore_index
    if ignored is not None and target is not None:
        if ignored >= 2**31:  # JAX makes an int32 or int64 of a Python int, whatever the labels are
            wanted = target != array_namespace(target).asarray(ignored, dtype=target.dtype)
        else:
            wanted = target != ignored
        keep = wanted if keep is None else keep & wanted
    return keep


def ready(
    xp: Namespace, plan: Plan, operands: Operands, keep: Array | None, first: int = 0
) -> tuple[Array, Any]:
    """Return prediction and target of a block as its kernel takes them.

    In the dtype to compute in, class weights and smoothing in the target, and rows that are taken
    out replaced by harmless ones, so that nothing they hold reaches a value or a derivative.

    Parameters
    ----------
    first : int
        The class that the block begins with.
    """
    x = xp.settled(operands.prediction)
    filler = 1.0 if plan.form == "probs" else 0.0
    x = _without(xp, _dtype.cast(xp, x, _dtype.compute_dtype(xp, x)), _mask(plan, keep), filler)
    if plan.softcap is not None:
        x = xp.settled(plan.softcap * xp.tanh(x / plan.softcap))
    return x, ready_target(xp, plan, operands, keep, first)


def raw_gradient(xp: Namespace, plan: Plan, prediction: Array, g: Array) -> Array:
    """Return the gradient in what the caller gave, from that in the ``prediction`` made ready."""
    if plan.softcap is None:
        return g
    t = prediction / plan.softcap
    return g * ((1 - t) * (1 + t))


def penalty(plan: Plan, operands: Operands) -> tuple[Plan, Operands]:
    """Return the plan and operands whose rows are what ``z_loss`` multiplies."""
    assert plan.penalty is not None
    own = replace(plan, kernel=plan.penalty, kind="none", ignore_index=None)
    return own, Operands(operands.prediction, where=kept(plan, operands))


def widened(xp: Namespace, operands: Operands) -> Operands:
    """Return operands whose target and weights are in the dtype to compute in.

    They are used more than once, and their gradients are rounded once.
    """
    dtype = _dtype.compute_dtype(xp, operands.prediction)
    wide = {
        name: _dtype.cast(xp, x, dtype)
        for name, x in operands._asdict().items()
        if name != "prediction" and x is not None and _dtype.is_half(x)
    }
    return operands._replace(**wide)


def ready_target(
    xp: Namespace, plan: Plan, operands: Operands, keep: Array | None, first: int = 0
) -> Any:
    """Return the target of a block as its kernel takes it."""
    if operands.target is None or plan.kind == "ready":
        return operands.target
    dtype = _dtype.compute_dtype(xp, operands.prediction)
    if plan.by_label:
        index = _label_index(xp, operands.target, keep)
        if plan.kind != "smoothed labels":
            index = along(index, plan.axis) - first
            soft = plan.kind == "smoothed label"
            return smoothed_label(index, plan.smoothing, plan.classes) if soft else index
        return _smoothed_labels(xp, plan, operands, dtype, index, first)
    if plan.kind == "pair":
        return _pair(xp, plan, operands, keep, dtype)
    target = _without(xp, _dtype.cast(xp, operands.target, dtype), _mask(plan, keep), 0.0)
    if plan.kind == "softmax" and plan.axis is not None:
        return softmax(xp, target, plan.axis)
    if plan.kind == "distribution":
        return _weighted(xp, plan, operands, smooth(target, plan.smoothing, plan.classes))
    return target


def _mask(plan: Plan, keep: Array | None) -> Array | None:
    return None if keep is None else along(keep, plan.axis)


def _without(xp: Namespace, x: Array, mask: Array | None, filler: float) -> Array:
    return x if mask is None else xp.where(mask, x, xp.full_like(x, filler))


def _label_index(xp: Namespace, labels: Array, keep: Array | None) -> Array:
    return _without(xp, _dtype.cast(xp, labels, xp.integer), keep, 0)


def smooth(target: Array, smoothing: float, classes: int) -> Array:
    """Return (1 − ε) t + ε / K (R11)."""
    return target if smoothing == 0 else (1 - smoothing) * target + smoothing / classes


def _weighted(xp: Namespace, plan: Plan, operands: Operands, target: Array) -> Array:
    """Return the target times the class weights."""
    if operands.class_weight is None or plan.axis is None:
        return target
    weights = _dtype.cast(xp, operands.class_weight, target.dtype)
    return xp.silent(target, across(xp, weights, target.ndim, plan.axis))


def _smoothed_labels(
    xp: Namespace, plan: Plan, operands: Operands, dtype: Any, index: Array, first: int
) -> Array:
    assert plan.axis is not None
    index = along(index, plan.axis)
    inside = (index >= 0) & (index < plan.classes)
    at_label = (xp.iota(operands.prediction, plan.axis) + first == index) & inside
    hot = xp.astype(at_label, dtype)
    target = _weighted(xp, plan, operands, smooth(hot, plan.smoothing, plan.classes))
    return xp.where(inside, target, xp.full_like(target, xp.nan))


def _pair(
    xp: Namespace, plan: Plan, operands: Operands, keep: Array | None, dtype: Any
) -> tuple[Array, ...]:
    """Return what the positive and the negative class weigh; a label that is neither weighs NaN.

    A soft target itself comes third: 1 − t is rounded.
    """
    assert operands.target is not None
    raw = operands.target
    target = _dtype.cast(xp, raw, dtype)
    if _dtype.is_integer(raw) and not plan.checked:
        target = xp.where((raw == 0) | (raw == 1), target, xp.full_like(target, xp.nan))
    target = smooth(_without(xp, target, keep, 0.0), plan.smoothing, 2)
    positive = target
    if operands.pos_weight is not None:
        positive = positive * _dtype.cast(xp, operands.pos_weight, dtype)
    soft = (target,) if _dtype.is_floating(raw) or plan.smoothing else ()
    return positive, 1 - target, *soft


# --- what a row weighs (R10) ---


def row_weight(
    xp: Namespace, plan: Plan, operands: Operands, keep: Array | None
) -> tuple[Array | None, Array | None]:
    """Return what multiplies the cost of each row, and what each row counts in a mean.

    None stands for 1 in every row that is left.
    """
    dtype = _dtype.compute_dtype(xp, operands.prediction)
    sample = sample_weight(xp, operands, keep)
    mass = _mass(xp, plan, operands, keep, dtype)
    cost = _times(sample, mass if plan.kind == "labels" else None)
    return cost, _times(sample, mass)


def sample_weight(xp: Namespace, operands: Operands, keep: Array | None) -> Array | None:
    """Return the sample weights, 0 in rows taken out; None for 1 in every row that is left."""
    if operands.sample_weight is None:
        return None
    dtype = _dtype.compute_dtype(xp, operands.prediction)
    return _without(xp, _dtype.cast(xp, operands.sample_weight, dtype), keep, 0.0)


def _times(a: Array | None, b: Array | None) -> Array | None:
    if a is None or b is None:
        return b if a is None else a
    return a * b


def _mass(
    xp: Namespace, plan: Plan, operands: Operands, keep: Array | None, dtype: Any
) -> Array | None:
    """Return Σₖ cₖ tₖ of each row, t before smoothing, 0 in rows taken out; None for 1."""
    target, weights = operands.target, operands.class_weight
    if plan.by_label:
        if weights is None or target is None:
            return None
        index = _label_index(xp, target, keep)
        weights = _dtype.cast(xp, weights, dtype)
        inside = (index >= 0) & (index < plan.classes)
        flat = xp.reshape(xp.where(inside, index, xp.zeros_like(index)), (-1,))
        picked = xp.reshape(xp.pick(weights, flat, 0), index.shape)
        mass = xp.where(inside, picked, xp.full_like(picked, xp.nan))
    elif plan.kind == "distribution" and plan.axis is not None and target is not None:
        target = _weighted(xp, plan, operands, _dtype.cast(xp, target, dtype))
        mass = xp.sum(target, axis=plan.axis)
    else:
        return None
    return _without(xp, mass, keep, 0.0)
