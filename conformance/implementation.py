"""An implementation is a module: one by name, one in a file, or a library that an adapter describes."""

from __future__ import annotations

import sys
from collections.abc import Collection
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from conformance.entry import PACKAGES

OWN = "xent"
"""The module that has all functions, and raises what the cases name and nothing else."""


def implementation_of(name: str) -> Any:
    """Return what has the functions: a module by its dotted name or its path.

    A module with a ``PEER`` (``adapters/``) stands for the library that this describes. An ``ImportError``
    says in one line what is wrong with a module that is not there or can't be run.
    """
    try:
        module = _from_file(Path(name)) if name.endswith(".py") else import_module(name)
        if not hasattr(module, "PEER"):
            return module
        return import_module("conformance.adapters.functions").Functions(module.PEER)
    except (Exception, SystemExit) as error:  # whatever somebody's module raises
        said = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
        lacking = PACKAGES.get(str(getattr(error, "name", None)))
        hint = f": pip install {lacking}" if lacking else ""
        raise ImportError(f"{name!r} can't be imported, {said}{hint}") from error


def _from_file(path: Path) -> Any:
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError("there is no such file")
    module = module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def backend_of(module: Any) -> str:
    """Return the backend that a module asks for by its ``BACKEND``, NumPy where it asks for none."""
    return str(getattr(module, "BACKEND", "numpy"))


def need_functions(module: Any, name: str, functions: Collection[str], others: str = "") -> None:
    """Raise unless a module has one of the functions at least; ``others`` is what it has beside."""
    if functions and not any(hasattr(module, function) for function in functions):
        one = next(iter(functions))
        there = f"; it has {others}" if others else ""
        raise ImportError(
            f"{name!r} has no function that a case calls by xent's name, such as {one}{there}"
        )
