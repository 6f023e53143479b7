"""What command lines share: how a command is found, what it needs, and its exit statuses."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from conformance.case import case_files

OK, FAILED, UNKNOWN = 0, 1, 2

#: What pip calls the packages that are imported by another name, or that a command alone needs.
PACKAGES = {
    "flint": "python-flint",
    "matplotlib": "matplotlib",
    "ml_dtypes": "ml-dtypes",
    "mpmath": "mpmath",
    "sklearn": "scikit-learn",
    "tqdm": "tqdm",
    "xent": "array-api-xent",
}


def dispatch(
    commands: Mapping[str, str],
    argv: Sequence[str] | None,
    needs: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """Run the command that is named first, ``run`` where none is, and return its exit status.

    A command is not begun without the packages that ``needs`` names: some enter at its end, to draw.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    name = words.pop(0) if words and words[0] in commands else "run"
    lacking = [package for package in (needs or {}).get(name, ()) if find_spec(package) is None]
    if lacking:
        wanted = " ".join(PACKAGES.get(package, package) for package in lacking)
        print(f"{name} needs packages that are not here: pip install {wanted}", file=sys.stderr)
        return UNKNOWN
    status: int = import_module(commands[name]).main(words)
    return status


def case_folder(text: str) -> Path:
    """Return a folder of case files, as the type of an option."""
    path = Path(text)
    if not path.is_dir():
        raise ArgumentTypeError(f"there is no folder {text!r}")
    if not case_files(path):
        raise ArgumentTypeError(f"no case files in {text!r}")
    return path


def new_file(text: str) -> Path:
    """Return a file that can be written, as the type of an option: it is asked before what takes minutes."""
    path = Path(text)
    if path.is_dir() or not _writable(path if path.exists() else path.parent):
        raise ArgumentTypeError(f"can't write {text!r}")
    return path


def new_folder(text: str) -> Path:
    """Return a folder that is there or can be made, as the type of an option."""
    path = Path(text)
    there = next(x for x in (path, *path.absolute().parents) if x.exists())
    if not there.is_dir() or not _writable(there):
        raise ArgumentTypeError(f"can't write into {text!r}")
    return path


def _writable(path: Path) -> bool:
    return path.exists() and os.access(path, os.W_OK)
