"""Where the table is kept, of which sources it is, and which functions it must have."""

import hashlib
import inspect
from pathlib import Path

import xent

ROOT = Path(__file__).parents[2]
MADE_OF = ("src/xent", "tests/support")
NOT_OF_ARRAYS = {
    *(
        "gauss_newton",
        "get_workers",
        "grad",
        "grad_and_hessian_diagonal",
        "hvp",
        "linear_head",
        "loss",
    ),
    *("part", "set_workers", "value_and_grad", "vjp", "with_metrics"),
}


def digest():
    """Return a name for the sources that a table is true of."""
    found = hashlib.sha256()
    for path in sorted(path for folder in MADE_OF for path in (ROOT / folder).rglob("*.py")):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def of_registry():
    """Return the names of all public functions of arrays."""
    public = ((name, getattr(xent, name)) for name in xent.__all__)
    functions = {name for name, x in public if callable(x) and not inspect.isclass(x)}
    return sorted(functions - NOT_OF_ARRAYS)
