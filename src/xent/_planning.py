"""The plan that a call comes to: all that is decided of it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from xent import _dtype, _signature
from xent import _made_target as made
from xent import _target as targets
from xent._check import arguments, calls, labels, sequences, structure
from xent._plan import CLASSES, NOTHING, Operands, Plan, Source, Target
from xent._request import Call, is_there
from xent._sparse_target import DENSE, SPARSE, SPREAD
from xent._typing import Form
from xent.kernels import links

_FLAGS = {
    "smoothed": "label_smoothing",
    "based": "base",
    "capped": "softcap",
    "tempered": "temperature",
}
"""What a plan says of numbers that are given."""


def plan_of(call: Call, operands: Operands, name: str, form: Form) -> Plan:
    """Return the plan; of the arrays only shapes and dtypes are looked at."""
    prediction = operands.prediction
    structure.prediction(name, prediction, labels=operands.target is not None)
    calls.named_rightly(form, call.only)
    if call.sequence_axis is not None:
        raise sequences.alone()
    options, shape = _signature.given(call.options, call.reductions), tuple(prediction.shape)
    axis = _axis_of(call, name, prediction, options["axis"])
    rows = shape if axis is None else shape[:axis] + shape[axis + 1 :]
    kind, source = _of_target(call, operands, axis, name, form, options)
    there = {name: is_there(option, options[option]) for name, option in _FLAGS.items()}
    of_labels = axis is None or (kind.by_label and not call.sparse_target)
    kernel = calls.parameters(getattr(call, source)[form])
    plan = Plan(
        kernel=kernel.structure,
        source=source,
        target=kind,
        form=form,
        axis=axis,
        row_axis=axis if kernel.shape == "row" else None,
        classes=2 if axis is None else shape[axis],
        reduction=options["reduction"],
        half=_dtype.is_half(prediction),
        ignore_index=labels.ignored(options["ignore_index"], operands.target, of_labels),
        finish=call.finish,
        penalty=links.LOGSUMEXP_SQUARED if is_there("z_loss", options["z_loss"]) else None,
        beside=call.beside,
        **there,
    )
    structure.weights(plan.classes, plan.reduction, operands, rows)
    return replace(plan, even=_is_even(plan, operands))


def _axis_of(call: Call, name: str, x: Any, axis: Any) -> int | None:
    """Return the class axis counted from the front, None where each element is a row."""
    return None if call.elementwise else structure.axis_of(name, x, axis, empty=call.keep_dtype)


def _is_even(plan: Plan, operands: Operands) -> bool:
    """Whether every row counts and weighs 1."""
    weighed = any(x is not None for x in operands[2:-1]) or plan.ignore_index is not None
    return not weighed and not (plan.target.counts and plan.reduction == "mean")


def _of_target(
    call: Call,
    operands: Operands,
    axis: int | None,
    name: str,
    form: Form,
    options: Mapping[str, Any],
) -> tuple[Target, Source]:
    """Return what the target is to a kernel, and which kernels take such a target."""
    prediction, target = operands[:2]
    if target is None:
        return NOTHING, "distributions"
    shape = prediction.shape
    smoothed = is_there("label_smoothing", options["label_smoothing"])
    if call.sparse_target:
        return _of_entries(call, operands, axis, form, smoothed=smoothed)
    if axis is None:
        labels.binary(target, name, shape)
        return call.soft or targets.PAIR, "distributions"
    if call.soft is not None:
        kind = structure.of_classes if call.soft is CLASSES else structure.distributions
        kind(call.target_name, target)
        structure.same_shape(call.target_name, target, name, shape)
    elif labels.is_labels(
        target, shape, axis, name, only=_only(call, form), own=_is_own(call, form)
    ):
        if not smoothed:
            return targets.LABEL, "labels"
        if form in call.smoothed and operands.class_weight is None:
            return made.SMOOTHED_LABEL, "smoothed"
        if form not in call.distributions:
            raise arguments.not_smoothed(name)
        return made.DENSE_LABEL, "distributions"
    return call.soft or targets.DISTRIBUTION, "distributions"


def _of_entries(
    call: Call, operands: Operands, axis: int | None, form: Form, *, smoothed: bool
) -> tuple[Target, Source]:
    """Return what a sparse target is to a kernel, likewise."""
    taken = call.soft is None and call.only != "labels" and form in call.distributions
    shape = operands.prediction.shape
    labels.entries(call.target_name, operands, axis, form, shape, taken=taken)
    if call.sparse_target == "uniform":
        return SPREAD, "distributions"
    return (DENSE, "distributions") if smoothed or form not in call.sparse else (SPARSE, "sparse")


def _only(call: Call, form: Form) -> Literal["labels", "distributions"] | None:
    """Return the one kind of target that the call takes, None for both."""
    if call.only is None and form not in call.labels:
        return "distributions"
    return "labels" if call.only is None and form not in call.distributions else call.only


def _is_own(call: Call, form: Form) -> bool:
    """Whether the formulas are those of the package, so that another function of it may be meant."""
    forms = (call.labels, call.distributions)
    kernels = [kernels[form] for kernels in forms if form in kernels]
    return all(type(kernel).__module__.startswith("xent.") for kernel in kernels)
