"""The values of arrays, where they can be read (R13): every check and every message."""

from __future__ import annotations

import math
from typing import Any

from xent import _dtype
from xent._typing import Array, Form, Verbs

_ROUNDING = 4
"""ULP of 1 by which a probability may exceed 1, and a log-probability 0."""


def _first(xp: Verbs, x: Array, bad: Array) -> tuple[Any, tuple[int, ...]]:
    flat = int(xp.argmax(xp.astype(xp.reshape(bad, (-1,)), xp.int32)))
    position = []
    for size in reversed(bad.shape):
        flat, place = divmod(flat, size)
        position.append(place)
    where = tuple(reversed(position))
    entry = x[where] if where else x
    entry = entry.item() if hasattr(entry, "item") else entry  # int() of torch's uint64 overflows
    return (int(entry) if _dtype.is_integer(x) else float(entry)), where


def _within(xp: Verbs, x: Array, low: float, high: float) -> bool:
    return math.prod(x.shape) == 0 or xp.within(x, low, high)


def labels(xp: Verbs, name: str, x: Array, classes: int, keep: Array | None) -> None:
    """Raise with the first label out of range."""
    index = _dtype.cast(xp, x, xp.integer)
    if _within(xp, index, 0, classes - 1):
        return
    bad = (index < 0) | (index >= classes)
    bad = bad if keep is None else bad & keep
    if bool(xp.any(bad)):
        value, position = _first(xp, x, bad)
        raise ValueError(
            f"{name} holds label {value} at {position}; labels are 0 to {classes - 1} "
            "(rows to be left out need ignore_index= or where=)"
        )


def probabilities(xp: Verbs, name: str, x: Array, keep: Array | None) -> None:
    """Raise with the first entry that is below 0 or above 1."""
    _bounds(xp, name, x, keep, 0.0, 1.0, "probabilities are 0 to 1 (logits go to logits=)")


def log_probabilities(xp: Verbs, name: str, x: Array, keep: Array | None) -> None:
    """Raise with the first entry above 0."""
    _bounds(xp, name, x, keep, -math.inf, 0.0, "log-probabilities are at most 0")


def _bounds(
    xp: Verbs,
    name: str,
    x: Array,
    keep: Array | None,
    low: float,
    high: float,
    rule: str,
) -> None:
    high += _ROUNDING * _dtype.eps(x)
    if _within(xp, x, low, high):
        return
    bad = (x < low) | (x > high)
    bad = bad if keep is None else bad & keep
    if bool(xp.any(bad)):
        value, position = _first(xp, x, bad)
        raise ValueError(f"{name} holds {value!r} at {position}; {rule}")


def sums_to_one(xp: Verbs, name: str, total: Array, eps: float, keep: Array | None) -> None:
    """Raise with the first row whose ``total`` is not 1."""
    bad = (total < 1 - tolerance(eps)) | (total > 1 + tolerance(eps))
    bad = bad if keep is None else bad & keep
    if bool(xp.any(bad)):
        value, position = _first(xp, total, bad)
        raise ValueError(f"row {position} of {name} sums to {value!r}; a distribution sums to 1")


def tolerance(eps: float) -> float:
    """Return by how much the sum of a distribution may miss 1: the square root of the dtype's eps."""
    return math.sqrt(eps)


def unreadable() -> ValueError:
    """Return the error for validation of values that do not exist yet."""
    return ValueError(
        "validate=True reads values, and these are being traced (jit, vmap, compile); "
        "validate outside, or pass validate=None"
    )


def of_form(
    xp: Verbs,
    form: Form,
    name: str,
    x: Array,
    axis: int | None,
    keep: Array | None,
    *,
    validate: bool | None = None,
) -> None:
    """Check that ``x`` can be what ``form`` says; ``validate=True`` adds that its rows sum to 1."""
    if form == "logits":
        return
    if form == "probs" and not validate and 0 not in x.shape and xp.within(x, 0.0, 1.0):
        return
    wide = keep if keep is None or axis is None else keep[(slice(None),) * axis + (None, ...)]
    if form == "probs":
        probabilities(xp, name, x, wide)
    else:
        log_probabilities(xp, name, x, wide)
    if validate and axis is not None:
        p = _dtype.cast(xp, x, _dtype.compute_dtype(xp, x))
        total = xp.sum(p if form == "probs" else xp.exp(p), axis=axis)
        sums_to_one(xp, name, total, _dtype.eps(x), keep)
