"""A choice between two floats by their bits, for libraries that jump at each number.

NumPy's ``where`` and torch's on a processor take one number or the other by a jump, which the processor
guesses. Where it can't, in a condition that holds here and there, that takes far longer than a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MANY = 1 << 14
"""The fewest numbers that are worth it."""

RARE = 12
"""What holds, or fails, for one number in so many or fewer is guessed well enough."""


def is_mixed(count: int, size: int) -> bool:
    """Whether a condition of ``size`` that holds ``count`` times is hard to guess."""
    return size < RARE * count < (RARE - 1) * size


def chosen(api: Any, wide: Mapping[Any, Any], condition: Any, a: Any, b: Any) -> Any:
    """Return ``a`` where the condition c holds, else ``b``, as b + c (a − b) of whole numbers, which wrap.

    ``wide`` has for each dtype of floats that of whole numbers as wide. None is returned for other dtypes,
    for two that differ, and where neither array is as large as the condition.
    """
    full = next((x for x in (a, b) if getattr(x, "shape", None) == condition.shape), None)
    if full is None or full.dtype not in wide:
        return None
    a, b = (x if hasattr(x, "dtype") else api.asarray(x, dtype=full.dtype) for x in (a, b))
    if a.dtype != b.dtype:
        return None
    a, b = a.view(wide[full.dtype]), b.view(wide[full.dtype])
    made = a - b
    made *= condition
    made += b
    return made.view(full.dtype)
