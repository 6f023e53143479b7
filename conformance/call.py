"""Make one call of an implementation: a case's arguments, the function, its result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.arguments import ANY_OTHER, LEADING, dtype_of, values_of
from conformance.backends import Backend
from conformance.case import Argument, Case

#: What is made of a function for a quantity other than its value.
TRANSFORMS = {"gradient": ("grad",), "metrics": ("with_metrics",)}


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
    return transforms[0](function) if transforms else function


def call(case: Case, implementation: Any, backend: Backend, dtype: str) -> tuple[Any, ...]:
    """Call the implementation as the case says.

    Returns
    -------
    tuple of arrays
        One result, or as many as there are: parts of the gradient of a linear loss, values beside a loss.
    """
    function = function_of(case, implementation)
    named = {
        name: array_of(argument, dtype, backend) for name, argument in case.arguments.items()
    } | {name: _number(option) for name, option in case.options.items() if name != "dtype"}
    if "target_probs" in named:
        make = getattr(implementation, "SparseDistribution", None)
        if make is None:
            raise AbsentError("the implementation has no SparseDistribution")
        rest = named.pop("rest", None)
        named["target"] = make(named["target"], named.pop("target_probs"), rest)
    if "dtype" in case.options:
        named["dtype"] = backend.dtype(case.options["dtype"])
    leading = [named.pop(name) for name in LEADING.get(case.function, ANY_OTHER) if name in named]
    result = function(*leading, **named)
    if case.chain is not None:
        result = _through(result, array_of(case.chain, dtype, backend))
    return tuple(part for part in _flat(result) if part is not None)


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
