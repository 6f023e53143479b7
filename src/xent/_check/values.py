"""The values of arrays, where they can be read (R13): every check and every message."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any, Protocol

from xent import _dtype
from xent._check import arguments
from xent._namespace import Sight
from xent._typing import Array, Form, Verbs

_ROUNDING = 4
"""ULP of 1 by which a probability may exceed 1, and a log-probability 0."""

LEFT_OUT = "rows are left out by ignore_index= or where=, of a loss that takes them"
LOGITS = "logits go to logits=, of a loss that takes them"
OF_ELEMENTS = "of logits xent.sigmoid makes them, of labels -1 and 1 pass (target + 1) / 2"
OF_LOGITS = "of logits, as of a teacher, xent.softmax makes them; a divergence has target_logits="
OF_LOGS = "log-probabilities are at most 0"


def _none(xp: Verbs, x: Array, bad: Array, keep: Array | None, message: str) -> None:
    """Raise for the first entry that is bad, with a message of the entry and its place."""
    bad = bad if keep is None else bad & keep
    if not bool(xp.any(bad)):
        return
    flat = int(xp.argmax(xp.astype(xp.reshape(bad, (-1,)), xp.int32)))
    position = []
    for size in reversed(bad.shape):
        flat, place = divmod(flat, size)
        position.append(place)
    where = tuple(reversed(position))
    entry = x[where] if where else x
    entry = entry.item() if hasattr(entry, "item") else entry  # int() of torch's uint64 overflows
    value = int(entry) if _dtype.is_integer(x) else float(entry)
    raise ValueError(message.format(value, where))


def _within(xp: Verbs, x: Array, low: float, high: float) -> bool:
    return math.prod(x.shape) == 0 or xp.within(x, low, high)


def _left_out(name: str) -> str:
    """Return what to do with labels that are none, by the name of what holds them."""
    if name.endswith(".indices"):
        return "what pads a row is any class, with probability 0"
    if name == "labels":  # those of `one_hot`
        return "a row to be left out is any class, and goes by where= of the loss"
    return LEFT_OUT


def _meant(xp: Verbs, index: Array, classes: int, keep: Array | None) -> str:
    """Return what to do with labels as other libraries count classes."""

    def some(found: Array) -> bool:
        return bool(xp.any(found if keep is None else found & keep))

    def there(label: int) -> bool:
        return some(index == label)

    if classes == 1:
        return "of two classes by one logit take binary_cross_entropy; "
    if not some((index < 1) | (index > classes)):
        return f"of labels 1 to {classes} pass target - 1; "
    signs = classes == 2 and there(-1) and not there(0)
    return "of labels -1 and 1 pass (target + 1) // 2; " if signs else ""


def labels(xp: Verbs, name: str, x: Array, classes: int, keep: Array | None) -> None:
    """Raise with the first label out of range."""
    index = _dtype.cast(xp, x, xp.integer)
    if not _within(xp, index, 0, classes - 1):
        hint = _meant(xp, index, classes, keep) if name == "target" else ""
        rule = f"labels are 0 to {classes - 1} ({hint}{_left_out(name)})"
        message = f"{name} holds label {{}} at {{}}; {rule}"
        _none(xp, x, (index < 0) | (index >= classes), keep, message)


class Sees(Protocol):
    """What tells whether values can be read at no cost."""

    has_devices: bool

    def sight(self, arrays: Iterable[Array | None]) -> Sight:
        """Return what can be seen of the arrays."""
        ...


def divisor(engine: Sees, given: Any, x: Array) -> None:
    """Raise for a ``denominator`` that is negative or NaN, where that can be seen; of 0 a mean is 0 (R10)."""
    number: Any = given
    if not isinstance(given, Real):
        if engine.has_devices and engine.sight([x]) is not Sight.READABLE:
            return
        number = x.item() if hasattr(x, "item") else float(x)  # `<` of an array would be traced
    if not number >= 0:
        raise ValueError(
            f"denominator is {arguments.shown(number)}; it takes a number that is not negative"
        )


_RANGES = {
    "probs": (0.0, 1.0, "probabilities are 0 to 1"),
    "log_probs": (-math.inf, 0.0, OF_LOGS),
}


def _bounds(
    xp: Verbs, form: Form, name: str, x: Array, axis: int | None, keep: Array | None
) -> None:
    """Raise with the first entry that is out of the range of its form; an element has no ``axis``."""
    low, high, rule = _RANGES[form]
    high += _ROUNDING * _dtype.eps(x)
    if not _within(xp, x, low, high):
        hints = [LOGITS] if name in ("probs", "q") else []
        if name == "target" and form == "probs":
            hints = [OF_ELEMENTS if axis is None else OF_LOGITS]
        if form == "probs" and axis is not None and _within(xp, x, 0.0, math.inf):
            hints.append("counts are divided by their sum")
        rule += f" ({'; '.join(hints)})" if hints else ""
        _none(xp, x, (x < low) | (x > high), keep, f"{name} holds {{!r}} at {{}}; {rule}")


def tolerance(eps: float) -> float:
    """Return by how much the sum of a distribution may miss 1: the square root of the dtype's eps."""
    return math.sqrt(eps)


def readable(sight: Sight, validate: bool | None) -> bool:
    """Whether to look at arrays of which that is seen; raise where that is asked for and can't be."""
    if validate and sight is Sight.TRACED:
        raise unreadable()
    return sight is Sight.READABLE or bool(validate)


def unreadable() -> ValueError:
    """Return the error for validation of values that do not exist yet."""
    return ValueError(
        "validate=True reads values, and these are being traced (jit, grad, vmap, compile): call the loss "
        "once on arrays, without these, or pass validate=None"
    )


def at_most_one(xp: Verbs, name: str, x: Array, axis: int, keep: Array | None) -> None:
    """Raise for the first row of probabilities whose sum is above 1."""
    total = xp.sum(_dtype.cast(xp, x, _dtype.compute_dtype(xp, x)), axis=axis)
    message = f"row {{1}} of {name} sums to {{0!r}}; a part of a distribution sums to at most 1"
    _none(xp, total, total > 1 + tolerance(_dtype.eps(x)), keep, message)


def of_form(
    xp: Verbs,
    form: Form,
    name: str,
    x: Array,
    axis: int | None,
    keep: Array | None,
    validate: bool | None = None,
) -> None:
    """Check that ``x`` can be what ``form`` says; ``validate=True`` adds that its rows sum to 1."""
    if form == "logits":
        return
    if form == "probs" and not validate and 0 not in x.shape and xp.within(x, 0.0, 1.0):
        return
    wide = keep if keep is None or axis is None else keep[(slice(None),) * axis + (None, ...)]
    _bounds(xp, form, name, x, axis, wide)
    if validate and axis is not None:
        p = _dtype.cast(xp, x, _dtype.compute_dtype(xp, x))
        total = xp.sum(p if form == "probs" else xp.exp(p), axis=axis)
        limit = tolerance(_dtype.eps(x))
        message = f"row {{1}} of {name} sums to {{0!r}}; a distribution sums to 1"
        _none(xp, total, (total < 1 - limit) | (total > 1 + limit), keep, message)
