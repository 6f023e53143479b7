"""The losses as a course writes them: the peers that no library is needed for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.family import Factory, How


def textbook(library: str, function: str) -> Factory:
    """Return a factory from this package, which imports the library when it is asked for one."""

    def factory(how: How) -> Callable[..., Any]:
        made: Callable[..., Any] = getattr(import_module(f"{__name__}.{library}"), function)(how)
        return made

    return factory
