"""What the error of a loss says in a framework's module: the same, in the names that this has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

R = TypeVar("R")


def in_words(words: Mapping[str, str], loss: Callable[..., R], *given: Any, **options: Any) -> R:
    """Return the value of a loss; in its errors phrases are replaced by ``words``, the longest first."""
    try:
        return loss(*given, **options)
    except (TypeError, ValueError) as error:
        phrases = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
        pattern = rf"'[^']*'|(?<!\w)({phrases})(?!\w)"  # what is quoted is the user's own
        said = re.sub(pattern, lambda found: words.get(found[0], found[0]), str(error))
        error.args = (said,)
        raise
