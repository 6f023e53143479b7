"""``python -m benchmarks [COMMAND] …``: one entry per command, ``run`` where none is named."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from conformance.entry import dispatch

# Modules, not functions: a table can be made from results where no peer is installed.
COMMANDS = {
    "run": "benchmarks.run",
    "table": "benchmarks.table",
    "plot": "benchmarks.plot",
    "goals": "benchmarks.goals",
    "memory": "benchmarks.memory",
    "calls": "benchmarks.calls",
    "counts": "benchmarks.counts.table",
    "half": "benchmarks.half",
    "work": "benchmarks.work",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    return dispatch(COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
