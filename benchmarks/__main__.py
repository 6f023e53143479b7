"""``python -m benchmarks [COMMAND] …``: one entry per command, ``run`` where none is named."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

# Modules, not functions: a table can be made from results where no peer is installed.
COMMANDS = {
    "run": "benchmarks.run",
    "table": "benchmarks.table",
    "plot": "benchmarks.plot",
    "goals": "benchmarks.goals",
    "memory": "benchmarks.memory",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = words.pop(0) if words and words[0] in COMMANDS else "run"
    status: int = import_module(COMMANDS[name]).main(words)
    return status


if __name__ == "__main__":
    sys.exit(main())
