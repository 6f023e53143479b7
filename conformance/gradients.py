"""What an adapter may take for its ``grad``: the gradient of a function of its own, by torch or by JAX.

``from conformance.gradients import of_torch as grad`` is all that a module needs beside its losses.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

#: What is differentiated by, in the order of the results.
PREDICTIONS = ("probs", "logits", "log_probs")
HEAD = ("features", "weight", "bias")
#: Where it is without a name: the second of a measure of two rows, else the first.
FIRST, SECOND = 0, 1


def of_torch(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the gradient of a function of tensors, of the sum of what it returns, by autograd."""

    def gradient(*args: Any, **named: Any) -> Any:
        torch = import_module("torch")
        args, named, places = _places(args, named)
        given = [x.detach().requires_grad_() for x in places.values()]
        with torch.enable_grad():
            value = function(*_put(args, places, given), **{**named, **_named(places, given)})
            parts = torch.autograd.grad(value.sum(), given)
        return parts[0] if len(parts) == 1 else tuple(parts)

    return gradient


def of_jax(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the gradient of a function of JAX's arrays, of the sum of what it returns."""

    def gradient(*args: Any, **named: Any) -> Any:
        jax = import_module("jax")
        args, named, places = _places(args, named)

        def total(given: list[Any]) -> Any:
            return function(*_put(args, places, given), **{**named, **_named(places, given)}).sum()

        parts = jax.grad(total)(list(places.values()))
        return parts[0] if len(parts) == 1 else tuple(parts)

    return gradient


def _places(args: Any, named: dict[str, Any]) -> tuple[list[Any], dict[str, Any], dict[Any, Any]]:
    """Return the arguments and where those are that are differentiated by."""
    args = list(args)
    names = [name for name in (*PREDICTIONS, *HEAD) if name in named]
    if names and names[0] in PREDICTIONS:
        return args, named, {names[0]: named[names[0]]}
    if len(args) >= 3 or names:  # target, features, weight; bias is passed by its name
        heads: dict[Any, Any] = {i: args[i] for i in range(len(args))[-2:]}
        return args, named, heads | {name: named[name] for name in names}
    place = min(SECOND, len(args) - 1) if len(args) > 1 else FIRST
    return args, named, {place: args[place]}


def _put(args: list[Any], places: dict[Any, Any], given: list[Any]) -> list[Any]:
    """Return the arguments by position, with new ones in their places."""
    new = {place: x for place, x in zip(places, given, strict=True) if isinstance(place, int)}
    return [new.get(i, x) for i, x in enumerate(args)]


def _named(places: dict[Any, Any], given: list[Any]) -> dict[str, Any]:
    return {place: x for place, x in zip(places, given, strict=True) if isinstance(place, str)}
