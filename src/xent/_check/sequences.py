"""Means of sequences, each by itself: every check and every message."""

from __future__ import annotations

from typing import Any

from xent._check import arguments


def axis_of(axis: Any, rows: int) -> int:
    """Return an axis of the rows counted from the front; ``rows`` is how many axes they have."""
    axis = arguments.integer("sequence_axis", axis, "one int, an axis of the rows")
    if not -rows <= axis < rows:
        raise ValueError(
            f"sequence_axis {arguments.shown(axis)} is out of range for rows of {rows} axes"
        )
    return axis % rows


def one_mean() -> ValueError:
    """Return the error for a divisor beside means of many sequences."""
    return ValueError(
        "denominator divides one mean, and each sequence has its own; use sample_weight"
    )


def alone() -> TypeError:
    """Return the error for sequences where a loss is not called by itself."""
    return TypeError(
        "sequence_axis is for perplexity alone; of a part of the classes or of a linear head make it of "
        "the rows of cross_entropy, reduction='none'"
    )
