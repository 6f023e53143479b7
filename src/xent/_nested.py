"""Tuples of arrays, however nested: what is made of each array, and others in their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def mapped(function: Callable[..., Any], x: Any, *others: Any) -> Any:
    """Return what a function makes of each leaf, and of those in the same place of others; None stays."""
    if isinstance(x, (tuple, list)):
        return like(x, [mapped(function, *parts) for parts in zip(x, *others, strict=True)])
    return None if x is None else function(x, *others)


def like(x: Any, parts: Iterable[Any]) -> Any:
    """Return parts as a tuple of the kind of ``x``."""
    return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)


def leaves(x: Any) -> Iterator[Any]:
    """Yield the leaves, in their order."""
    if isinstance(x, (tuple, list)):
        for part in x:
            yield from leaves(part)
    elif x is not None:
        yield x
