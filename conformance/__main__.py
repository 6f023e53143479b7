"""``python -m conformance [COMMAND] …``: one entry per command, ``run`` where none is named."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from conformance.entry import dispatch

# Modules, not functions: `run` must work where the oracle's mpmath is not installed.
COMMANDS = {
    "run": "conformance.command",
    "oracle": "conformance.oracle",
    "accuracy": "conformance.accuracy.command",
    "faults": "conformance.faults.command",
    "libraries": "conformance.libraries",
}

_MEASURED = ("xent", "flint", "matplotlib", "ml_dtypes", "mpmath", "tqdm")
#: The packages that a command needs beside NumPy: those of the extra of its name, and xent.
NEEDS = {
    "oracle": ("mpmath",),
    "accuracy": _MEASURED,
    "faults": ("xent",),
    "libraries": (*_MEASURED, "torch", "jax", "optax", "scipy", "sklearn", "keras"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    return dispatch(COMMANDS, argv, NEEDS)


if __name__ == "__main__":
    sys.exit(main())
