"""What is said of a name that a package lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn


def lacks(module: str, apart: Mapping[str, str]) -> Callable[[str], NoReturn]:
    """Return a module's ``__getattr__``, which says of names that are ``apart`` what to import."""

    def missing(name: str) -> NoReturn:
        hint = f"; it is imported by itself: import {apart[name]}" if name in apart else ""
        raise AttributeError(f"module {module!r} has no attribute {name!r}{hint}")

    return missing
