"""Every check of what a caller passes, and every message."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from xent import _dtype
from xent._typing import Array, Namespace

if TYPE_CHECKING:
    from xent._engine import Engine

_ROUNDING = 4
"""ULP of 1 by which a probability may exceed 1, and a log-probability 0."""

_HABITS = {
    "input": "the target comes first, then probs, logits= or log_probs=",
    "y_true": "pass the target first",
    "y_pred": "pass the prediction as probs, logits= or log_probs=",
    "labels": "pass the labels first, as the target",
    "from_logits": "pass logits as logits=",
    "log_target": "pass the target's logits as target_logits=",
    "weight": "xent's names are class_weight and sample_weight",
    "weights": "xent's names are class_weight and sample_weight",
    "dim": "xent's name is axis",
    "size_average": "xent's name is reduction",
    "reduce": "xent's name is reduction",
    "mask": "xent's name is where, True for the rows that count",
    "smoothing": "xent's name is label_smoothing",
    "normalize": "xent's name is reduction: 'mean' or 'sum'",
    "eps": "xent clips nothing: probability 0 on the truth costs inf",
}


def _shape(x: Array) -> str:
    return str(tuple(x.shape))


# --- libraries and devices (R1) ---


def not_an_array(name: str, x: Any) -> TypeError:
    """Return the error for what no array library knows."""
    return TypeError(
        f"{name} is {type(x).__module__}.{type(x).__qualname__}; it takes an array of a library "
        "that follows the array API standard, a number, or a (nested) sequence of numbers"
    )


def mixed_libraries(arrays: Mapping[str, tuple[Engine, Array]]) -> TypeError:
    """Return the error for arrays of two libraries."""
    found = ", ".join(
        f"{name} is {engine.library} on {engine.device(x)}" for name, (engine, x) in arrays.items()
    )
    return TypeError(f"all arrays must be of one library: {found}; convert them to one first")


def mixed_devices(engine: Engine, arrays: Mapping[str, Array]) -> ValueError:
    """Return the error for arrays on two devices."""
    found = ", ".join(
        f"{name} is {engine.library} on {engine.device(x)}" for name, x in arrays.items()
    )
    return ValueError(f"all arrays must be on one device: {found}; nothing is moved silently")


# --- structure: what needs no value (R2, R3, R8, R10) ---


def keywords(function: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise for a keyword that ``function`` does not take."""
    for name in given:
        if name not in known:
            habit = f" ({_HABITS[name]})" if name in _HABITS else ""
            raise TypeError(
                f"{function}() got an unexpected keyword argument {name!r}{habit}; "
                f"it takes {', '.join(known)}"
            )


def exactly_one(function: str, **forms: Any) -> tuple[str, Any]:
    """Return the one form that is given."""
    given = [name for name, x in forms.items() if x is not None]
    if len(given) != 1:
        raise TypeError(
            f"{function}() takes exactly one of {', '.join(forms)}; got {', '.join(given) or 'none'}"
        )
    return given[0], forms[given[0]]


def prediction(name: str, x: Array) -> None:
    """Raise unless ``x`` holds real floating-point numbers."""
    if _dtype.is_floating(x):
        return
    hint = ""
    if _dtype.is_integer(x) or _dtype.is_bool(x):
        hint = "; the target comes first, as in H(p, q): xent.cross_entropy(labels, logits=z)"
    raise TypeError(
        f"{name} has dtype {_dtype.name(x.dtype)}; it takes float16, bfloat16, float32 or "
        f"float64{hint}"
    )


def distributions(name: str, x: Array) -> None:
    """Raise unless ``x`` holds real floating-point numbers, as a target that is a distribution."""
    if not _dtype.is_floating(x):
        hint = "; make distributions of labels with xent.one_hot" * _dtype.is_integer(x)
        raise TypeError(f"{name} has dtype {_dtype.name(x.dtype)}; it takes floating point{hint}")


def integers(name: str, x: Array) -> None:
    """Raise unless ``x`` holds integers."""
    if not _dtype.is_integer(x):
        raise TypeError(f"{name} has dtype {_dtype.name(x.dtype)}; it takes integer labels")


def classes(x: Any) -> None:
    """Raise unless ``x`` is a number of classes."""
    if not isinstance(x, int) or isinstance(x, bool):
        raise TypeError(f"num_classes is {x!r}; it takes an int")
    if x < 1:
        raise ValueError(f"num_classes is {x}; it takes at least 1")


def new_axis(x: Array, axis: Any) -> int:
    """Return where a new axis of ``x`` goes, counted from the front."""
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise TypeError(f"axis is {axis!r}; it takes one int")
    if not -x.ndim - 1 <= axis <= x.ndim:
        raise ValueError(f"axis {axis} is out of range for a new axis of shape {_shape(x)}")
    return axis % (x.ndim + 1)


def at_least_0(name: str, x: Any) -> float:
    """Return ``x`` as a float that is not negative."""
    number = _number(name, x)
    if not number >= 0:
        raise ValueError(f"{name} is {x!r}; it takes a number that is not negative")
    return number


def axis_of(name: str, x: Array, axis: Any) -> int:
    """Return ``axis`` counted from the front; there must be at least one class along it."""
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise TypeError(f"axis is {axis!r}; it takes one int, the class axis of {name}")
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis {axis} is out of range for {name} of shape {_shape(x)}")
    if x.shape[axis] == 0:
        raise ValueError(f"{name} of shape {_shape(x)} has no classes along axis {axis}")
    return axis % x.ndim


def is_labels(x: Array, shape: Sequence[int], axis: int, form: str, *, only: str | None) -> bool:
    """Whether the target holds labels rather than distributions; raise where it fits neither."""
    rows = tuple(shape[:axis]) + tuple(shape[axis + 1 :])
    if _dtype.is_bool(x):
        raise TypeError(
            "target has dtype bool; it takes integer labels or floating-point distributions. "
            "Boolean targets are for binary_cross_entropy"
        )
    if _dtype.is_integer(x):
        if only == "distributions":
            raise TypeError(
                f"target has dtype {_dtype.name(x.dtype)}; it takes distributions in floating "
                "point. For labels use cross_entropy or sparse_categorical_cross_entropy"
            )
        if tuple(x.shape) != rows:
            one_hot = "; one-hot rows must be in floating point" * (tuple(x.shape) == tuple(shape))
            raise ValueError(
                f"target of labels has shape {_shape(x)}; it takes {rows}, the shape {tuple(shape)} "
                f"of {form} without axis {axis}, and nothing is broadcast{one_hot}"
            )
        return True
    if not _dtype.is_floating(x):
        raise TypeError(
            f"target has dtype {_dtype.name(x.dtype)}; it takes integer labels or floating-point "
            "distributions"
        )
    if only == "labels":
        raise TypeError(
            f"target has dtype {_dtype.name(x.dtype)}; it takes integer labels. For distributions "
            "use cross_entropy or categorical_cross_entropy"
        )
    same_shape("target", x, form, shape)
    return False


def same_shape(name: str, x: Array, other: str, shape: Sequence[int]) -> None:
    """Raise unless ``x`` has exactly ``shape``."""
    if tuple(x.shape) != tuple(shape):
        raise ValueError(
            f"{name} has shape {_shape(x)} and {other} has shape {tuple(shape)}; they must be "
            "equal, nothing is broadcast"
        )


def rows_shape(name: str, x: Array, rows: Sequence[int]) -> None:
    """Raise unless ``x`` has one entry per row."""
    if tuple(x.shape) != tuple(rows):
        raise ValueError(
            f"{name} has shape {_shape(x)}; it takes one entry per row, shape {tuple(rows)}"
        )


def mask(x: Array, rows: Sequence[int]) -> None:
    """Raise unless ``x`` is one truth value per row."""
    if not _dtype.is_bool(x):
        raise TypeError(
            f"where has dtype {_dtype.name(x.dtype)}; it takes bool, True for rows that count"
        )
    rows_shape("where", x, rows)


def weight(name: str, x: Array) -> None:
    """Raise unless ``x`` holds real numbers."""
    if not (_dtype.is_floating(x) or _dtype.is_integer(x) or _dtype.is_bool(x)):
        raise TypeError(f"{name} has dtype {_dtype.name(x.dtype)}; it takes real numbers")


def class_weight(x: Array, classes: int) -> None:
    """Raise unless there is one weight per class."""
    weight("class_weight", x)
    if tuple(x.shape) != (classes,):
        raise ValueError(
            f"class_weight has shape {_shape(x)}; it takes ({classes},), one per class"
        )


def broadcastable(name: str, x: Array, shape: Sequence[int]) -> None:
    """Raise unless ``x`` broadcasts to ``shape``."""
    weight(name, x)
    fits = x.ndim <= len(shape) and all(
        n in (1, k) for n, k in zip(reversed(x.shape), reversed(tuple(shape)), strict=False)
    )
    if not fits:
        raise ValueError(
            f"{name} has shape {_shape(x)}, which does not broadcast to {tuple(shape)}"
        )


def divisor(x: Array, reduction: str) -> None:
    """Raise unless ``denominator`` is one number for a mean."""
    if reduction != "mean":
        raise ValueError(f"denominator divides a mean; got reduction={reduction!r}")
    weight("denominator", x)
    if x.ndim != 0:
        raise ValueError(f"denominator has shape {_shape(x)}; it takes a number or a 0-d array")


def head(features: Array, weight: Array, bias: Array | None, *, narrow: bool) -> None:
    """Raise unless weight and bias are those of a linear head on the features."""
    prediction("features", features)
    for name, x in (("weight", weight), ("bias", bias)):
        if x is not None and x.dtype != features.dtype:
            raise TypeError(
                f"{name} has dtype {_dtype.name(x.dtype)} and features "
                f"{_dtype.name(features.dtype)}; a head has one dtype"
            )
    if features.ndim < 1 or features.shape[-1] == 0:
        raise ValueError(f"features has shape {_shape(features)}; it takes (..., D)")
    forms = "(D,) or (K, D)" if narrow else "(K, D)"
    fits = weight.ndim == 2 or (narrow and weight.ndim == 1)
    if not fits or weight.shape[-1] != features.shape[-1]:
        raise ValueError(
            f"weight has shape {_shape(weight)}; it takes {forms} with D = {features.shape[-1]}, the "
            "last axis of features"
        )
    if bias is not None and tuple(bias.shape) != tuple(weight.shape[:-1]):
        raise ValueError(
            f"bias has shape {_shape(bias)}; it takes {tuple(weight.shape[:-1])}, one number per row "
            "of weight"
        )


def budget(x: Any) -> int:
    """Return a number of bytes."""
    if not isinstance(x, int) or isinstance(x, bool):
        raise TypeError(f"chunk_bytes is {x!r}; it takes an int")
    if x < 1:
        raise ValueError(f"chunk_bytes is {x}; it takes a positive number of bytes")
    return x


def choice(name: str, x: Any, choices: Sequence[str]) -> None:
    """Raise unless ``x`` is one of ``choices``."""
    if x not in choices:
        raise ValueError(f"{name} is {x!r}; it takes one of {', '.join(map(repr, choices))}")


def smoothing(name: str, x: Any) -> float:
    """Return ``x`` as a float in [0, 1]."""
    number = _number(name, x)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is {x!r}; it takes a number in [0, 1]")
    return number


def log_base(x: Any) -> float:
    """Return log ``x``, 1 for None (nats)."""
    if x is None:
        return 1.0
    number = _number("base", x)
    if not (0 < number < math.inf) or number == 1:
        raise ValueError(f"base is {x!r}; it takes any positive number but 1, or None for nats")
    return math.log(number)


def softcap(x: Any, form: str) -> float | None:
    """Return the cap of the logits as a float, None for none."""
    if x is None:
        return None
    number = _number("softcap", x)
    if not 0 < number < math.inf:
        raise ValueError(f"softcap is {x!r}; it takes a positive number")
    return _of_logits("softcap", number, form)


def z_loss(x: Any, form: str) -> float:
    """Return the weight of the squared logsumexp as a float."""
    number = at_least_0("z_loss", x)
    return _of_logits("z_loss", number, form) if number else number


def _of_logits(name: str, number: float, form: str) -> float:
    if form != "logits":
        raise ValueError(f"{name} acts on logits; the prediction was given as {form}")
    return number


def _number(name: str, x: Any) -> float:
    if isinstance(x, bool) or not isinstance(x, Real):
        raise TypeError(f"{name} is {type(x).__qualname__}; it takes a number")
    return float(x)


def some_rows(shape: Sequence[int]) -> None:
    """Raise for a mean over no rows at all."""
    if math.prod(shape) == 0:
        raise ValueError(
            f"a mean over no rows: the rows have shape {tuple(shape)}; "
            "use reduction='sum' or 'none' where a batch may be empty"
        )


def ignore_index(x: Any, target: Array, labels: bool) -> int | None:
    """Return the label to ignore, None where the dtype of the labels cannot hold it."""
    if x is None:
        return None
    if not isinstance(x, int) or isinstance(x, bool):
        raise TypeError(f"ignore_index is {x!r}; it takes an int")
    if not labels:
        raise ValueError(
            "ignore_index is for integer labels, and the target holds distributions; use where="
        )
    dtype = _dtype.name(target.dtype)
    bits = int(dtype.lstrip("uint"))
    low, high = (0, 2**bits) if dtype[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return x if low <= x < high else None


# --- values: only where they can be read (R13) ---


def _first(xp: Namespace, x: Array, bad: Array) -> tuple[Any, tuple[int, ...]]:
    flat = int(xp.argmax(xp.astype(xp.reshape(bad, (-1,)), xp.int32)))
    position = []
    for size in reversed(bad.shape):
        flat, place = divmod(flat, size)
        position.append(place)
    where = tuple(reversed(position))
    entry = x[where] if where else x
    entry = entry.item() if hasattr(entry, "item") else entry  # int() of torch's uint64 overflows
    return (int(entry) if _dtype.is_integer(x) else float(entry)), where


def _within(xp: Namespace, x: Array, low: float, high: float) -> bool:
    return math.prod(x.shape) == 0 or xp.within(x, low, high)


def labels(xp: Namespace, name: str, x: Array, classes: int, keep: Array | None) -> None:
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


def probabilities(xp: Namespace, name: str, x: Array, keep: Array | None) -> None:
    """Raise with the first entry that is below 0 or above 1."""
    _bounds(xp, name, x, keep, 0.0, 1.0, "probabilities are 0 to 1 (logits go to logits=)")


def log_probabilities(xp: Namespace, name: str, x: Array, keep: Array | None) -> None:
    """Raise with the first entry above 0."""
    _bounds(xp, name, x, keep, -math.inf, 0.0, "log-probabilities are at most 0")


def _bounds(
    xp: Namespace,
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


def sums_to_one(xp: Namespace, name: str, total: Array, eps: float, keep: Array | None) -> None:
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
