"""Make one call of an implementation: a case's arguments, the function, its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from inspect import Parameter, signature
from typing import Any

from conformance.arguments import ANY_OTHER, LEADING, dtype_of, values_of
from conformance.backends import Backend
from conformance.case import Argument, Case

#: What is made of a function for a quantity other than its value.
TRANSFORMS = {
    "gradient": ("grad",),
    "metrics": ("with_metrics",),
    "diagonal": ("grad_and_hessian_diagonal",),
    "parts": ("part",),
    "vjp": ("vjp",),
}

#: Where a prediction is in a call, by its position or its name.
FORMS = ("probs", "logits", "log_probs", 1, 0)

#: Arguments of what is made of a function, not of itself.
MADE = ("cotangent",)


class AbsentError(Exception):
    """The implementation has no such function."""


def array_of(argument: Argument, dtype: str, backend: Backend) -> Any:
    """Make an argument as an array of the backend."""
    kind = dtype_of(argument, dtype)
    return backend.make(values_of(argument, dtype), kind, argument.get("shape"))


def function_of(case: Case, implementation: Any) -> Any:
    """Return the function a case calls, or the gradient of it."""
    names = [case.function, *TRANSFORMS.get(case.quantity, ())]
    for name in names:
        if not hasattr(implementation, name):
            raise AbsentError(f"the implementation has no {name}")
    function, *transforms = (getattr(implementation, name) for name in names)
    if case.quantity == "parts":
        return _in_parts(transforms[0](function))
    return transforms[0](function) if transforms else function


def _in_parts(part: Any) -> Any:
    """Return value and gradient, both from two parts of the classes."""

    def merged(*leading: Any, **named: Any) -> tuple[Any, ...]:
        arrays = dict(enumerate(leading)) | named
        axis = named.get("axis", -1)
        name = next(name for name in FORMS if name in arrays)
        width = arrays[name].shape[axis]
        wide = [
            name
            for name, x in arrays.items()
            if getattr(x, "ndim", 0) > 1 and x.shape[axis] == width
        ]
        parts = []
        for first, last in ((0, 1), (1, width)):
            cut = (slice(first, last), ...) if axis == 0 else (..., slice(first, last))
            mine = arrays | {name: arrays[name][cut] for name in wide}
            parts.append(part(*(mine[i] for i in range(len(leading))), first=first, classes=width,
                              **{name: mine[name] for name in named}))  # fmt: skip
        wholes = [x.merged([y.statistics for y in parts]) for x in parts]
        return wholes[0].value(), *(whole.gradient() for whole in wholes)

    return merged


def call(case: Case, implementation: Any, backend: Backend, dtype: str) -> tuple[Any, ...]:
    """Call the implementation as the case says.

    Returns
    -------
    tuple of arrays
        One result, or as many as there are: parts of the gradient of a linear loss, values beside a loss.
    """
    arrays = {name: array_of(argument, dtype, backend) for name, argument in case.arguments.items()}
    if "dtype" in case.options:
        arrays["dtype"] = backend.dtype(case.options["dtype"])
    results = called(case, implementation, arrays)
    if case.chain is not None:
        results = (_through(*results, array_of(case.chain, dtype, backend)),)
    return results


def called(case: Case, implementation: Any, arrays: Mapping[str, Any]) -> tuple[Any, ...]:
    """Call the implementation with arrays of a backend and the options of a case."""
    function = function_of(case, implementation)
    named = {name: _number(option) for name, option in case.options.items()} | dict(arrays)
    if "target_probs" in named:
        make = getattr(implementation, "SparseDistribution", None)
        if make is None:
            raise AbsentError("the implementation has no SparseDistribution")
        rest = named.pop("rest", None)
        named["target"] = make(named["target"], named.pop("target_probs"), rest)
    leading = [named.pop(name) for name in LEADING.get(case.function, ANY_OTHER) if name in named]
    missing = lacking(getattr(implementation, case.function), named)
    if missing:
        raise AbsentError(f"{case.function} has no {missing[0]}")
    result = function(*leading, **named)
    parts = tuple(part for part in _flat(result) if part is not None)
    # One array is returned by itself: what is around it, or in its place, is judged as it is.
    return parts if len(parts) > 1 or (parts and parts[0] is result) else (result,)


def named_by(case: Case) -> list[str]:
    """Return the names of what a case passes by its name, and not by its place."""
    names = [*case.options, *case.arguments]
    made = ("target_probs", "rest") if "target_probs" in names else ()  # the target is made of them
    return [x for x in names if x not in (*made, *LEADING.get(case.function, ANY_OTHER))]


def lacking(function: Any, names: Iterable[str]) -> list[str]:
    """Return the names that a function has no parameter for: what they stand for it does not claim to do."""
    try:
        taken = signature(function).parameters.values()
    except (TypeError, ValueError):  # as of what is written in C
        return []
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in taken):
        return []
    known = {p.name for p in taken if p.kind is not Parameter.POSITIONAL_ONLY}
    return [name for name in names if name not in known and name not in MADE]


def _flat(result: Any) -> Iterator[Any]:
    if not isinstance(result, tuple):
        yield result
        return
    for part in result:
        yield from _flat(part)


def _number(option: Any) -> Any:
    # JSON has no infinity.
    return float(option) if option == "inf" else option


def _through(gradient: Any, features: Any) -> Any:
    # ∂L/∂θ = (∂L/∂z)ᵀ·x: the last step of the chain rule, which a linear layer adds.
    return (gradient.T if gradient.ndim == 2 else gradient) @ features
