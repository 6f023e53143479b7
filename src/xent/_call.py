"""A public loss: what it was given, checked, becomes a plan and its operands, and is run.

The body of a public function names its target, its prediction and its options in a `Call`; `loss`
makes it a function that runs the call, and `xent.grad` finds the same call to differentiate it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, NamedTuple, ParamSpec

from xent import _check, _dispatch, _dtype, _options
from xent._engine import Engine
from xent._kernel import Kernel
from xent._plan import Kind, Operands, Plan, along, kept
from xent._typing import Array, Form

P = ParamSpec("P")
Forms = Mapping[str, Kernel]

LOSSES: dict[str, Callable[..., Array]] = {}
"""Every differentiable public function by name: what the laws are tested over."""


@dataclass(frozen=True)
class Call:
    """What a caller asks of a loss.

    Attributes
    ----------
    function : the public name, for messages
    predictions : the prediction by its form; exactly one is not None
    target : labels or distributions, None for a function of the prediction alone
    labels, smoothed, distributions : the kernel for each form of the prediction, by what the target
        holds; smoothed labels without a kernel of their own, or with class weights, are distributions
    only : the one kind of target that the loss takes, None for both
    options : the shared options that were given
    names : what a form is called in the signature, where not by its own name
    """

    function: str
    predictions: Mapping[Form, Any]
    target: Any = None
    labels: Forms = field(default_factory=dict)
    smoothed: Forms = field(default_factory=dict)
    distributions: Forms = field(default_factory=dict)
    target_name: str = "target"
    kind: Kind = "distribution"
    only: Literal["labels", "distributions"] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    reductions: tuple[str, ...] = ("none", "sum", "mean")
    finish: Literal["none", "negate", "exp"] = "none"
    penalty: Kernel | None = None
    keep_dtype: bool = False


class Problem(NamedTuple):
    """A checked call."""

    engine: Engine
    plan: Plan
    operands: Operands
    keep_dtype: bool

    def value(self) -> Array:
        """Return the value."""
        value = self.engine.value(self.plan, self.operands)
        if self.keep_dtype:
            value = _dtype.cast(self.engine.xp, value, self.operands.prediction.dtype)
        return value

    def value_and_gradient(self) -> tuple[Array, Array]:
        """Return the value and its gradient."""
        value, g = self.engine.value_and_gradient(self.plan, self.operands)
        return _dtype.cast(self.engine.xp, value, g.dtype) if self.keep_dtype else value, g


def loss(
    options: type | None = None,
    *,
    differentiable: bool = True,
    prepare: Callable[[Any], Any] | None = None,
) -> Callable[[Callable[P, Any]], Callable[P, Array]]:
    """Make a function that returns a `Call` one that runs it, with the shared ``options``.

    ``prepare`` makes of what the body returns the problem to run, where that is no `Call`.
    """

    def wrap(body: Callable[P, Any]) -> Callable[P, Array]:
        if options is not None:
            _options.document(body, options)
        known = _parameters(body)

        def problem(*args: P.args, **kwargs: P.kwargs) -> Any:
            _check.keywords(body.__name__, kwargs, known)
            return (prepare or checked)(body(*args, **kwargs))

        @wraps(body)
        def run(*args: P.args, **kwargs: P.kwargs) -> Array:
            value: Array = problem(*args, **kwargs).value()
            return value

        run.__annotations__ = {**body.__annotations__, "return": "Array"}
        if differentiable:
            run.problem = problem  # type: ignore[attr-defined]  # what `grad` looks for
            if prepare is None:
                LOSSES[body.__name__] = run
        return run

    return wrap


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def checked(call: Call) -> Problem:
    """Check a call; return what runs it."""
    name, raw = _check.exactly_one(
        call.function, **{call.names.get(k, k): x for k, x in call.predictions.items()}
    )
    form = next(k for k in call.predictions if call.names.get(k, k) == name)
    options = {**_options.DEFAULTS, **call.options}
    engine, arrays = _dispatch.resolve(
        {name: raw, call.target_name: call.target, **{k: options[k] for k in WEIGHTS}}, like=name
    )
    prediction = arrays[name]
    plan, operands = planned(engine, call, options, arrays, name, form, prediction)
    if check_values(engine, plan, operands, options["validate"], (call.target_name, name)):
        plan = plan.seen
    return Problem(engine, plan, operands, call.keep_dtype)


def planned(
    engine: Engine,
    call: Call,
    options: Mapping[str, Any],
    arrays: Mapping[str, Array],
    name: str,
    form: Form,
    prediction: Array,
) -> tuple[Plan, Operands]:
    """Return plan and operands, checked in all that needs no value.

    A plan is remembered by all that it depends on, but not where shapes may be a compiler's symbols.
    """
    operands = Operands(prediction, arrays.get(call.target_name), *map(arrays.get, WEIGHTS))
    if any(map(engine.traced, arrays.values())):
        return _plan(call, options, operands, name, form), operands
    structure = (
        engine,
        (call.function, call.target_name, form),  # of which the rest of a call is a function
        *[None if x is None else (x.shape, x.dtype) for x in operands],
        *[(k, type(x), x) for k, x in call.options.items() if k not in WEIGHTS],
    )
    try:
        plan = _PLANS.get(structure)
    except TypeError:  # an option that can't be hashed, which no check will pass
        return _plan(call, options, operands, name, form), operands
    if plan is None:
        plan = _plan(call, options, operands, name, form)
        if len(_PLANS) >= MANY:
            _PLANS.clear()
        _PLANS[structure] = plan
    return plan, operands


MANY = 256
"""Plans that are remembered: more than a program has, fewer than batches that all differ in shape."""

_PLANS: dict[Any, Plan] = {}


def _plan(
    call: Call, options: Mapping[str, Any], operands: Operands, name: str, form: Form
) -> Plan:
    """Return the plan; of the arrays only shapes and dtypes are looked at."""
    prediction, target = operands[:2]
    _check.prediction(name, prediction)
    _check.choice("reduction", options["reduction"], call.reductions)
    kernels, by_label = call.distributions, False
    shape = tuple(prediction.shape)
    axis: int | None = None
    if next(iter(kernels.values())).shape == "element":
        classes, rows = 2, shape
        _binary_target(target, name, prediction)
    else:
        axis = _check.axis_of(name, prediction, options["axis"])
        classes, rows = shape[axis], shape[:axis] + shape[axis + 1 :]
        if target is not None and call.kind in ("logits", "pmf", "softmax"):
            _check.distributions(call.target_name, target)
            _check.same_shape(call.target_name, target, name, shape)
        elif target is not None:
            by_label = _check.is_labels(target, shape, axis, name, only=call.only)
    smoothing = _check.smoothing("label_smoothing", options["label_smoothing"])
    kind: Kind = call.kind if target is not None else "none"
    if by_label and not smoothing:
        kind, kernels = "labels", call.labels
    elif by_label and form in call.smoothed and operands.class_weight is None:
        kind, kernels = "smoothed label", call.smoothed
    elif by_label:
        kind = "smoothed labels"
    plan = Plan(
        kernel=kernels[form],
        kind=kind,
        form=form,
        axis=axis,
        classes=classes,
        reduction=options["reduction"],
        smoothing=smoothing,
        ignore_index=_ignored(options["ignore_index"], target, by_label),
        log_base=_check.log_base(options["base"]),
        finish=call.finish,
        softcap=_check.softcap(options["softcap"], form),
        z_loss=_check.z_loss(options["z_loss"], form),
        penalty=call.penalty if options["z_loss"] else None,
    )
    _weights(plan, operands, rows)
    return plan


WEIGHTS = ("class_weight", "pos_weight", "sample_weight", "where", "denominator")


def _ignored(ignore_index: Any, target: Array | None, by_label: bool) -> int | None:
    if ignore_index is None or target is None:
        return None
    return _check.ignore_index(ignore_index, target, by_label)


def _binary_target(target: Array | None, name: str, prediction: Array) -> None:
    if target is not None:
        _check.weight("target", target)
        _check.same_shape("target", target, name, prediction.shape)


def _weights(plan: Plan, operands: Operands, rows: tuple[int, ...]) -> None:
    """Check shapes and dtypes of all that weighs or masks."""
    if operands.class_weight is not None:
        _check.class_weight(operands.class_weight, plan.classes)
    if operands.pos_weight is not None:
        _check.broadcastable("pos_weight", operands.pos_weight, operands.prediction.shape)
    if operands.sample_weight is not None:
        _check.weight("sample_weight", operands.sample_weight)
        _check.rows_shape("sample_weight", operands.sample_weight, rows)
    if operands.where is not None:
        _check.mask(operands.where, rows)
    if operands.denominator is not None:
        _check.divisor(operands.denominator, plan.reduction)
    if plan.reduction == "mean":
        _check.some_rows(rows)


def check_values(
    engine: Engine, plan: Plan, operands: Operands, validate: bool | None, names: tuple[str, str]
) -> bool:
    """Check the values of target and prediction, where they can be read (R13); return whether."""
    given = [x for x in operands[:2] if x is not None]
    if validate is False:
        return False
    if not all(map(engine.readable, given)):
        if validate is None:
            return False
        if any(map(engine.traced, given)):
            raise _check.unreadable()
    engine, operands = engine.look(operands)
    keep = kept(plan, operands)
    wide = None if keep is None else along(keep, plan.axis)
    values(engine, names[1], plan.form, operands.prediction, plan.axis, keep, validate)
    target = operands.target
    if target is None or plan.kind in ("logits", "softmax"):
        return True
    if plan.by_label or (plan.kind == "pair" and _dtype.is_integer(target)):
        _check.labels(engine.xp, names[0], target, plan.classes, keep)
    elif plan.kind in ("distribution", "pmf"):
        values(engine, names[0], "probs", target, plan.axis, keep, validate)
    elif _dtype.is_floating(target):
        _check.probabilities(engine.xp, names[0], target, wide)
    return True


def values(
    engine: Engine,
    name: str,
    form: Form,
    x: Array,
    axis: int | None,
    keep: Array | None,
    validate: bool | None,
) -> None:
    """Check that ``x`` can be what ``form`` says; ``validate=True`` adds that rows sum to 1."""
    xp = engine.xp
    wide = None if keep is None else along(keep, axis)
    if form == "logits":
        return
    if form == "probs":
        _check.probabilities(xp, name, x, wide)
    else:
        _check.log_probabilities(xp, name, x, wide)
    if validate and axis is not None:
        total = _dtype.cast(xp, x, _dtype.compute_dtype(xp, x))
        total = xp.sum(total if form == "probs" else xp.exp(total), axis=axis)
        _check.sums_to_one(xp, name, total, _dtype.eps(x), keep)
