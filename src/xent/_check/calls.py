"""What the author of a loss may have written wrongly: its function, and the `Call` that this returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from inspect import Signature, isfunction
from numbers import Integral
from typing import Any, get_args, is_typeddict

from xent._check import arguments
from xent._kernel import COUNTS, Kernel, is_number
from xent._typing import Form

WRONG = (AttributeError, LookupError, TypeError, ValueError)
"""What may be raised because a call is not what it should be, rather than its arguments."""

FORMS = get_args(Form)
_KINDS = ("labels", "distributions")
ONLY = (None, *_KINDS)
_KERNELS = (*_KINDS, "smoothed", "sparse")


# --- the function, when it is decorated ---


def group(options: Any) -> None:
    """Raise unless ``options`` are a group of them, or None."""
    if options is not None and not is_typeddict(options):
        raise TypeError(
            f"xent.loss got {named(options)}; it takes a typed dict of options, as in "
            "@xent.loss(xent.CrossEntropyOptions), or nothing, as in @xent.loss()"
        )


def name_of(function: Any) -> str:
    """Return the name of a function; raise for what else can be called, which has none."""
    if not isfunction(function):
        raise TypeError(
            f"xent.loss decorates a function, and got one of type {type(function).__name__}: "
            "write by def what it is to be"
        )
    return function.__name__


def decorated(function: Any, options: type, own: Signature, shared: Sequence[str]) -> None:
    """Raise unless the signature of a function has room for the shared options, which it ends in."""
    twice = [name for name in shared if name in own.parameters]
    name, of = f"{arguments.called(function)}()", options.__name__
    if "__signature__" in vars(function):  # which the first time gave it
        raise TypeError(
            f"{name} has options already, beside those of {of}: xent.loss takes it once"
        )
    if twice:
        raise TypeError(
            f"{name} has a parameter {', '.join(twice)}, which is an option of {of} too: leave it out, "
            "and it is in **options"
        )
    if not any(p.kind is p.VAR_KEYWORD for p in own.parameters.values()):
        raise TypeError(
            f"{name} takes no **options, and is to have those of {of}: end its signature in **options, "
            "and pass on options=options to xent.Call"
        )


# --- the call, when something was raised ---


def complete(function: str, call: Any, known: Sequence[str], options: type | None) -> None:
    """Give a call that was made without options none, and raise where a loss takes some, or a target."""
    if call.target is None and call.target_name in known:
        raise arguments.no_target(call)
    if options is None and call.options is None:
        call.options = {}
    if options is None or call.options is not None:
        return
    raise TypeError(
        f"{function}() takes the options of {options.__name__}, and its xent.Call got none of them, so that "
        "they would change nothing: write xent.Call(..., options=options)"
    )


def explain(
    function: str, body: Callable[..., Any], args: Sequence[Any], given: Any, error: Exception
) -> None:
    """Raise, in place of an ``error``, what is wrong with what the ``body`` of a loss returned, if anything.

    ``given`` is that, or the body itself where the error is its own.
    """
    if given is body:
        if isinstance(error, TypeError):
            arguments.by_position(function, body, args, error)
        return
    call = getattr(given, "call", given)
    what = _of_call(call)
    if what is not None:
        raise TypeError(f"{function}() {what}") from error


def _of_call(call: Any) -> str | None:
    """Return what is wrong with a call, None where nothing is."""
    if not hasattr(call, "predictions"):
        return f"returns {named(call)}; it takes a function that returns a xent.Call"
    forms = call.predictions
    if not isinstance(forms, Mapping):
        return (
            f"has {named(forms)} for the predictions of its xent.Call; it takes a dict that has of each "
            "form its array, as {'logits': logits}"
        )
    for form in forms:
        if form not in FORMS:
            return (
                f"has a prediction {form!r} in its xent.Call; a form is one of {', '.join(FORMS)}, and "
                f"names={{form: {form!r}}} says what the function calls it"
            )
    for kind in _KERNELS:
        what = _of_kernels(kind, getattr(call, kind))
        if what is not None:
            return what
    if call.only not in ONLY:
        known = ", ".join(map(repr, ONLY))
        return f"has only={call.only!r} in its xent.Call; it takes one of {known}"
    return _missing(call, [form for form, x in forms.items() if x is not None])


def _of_kernels(kind: str, kernels: Any) -> str | None:
    """Return what is wrong with the kernels for one kind of target, None where nothing is."""
    if not isinstance(kernels, Mapping):
        return (
            f"has {named(kernels)} for the {kind} of its xent.Call; it takes a dict that has of each form "
            "its kernel, as {'logits': kernel}"
        )
    for form, kernel in kernels.items():
        if not isinstance(kernel, Kernel):
            a = f", as {kernel.__name__}()" if isinstance(kernel, type) else ""
            return (
                f"has {named(kernel)} for {kind} and {form} in its xent.Call; it takes an instance of a "
                f"xent.Kernel{a}"
            )
    return None


def _missing(call: Any, given: Sequence[str]) -> str | None:
    """Return which kernel is missing of the form that is given, None where there is one."""
    known = {kind: list(getattr(call, kind)) for kind in _KINDS}
    for form in given:
        if not any(form in of for of in known.values()):
            there = "; ".join(f"{kind} {', '.join(of)}" for kind, of in known.items() if of)
            return (
                f"has no kernel for {call.names.get(form, form)} in its xent.Call; it has those of "
                f"{there or 'nothing'}"
            )
    return None


def parameters(kernel: Kernel) -> Kernel:
    """Return a kernel, of whose fields none holds an array, a float's a number, and an int's an int."""
    if not isinstance(kernel, Kernel):
        raise TypeError(f"{arguments.shown(kernel)} is no kernel")
    for field in fields(kernel):
        x = getattr(kernel, field.name)
        if field.type in COUNTS and type(x) is not int:
            kernel = replace(kernel, **{field.name: _count(field.name, x)})
        if field.type in (float, "float") and not is_number(x):
            raise TypeError(f"{field.name} is {named(x)}; it takes a number")
        if hasattr(type(x), "dtype") and not is_number(x):
            raise TypeError(
                f"{type(kernel).__name__} has an array for {field.name}, which no kernel takes, as it may be "
                "given some classes: class_weight weighs them, and what shifts their logits is added before"
            )
    return kernel


def _count(name: str, x: Any) -> int:
    """Return a whole number as Python's."""
    if isinstance(x, bool) or not isinstance(x, Integral):
        raise TypeError(f"{name} is {named(x)}; it takes a whole number, which no array is")
    return int(x)


def named(x: Any) -> str:
    """Return what something is, in a few words."""
    shape = getattr(x, "shape", None)
    if isinstance(x, type):
        return f"the class {x.__name__}"
    if isinstance(shape, tuple):
        return f"an array of shape {tuple(shape)}"
    return arguments.shown(x)


def named_rightly(form: str, only: Any) -> None:
    """Raise for a form or a kind of target that is none; `explain` raises its own error instead."""
    if form not in FORMS or only not in ONLY:
        raise ValueError(f"a xent.Call has the form {form!r}, and only={only!r}")
