"""What a caller asks of a loss, and the plan that it comes to: all that is decided once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, Generic, Literal, NamedTuple

from xent import _dtype, _options
from xent import _target as targets
from xent._check import arguments, sequences, sizes, structure
from xent._engine import Engine
from xent._kernel import Forms, Kernel
from xent._plan import CLASSES, NOTHING, Numbers, Operands, Plan, Source, Target
from xent._sparse_target import DENSE, SPARSE, SPREAD
from xent._typing import Form, R_co
from xent.kernels import links

NUMBERS = ("label_smoothing", "softcap", "temperature", "z_loss", "base")
"""Options that are numbers: what is run depends on their being there, and not on their values."""

_NEUTRAL = {"label_smoothing": 0, "skew": 0, "z_loss": 0, "temperature": 1}

WEIGHTS = ("class_weight", "pos_weight", "sample_weight", "where", "denominator")
"""Options that are arrays."""

NO_PART = (*WEIGHTS, "validate", "chunk_bytes")
"""Options of which a plan is no function; those that are arrays are looked at by themselves."""


class Outline(NamedTuple):
    """The shape and dtype of an array that is not there, or only a part of it."""

    shape: tuple[int, ...]
    dtype: Any

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)


@dataclass(slots=True)
class Call(Generic[R_co]):
    """What a caller asks of a loss.

    Attributes
    ----------
    target : labels or distributions, None for a function of the prediction alone
    predictions : the prediction by its form; exactly one is not None
    labels, smoothed, distributions : the kernel for each form of the prediction, by what the target
        holds; smoothed labels without a kernel of their own, or with class weights, are distributions
    options : the shared options that were given
    soft : what a target that never holds labels is to the kernel; None where it is a distribution, or
        labels
    only : the one kind of target that the loss takes, None for both
    target_name, names : what target and forms are called in the signature, where not by their own name
    reductions : those that the loss takes
    finish : what is done to the reduced cost
    sequence_axis : the axis of the rows that a mean runs over, None for all
    keep_dtype : whether the value has the prediction's dtype in half precision too
    beside : the kernels of what each row is measured for beside its loss
    sparse : the kernels of targets of a few classes; without one they are distributions
    sparse_target : what becomes of the rest of such a target, once it is taken apart; None of any other
    returns : what is made of the value and of the tuple of those beside it
    """

    target: Any
    predictions: Mapping[Any, Any]
    labels: Forms = field(default_factory=dict)
    distributions: Forms = field(default_factory=dict)
    smoothed: Forms = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    soft: Target | None = None
    only: Literal["labels", "distributions"] | None = None
    target_name: str = "target"
    names: Mapping[str, str] = field(default_factory=dict)
    reductions: tuple[str, ...] = ("none", "sum", "mean")
    finish: Literal["none", "negate", "exp"] = "none"
    sequence_axis: Any = None
    keep_dtype: bool = False
    beside: tuple[Kernel, ...] = ()
    sparse: Forms = field(default_factory=dict)
    sparse_target: Literal["lost", "uniform"] | None = None
    returns: Callable[..., Any] | None = None

    @property
    def shape(self) -> str:
        """The shape of the kernels."""
        kernels = (*self.distributions.values(), *self.labels.values())
        return kernels[0].shape

    @property
    def elementwise(self) -> bool:
        """Whether each element is a row by itself."""
        return self.shape == "element"


def plan_of(call: Call, operands: Operands, name: str, form: Form) -> Plan:
    """Return the plan; of the arrays only shapes and dtypes are looked at."""
    prediction = operands.prediction
    structure.prediction(name, prediction)
    if call.sequence_axis is not None:
        raise sequences.alone()
    options = _options.given(call.options, call.reductions)
    shape = tuple(prediction.shape)
    axis = None
    if not call.elementwise:
        axis = structure.axis_of(name, prediction, options["axis"], empty=call.keep_dtype)
    rows = shape if axis is None else shape[:axis] + shape[axis + 1 :]
    kind, source = _of_target(call, operands, axis, name, form, options)
    numbers = {key: is_there(key, options[key]) for key in NUMBERS}
    kernel = arguments.parameters(getattr(call, source)[form])
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
        ignore_index=structure.ignored(
            options["ignore_index"],
            operands.target,
            axis is None or (kind.by_label and not call.sparse_target),
        ),
        finish=call.finish,
        smoothed=numbers["label_smoothing"],
        based=numbers["base"],
        capped=numbers["softcap"],
        tempered=numbers["temperature"],
        penalty=links.LOGSUMEXP_SQUARED if numbers["z_loss"] else None,
        beside=call.beside,
    )
    structure.weights(plan.classes, plan.reduction, operands, rows)
    return replace(plan, even=_is_even(plan, operands))


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
    if call.sparse_target:
        structure.entries(call, operands, axis, form, shape)
        if call.sparse_target == "uniform":
            return SPREAD, "distributions"
        smoothed = is_there("label_smoothing", options["label_smoothing"])
        return (
            (SPARSE, "sparse") if form in call.sparse and not smoothed else (DENSE, "distributions")
        )
    if axis is None:
        structure.binary(target, name, shape)
        return call.soft or targets.PAIR, "distributions"
    if call.soft is not None:
        kind = structure.of_classes if call.soft is CLASSES else structure.distributions
        kind(call.target_name, target)
        structure.same_shape(call.target_name, target, name, shape)
    elif structure.is_labels(
        target, shape, axis, name, only=_only(call, form), own=_is_own(call, form)
    ):
        if not is_there("label_smoothing", options["label_smoothing"]):
            return targets.LABEL, "labels"
        if form in call.smoothed and operands.class_weight is None:
            return targets.SMOOTHED_LABEL, "smoothed"
        if form not in call.distributions:
            raise arguments.not_smoothed(name)
        return targets.DENSE_LABEL, "distributions"
    return call.soft or targets.DISTRIBUTION, "distributions"


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


def spread(engine: Engine, name: str, mask: str, arrays: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return arrays whose ``mask`` of classes has the shape of the prediction, of that ``name``."""
    keep, shape = arrays[mask], tuple(arrays[name].shape)
    if sizes.same(keep.shape, shape):
        return arrays
    structure.broadcastable(mask, keep, shape)
    return {**arrays, mask: engine.xp.broadcast_to(keep, shape)}


def is_array(number: Any) -> bool:
    """Whether a number is an array, whose library counts; a compiler's symbol of a number is none."""
    return not isinstance(number, Real) and hasattr(number, "shape")


def weighing(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are arrays, and those that are numbers and were given as one."""
    weights = {key: options[key] for key in WEIGHTS if key in options}
    return weights | {key: options[key] for key in NUMBERS if is_array(options.get(key))}


def is_there(option: str, x: Any) -> bool:
    """Whether a number is given: not None, and not plainly the one that changes nothing."""
    if x is None:
        return False
    none = option in _NEUTRAL and isinstance(x, Real) and x == _NEUTRAL[option]
    return not none or isinstance(x, bool)


def numbers_of(engine: Engine, call: Call, plan: Plan, prediction: Any) -> Numbers:
    """Return the numbers that the options and the kernel hold, each checked; none promotes a result."""
    kernel = getattr(call, plan.source)[plan.form]
    own = tuple(map(arguments.operand, kernel.numbers))
    there = {
        name: arguments.number(name, x, plan.form)
        for name in NUMBERS
        if is_there(name, x := call.options.get(name))
    }
    if not there:
        return Numbers(kernel=_narrowed(engine, prediction, own, own))
    smoothing, softcap, temperature, z_loss, base = map(there.get, NUMBERS)
    if smoothing is not None:
        smoothing = plan.target.number(smoothing, plan.classes)
    log_base = None if base is None else engine.log(base)
    numbers = Numbers(smoothing, softcap, temperature, z_loss, log_base, own)
    return _narrowed(engine, prediction, numbers, (*there.values(), *own))


def _narrowed(engine: Engine, prediction: Any, numbers: Any, given: tuple[Any, ...]) -> Any:
    """Return the numbers that are made of those given in the dtype to compute in."""
    for x in given:
        if not isinstance(x, float):
            dtype = _dtype.compute_dtype(engine.xp, prediction)
            return _dtype.narrowed(engine.xp, numbers, dtype)
    return numbers
