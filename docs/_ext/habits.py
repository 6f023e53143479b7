"""The README's tables of other libraries' habits, row by row: run on both sides, compared, and shown."""

import os

os.environ.setdefault("KERAS_BACKEND", "numpy")  # before Keras is imported

import importlib
import warnings

import numpy as np
from IPython.display import Markdown

import xent
from tests.documents.test_readme import ARRAYS, MODULES, sample, section


def _names(library):
    asarray = importlib.import_module(ARRAYS.get(library, "numpy")).asarray
    modules = {name: importlib.import_module(path) for name, path in MODULES[library].items()}
    return {"xent": xent, **modules, **{name: asarray(x) for name, x in sample().items()}}


def _shown(value):
    value = np.asarray(value, dtype=float)
    return f"{value:.6g}" if value.ndim == 0 else f"{value.ravel()[0]:.6g} …"


def show(library):
    """Return the library's rows as a table, with what both sides give; a row that differs raises."""
    named, lines = "", ["| there, and here | both give | mind |", "|---|---|---|"]
    names = _names(library)
    for of, theirs, ours, *mind in section("Coming from another library"):
        named = of or named
        if named == library:
            there, here = (np.asarray(eval(code.strip("`"), names)) for code in (theirs, ours))
            np.testing.assert_allclose(here, there, rtol=1e-5)
            lines.append(f"| {theirs}<br>{ours} | {_shown(there)} | {' '.join(mind)} |")
    if len(lines) == 2:
        raise LookupError(f"the table has no row of {library}")
    return Markdown("\n".join(lines))


def modules():
    """Return the table of what torch's modules give and ours; a row that is not so raises."""
    from tests.documents.test_readme_modules import ROWS, ours, said, torch

    lines = ["| given | `torch.nn` | here | why |", "|---|---|---|---|"]
    for code, theirs, here, why in ROWS:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # as torch's of a size
            found = said(code, torch.nn), said(code, ours)
        if found != (theirs, here):
            raise AssertionError(f"{code} gives {found}, not {(theirs, here)}")
        lines.append(f"| `{code}` | `{theirs}` | `{here}` | {why} |")
    return Markdown("\n".join(lines))
