"""What is said of a name that a package lacks, and of a library that isn't installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

EXTRAS = {
    **{name: name for name in ("numpy", "torch", "jax", "dask", "cupy")},
    "array_api_strict": "strict",
}
"""The extra that installs a library."""


@contextmanager
def needed(library: str, by: str) -> Iterator[None]:
    """Say what installs a library where what imports it, ``by``, does not find it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library:
            raise
        wanted = f'"array-api-xent[{EXTRAS[library]}]"' if library in EXTRAS else library
        said = f"{by} needs {library}, which is not installed: pip install {wanted}"
        raise ModuleNotFoundError(said, name=error.name) from None


def lacks(module: str, apart: Mapping[str, str]) -> Callable[[str], NoReturn]:
    """Return a module's ``__getattr__``, which says of names that are ``apart`` what to import."""

    def missing(name: str) -> NoReturn:
        hint = f"; it is imported by itself: import {apart[name]}" if name in apart else ""
        raise AttributeError(f"module {module!r} has no attribute {name!r}{hint}")

    return missing
