"""Where mpmath enters: the context all references share."""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: mpmath's context. It has no types: everything computed with it is Any.
mp: Any = import_module("mpmath").mp

Number = Any
Row = tuple[Number, ...]
#: A NumPy array of numbers of this kind, dtype object.
Array = Any
