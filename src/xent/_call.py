"""A public loss makes a `Call`; checked, it becomes a plan and its operands, to be run or differentiated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, ParamSpec

from xent import _dispatch, _one_call, _request, _signature
from xent._check import arguments, calls, keywords, numbers, values
from xent._engine import Engine, Problem
from xent._namespace import Sight
from xent._plan import CLASSES, Operands, Plan, kept
from xent._planning import plan_of
from xent._request import NO_PART, NUMBERS, WEIGHTS, Call, is_there, numbers_of
from xent._sparse import SparseDistribution
from xent._sparse_target import apart, probs_of
from xent._typing import Array, Form, R

P = ParamSpec("P")


def loss(
    options: type | None = None,
    *,
    differentiable: bool = True,
    prepare: Callable[[str, Any], Any] | None = None,
) -> Callable[[Callable[P, Call[R]]], Callable[P, R]]:
    """Make a function that returns a `Call` one that runs it, with the shared ``options``.

    Parameters
    ----------
    options : type, optional
        The options that losses share and this one takes, as a typed dict such as
        `xent.CrossEntropyOptions`: in signature and docstring they take the place of ``**options``.
    differentiable : bool
        Whether `xent.grad` takes the function.
    prepare : (name, what the body returns) -> problem, optional
        What makes the problem to run, where the body returns no `Call`.

    Returns
    -------
    function
        A decorator: of a function that returns a `Call`, one that returns the loss.

    Examples
    --------
    >>> import xent
    >>> from xent.kernels import labels
    >>> @xent.loss(xent.LikelihoodOptions)
    ... def surprise(target, probs, **options):
    ...     return xent.Call(target, {"probs": probs}, labels.KERNELS, options=options)
    >>> print(surprise([1, 0], [[0.5, 0.5], [0.25, 0.75]], base=2))
    1.5
    """
    calls.group(options)

    def wrap(body: Callable[P, Call[R]]) -> Callable[P, R]:
        name, known = calls.name_of(body), _signature.documented(body, options)

        def problem(*args: P.args, **kwargs: P.kwargs) -> Any:
            for key in kwargs:
                if key not in known:
                    raise keywords.unknown(name, key, known)
            given: Any = body  # until it has returned
            try:
                given = body(*args, **kwargs)
                if (call := getattr(given, "call", given)).options is None or call.target is None:
                    calls.complete(name, call, known, options)
                return (prepare or checked)(name, given)
            except calls.WRONG as error:
                calls.explain(name, body, args, given, error)
                raise

        @wraps(body)
        def run(*args: P.args, **kwargs: P.kwargs) -> Any:
            return asked(*args, **kwargs).value()

        asked = problem if prepare else _one_call.asked(problem, body, looks="validate" in known)
        run.__annotations__ = {**body.__annotations__, "return": Array}
        if differentiable:
            vars(run).update(problem=problem, call=body, itself=run)  # for `part_of`
        return run

    return wrap


def checked(function: str, call: Call) -> Problem:
    """Check a call; return what runs it."""
    form: Any = None
    for key, x in call.predictions.items():
        if x is not None:
            form = key if form is None else ""
    if not form:
        arguments.exactly_one(function, **call.named)
    name, options = call.names.get(form, form), call.options
    given = {name: call.predictions[form], call.target_name: call.target}
    if type(call.target) is SparseDistribution:
        call, entries = apart(call)
        given = {name: call.predictions[form], **entries}
    for key in WEIGHTS:
        if key in options:
            given[key] = options[key]
    for key in NUMBERS:
        if key in options and numbers.is_array(options[key]):
            given[key] = options[key]
    engine, arrays = _met(given) or _dispatch.resolve(given, like=name)
    for forms in (call.labels, call.smoothed, call.sparse, call.distributions):
        if form in forms and len((kernel := forms[form]).__dataclass_fields__) > _request.BARE:
            engine, arrays = _request.with_numbers(engine, arrays, given, [kernel], name)
    if call.soft is CLASSES:
        arrays = _request.spread(engine, name, call.target_name, arrays)
    sight = engine.sight(arrays.values()) if engine.has_devices else Sight.READABLE
    plan, operands = planned(engine, call, arrays, name, form, sight)
    plan = seen(engine, call, plan, operands, name, sight)
    return Problem(engine, plan, operands, call.keep_dtype, call.returns)


def _met(given: Mapping[str, Any]) -> tuple[Engine, Mapping[str, Any]] | None:
    """Return the engine of arrays whose types have all been met, None where more is to be asked."""
    engine: Engine | None = None
    for x in given.values():
        if x is not None:
            if hasattr(type(x), "__torch_function__"):
                return _dispatch.of_tensors(given)
            own = _dispatch.ENGINE_OF.get(type(x))
            if own is None or (engine is not None and own is not engine):
                return None
            engine = own
    if engine is not None and engine.has_devices:
        engine.together(given)
    return None if engine is None else (engine, given)


_PLANS: dict[Any, Plan] = {}
MANY = 256  # plans remembered: more than a program has, fewer than strange options might make


def planned(
    engine: Engine, call: Call, arrays: Mapping[str, Any], name: str, form: Form, sight: Sight
) -> tuple[Plan, Operands]:
    """Return plan and operands, checked in all that needs no value.

    A plan is remembered by all that it depends on, and made anew of what is traced: shapes may be symbols.
    """
    weights: Any = map(arrays.get, WEIGHTS)
    operands = Operands(arrays[name], arrays.get(call.target_name), *weights)
    if call.sparse_target:
        operands = operands._replace(target_probs=arrays[probs_of(call.target_name)])
    if call.soft is CLASSES:  # `where` is that of classes, and none of rows
        operands = operands._replace(where=None)
    if sight is Sight.TRACED:
        traced = replace(plan_of(call, operands, name, form), traced=True)
        return traced, operands._replace(numbers=numbers_of(engine, call, traced, operands[0]))
    key: Any = _key(engine, call, operands, form)
    try:
        plan = _PLANS.get(key)
    except TypeError:  # an option that can't be hashed, as a 0-d array
        key = plan = None
    if plan is None or not _agree(plan, operands):
        plan = plan_of(call, operands, name, form)
        if key is not None:
            if len(_PLANS) >= MANY:
                _PLANS.clear()
            _PLANS[key] = plan
    if plan.has_numbers:
        operands = operands._replace(numbers=numbers_of(engine, call, plan, operands[0]))
    return plan, operands


def _key(engine: Engine, call: Call, operands: Operands, form: Form) -> tuple[Any, ...]:
    """Return all that a plan is a function of."""
    dtype, shape = operands.prediction.dtype, operands.prediction.shape
    key: list[Any] = [engine, form, dtype, len(shape), call.soft, call.only, call.reductions]
    key += [call.finish, call.sequence_axis, call.beside, call.sparse_target]
    for x in operands[1:8]:  # a second head is no part of the plan
        key.append(None if x is None else (x.dtype, len(x.shape)))
    kernel: Any = None
    for forms in (call.labels, call.smoothed, call.sparse, call.distributions):
        kernel = forms.get(form, kernel)
        key.append(kernel.key if form in forms else None)
    for option, x in call.options.items():
        if option in NUMBERS:
            key.append((option, is_there(option, x)))
        elif option not in NO_PART:
            key.append((option, type(x), x))
    axis = call.options.get("axis", -1)
    if kernel.shape != "element" and isinstance(axis, int) and -len(shape) <= axis < len(shape):
        key.append(shape[axis])
    return tuple(key)


def _agree(plan: Plan, operands: Operands) -> bool:
    """Whether the shapes fit each other as those did that the plan was made of."""
    x, target, class_weight, pos_weight, sample, where, denominator, probs = operands[:8]
    shape, rows, axis = x.shape, x.shape, plan.axis
    if axis is not None:
        if shape[axis] != plan.classes:
            return False
        rows = shape[:axis] + shape[axis + 1 :]
    of_target = rows if plan.target.by_label else shape
    if probs is not None:
        of_target = (*rows, probs.shape[-1])
        if probs.shape != of_target or probs.shape[-1] > plan.classes:
            return False
    return (
        (target is None or target.shape == of_target)
        and (sample is None or sample.shape == rows)
        and (where is None or where.shape == rows)
        and (class_weight is None or class_weight.shape == (plan.classes,))
        and (pos_weight is None or pos_weight.shape in ((), shape, shape[-1:]))
        and (plan.reduction != "mean" or 0 not in rows or denominator is not None)
    )


def seen(
    engine: Engine, call: Call, plan: Plan, operands: Operands, name: str, sight: Sight
) -> Plan:
    """Check the values of target and prediction, where they can be read (R13); return what is known."""
    validate = call.options.get("validate")
    if validate is not None and not arguments.truth("validate", validate):
        return plan
    if operands.denominator is not None:
        values.divisor(engine, call.options.get("denominator"), operands.denominator)
    of_x, of_target, where = plan.form != "logits", plan.target.checks, operands.where
    if not (of_x or of_target):
        return plan if plan.traced else plan.seen
    if sight is Sight.TRACED:  # some of the arrays: labels may be there where logits are not
        operands = engine.unfollowed(operands)
        where = operands.where
        of_x = of_x and values.readable(engine.sight((operands.prediction, where)), validate)
        target = operands.target, operands.target_probs, where
        of_target = of_target and values.readable(engine.sight(target), validate)
    elif sight is not Sight.READABLE and validate is None:
        return plan
    if engine.lends_views and (of_x or of_target):
        engine, operands = engine.look(operands)
    labels, plain = operands.target, where is None and operands.target_probs is None
    plain = plain and not of_x and of_target and plan.target.by_label
    if plain and 0 not in labels.shape and engine.xp.within(labels, 0, plan.classes - 1):
        return plan.seen
    if plan.ignore_index is not None and of_target:
        operands = operands._replace(where=kept(plan, operands))
    if of_x:
        x, keep = operands.prediction, operands.where
        engine.run(values.of_form, engine.xp, plan.form, name, x, plan.axis, keep, validate)
    if of_target:
        plan.target.check(engine.xp, plan, operands, call.target_name, validate)
    return plan.seen if of_target or (of_x and not plan.target.checks) else plan
