"""Tuples of arrays, however nested: what is made of each array, and others in their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def mapped(function: Callable[..., Any], x: Any, *others: Any) -> Any:
    """Return what a function makes of each leaf, and of those in the same place of others; None stays."""
    if isinstance(x, (tuple, list)):
        parts = [mapped(function, *each) for each in zip(x, *others, strict=True)]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return None if x is None else function(x, *others)


def filled(function: Callable[[Any, Any], Any], x: Any, others: Iterable[Any]) -> Any:
    """Return what a function makes of each leaf and of the next of others, which are in no tuple."""
    others = iter(others)
    return mapped(lambda leaf: function(leaf, next(others)), x)


def leaves(x: Any) -> Iterator[Any]:
    """Yield the leaves, in their order."""
    if isinstance(x, (tuple, list)):
        for part in x:
            yield from leaves(part)
    elif x is not None:
        yield x
