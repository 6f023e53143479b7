"""The losses of the package itself, by name, for a compiler's graph, which can't hold a function."""

from collections.abc import Callable
from typing import Any

LOSSES: dict[str, tuple[Callable[..., Any], bool]] = {}
"""What makes the problem of each, by its module and name, and whether it looks at values."""
