"""What command lines share: how a command is found, and its exit statuses."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

OK, FAILED, UNKNOWN = 0, 1, 2


def dispatch(commands: Mapping[str, str], argv: Sequence[str] | None) -> int:
    """Run the command that is named first, ``run`` where none is, and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = words.pop(0) if words and words[0] in commands else "run"
    status: int = import_module(commands[name]).main(words)
    return status
