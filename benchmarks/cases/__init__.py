"""The families, one file each: a file here that defines ``FAMILY`` is measured."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from benchmarks.family import Case, Family


def families() -> tuple[Family, ...]:
    """Return every family, by name."""
    names = sorted(module.name for module in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").FAMILY for name in names)


def find(name: str) -> tuple[Family, Case]:
    """Return the case of a name, and its family.

    Raises
    ------
    KeyError
        Where there is none.
    """
    for family in families():
        for case in family.cases:
            if case.name == name:
                return family, case
    raise KeyError(name)
