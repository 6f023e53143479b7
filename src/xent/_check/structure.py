"""Shapes and dtypes: what can be told of a call without a value of its arrays, and every message."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xent import _dtype
from xent._check import arguments, sizes
from xent._typing import Array

if TYPE_CHECKING:
    from xent._plan import Operands


def of_kind(name: str, x: Array, fits: bool, takes: str) -> None:
    """Raise unless the dtype of ``x`` fits."""
    if not fits:
        raise TypeError(f"{name} has dtype {_dtype.name(x.dtype)}; it takes {takes}")


def there(name: str, arrays: Mapping[str, Array]) -> Array:
    """Return an array that must be given: what is None is not among those that were resolved."""
    if name not in arrays:
        raise TypeError(f"{name} is None; it takes an array")
    return arrays[name]


FLOATING = "float16, bfloat16, float32 or float64"
CAST = (
    "cast it, unless it holds labels: in a loss the target comes first, as in "
    "xent.cross_entropy(labels, logits=z)"
)


def prediction(name: str, x: Array, *, labels: bool = True) -> None:
    """Raise unless ``x`` holds real floating-point numbers, in whose place there may be ``labels``."""
    hint = f"; {CAST if labels else 'cast it'}"
    hint *= _dtype.is_integer(x) or _dtype.is_bool(x)
    of_kind(name, x, _dtype.is_floating(x), f"{FLOATING}{hint}")
    if any(size is None for size in x.shape):
        raise ValueError(f"{name} has shape {sizes.shown(x)}; its sizes must be known")


def distributions(name: str, x: Array) -> None:
    """Raise unless ``x`` holds real floating-point numbers, as a target that is a distribution."""
    hint = "; make distributions of labels with xent.one_hot" * _dtype.is_integer(x)
    of_kind(name, x, _dtype.is_floating(x), f"floating point{hint}")


def of_classes(name: str, x: Array) -> None:
    """Raise unless ``x`` holds truth values, as a mask of classes."""
    of_kind(name, x, _dtype.is_bool(x), "bool, True for classes that count")


def integers(name: str, x: Array) -> None:
    """Raise unless ``x`` holds integers."""
    of_kind(name, x, _dtype.is_integer(x), "integer labels")


def classes(x: Any) -> int:
    """Return a number of classes."""
    number = arguments.integer("num_classes", x)
    if number < 1:
        raise ValueError(f"num_classes is {arguments.shown(x)}; it takes at least 1")
    return number


def budget(x: Any) -> int | None:
    """Return a number of bytes, None where none is given."""
    if x is None:
        return None
    if (size := arguments.integer("chunk_bytes", x)) < 1:
        raise ValueError(
            f"chunk_bytes is {arguments.shown(x)}; it takes a positive number of bytes"
        )
    return size


def new_axis(x: Array, axis: Any) -> int:
    """Return where a new axis of ``x`` goes, counted from the front."""
    axis = arguments.integer("axis", axis, "one int")
    if not -x.ndim - 1 <= axis <= x.ndim:
        raise ValueError(
            f"axis {arguments.shown(axis)} is out of range for a new axis of shape {sizes.shown(x)}"
        )
    return axis % (x.ndim + 1)


def axis_of(name: str, x: Array, axis: Any, *, empty: bool = False) -> int:
    """Return ``axis`` counted from the front; there must be a class along it, or it may be empty."""
    axis = arguments.integer("axis", axis, f"one int, the class axis of {name}")
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(
            f"axis {arguments.shown(axis)} is out of range for {name} of shape {sizes.shown(x)}"
        )
    if x.shape[axis] != x.shape[axis]:
        raise ValueError(
            f"{name} has an unknown number of classes; call compute_chunk_sizes() first"
        )
    if x.shape[axis] == 0 and not empty:
        raise ValueError(f"{name} of shape {sizes.shown(x)} has no classes along axis {axis}")
    return axis % x.ndim


def last_axis(axis: Any, ndim: int) -> None:
    """Raise unless the classes lie along the last axis, as those of a linear head do."""
    if arguments.integer("axis", axis) not in (-1, ndim - 1):
        raise ValueError(f"axis is {axis}; the classes of a linear head lie along the last axis")


def same_shape(name: str, x: Array, other: str, shape: Sequence[int], hint: str = "") -> None:
    """Raise unless ``x`` has exactly the shape of another array."""
    rule = f" and {other} has shape {{}}; they must be equal, nothing is broadcast{hint}"
    sizes.of_shape(name, x, shape, rule)


def tangent(x: Array, name: str, shape: Sequence[int]) -> None:
    """Raise unless ``x`` is a direction in which the prediction can move."""
    of_kind("tangent", x, _dtype.is_floating(x), "floating point")
    same_shape("tangent", x, name, shape)


def _of_rows(name: str, x: Array, rows: Sequence[int]) -> None:
    """Raise unless ``x`` has one entry per row."""
    sizes.of_shape(name, x, rows, "; it takes one entry per row, shape {}; nothing is broadcast")


def mask(where: Array | None, rows: Sequence[int]) -> None:
    """Raise unless the mask has one truth value per row."""
    if where is not None:
        of_kind("where", where, _dtype.is_bool(where), "bool, True for rows that count")
        _of_rows("where", where, rows)


def weight(name: str, x: Array) -> None:
    """Raise unless ``x`` holds real numbers."""
    fits = _dtype.is_floating(x) or _dtype.is_integer(x) or _dtype.is_bool(x)
    of_kind(name, x, fits, "real numbers")


def broadcastable(name: str, x: Array, shape: Sequence[int]) -> None:
    """Raise unless ``x`` broadcasts to ``shape``."""
    weight(name, x)
    fits = x.ndim <= len(shape) and all(
        n == 1 or sizes.same((n,), (k,))
        for n, k in zip(reversed(x.shape), reversed(tuple(shape)), strict=False)
    )
    if not fits:
        raise ValueError(
            f"{name} has shape {sizes.shown(x)}, which does not broadcast to {tuple(shape)}"
        )


def divisor(x: Array, reduction: str) -> None:
    """Raise unless ``denominator`` is one number for a mean."""
    if reduction != "mean":
        raise ValueError(f"denominator divides a mean; got reduction={reduction!r}")
    fits = _dtype.is_floating(x) or _dtype.is_integer(x)
    of_kind("denominator", x, fits, "a number")
    sizes.of_shape("denominator", x, (), "; it takes a number or a 0-d array")


def head(
    features: Array, weight: Array, bias: Array | None, *, narrow: bool = False, of: str = ""
) -> None:
    """Raise unless weight and bias are those of a linear head on the features, their names after ``of``."""
    for name, x in (("features", features), ("weight", weight), ("bias", bias)):
        if x is not None:
            prediction(f"{of}{name}", x, labels=not of and name != "bias")
    if features.ndim < 1 or features.shape[-1] == 0:
        raise ValueError(f"{of}features has shape {sizes.shown(features)}; it takes (..., D)")
    fits = weight.ndim == 2 or (narrow and weight.ndim == 1)
    if not fits or weight.shape[-1] != features.shape[-1]:
        turned = f"; pass {of}weight.T" * (fits and weight.shape[0] == features.shape[-1])
        forms = "(D,) or " * narrow + "(K, D)"
        rule = f"; it takes {forms} with D = {features.shape[-1]}, the last axis of {of}features{turned}"
        rule += sizes.unknown(*weight.shape, features.shape[-1])
        raise ValueError(f"{of}weight has shape {sizes.shown(weight)}{rule}")
    if bias is not None:
        rule = f"; it takes {{}}, one number per row of {of}weight"
        sizes.of_shape(f"{of}bias", bias, weight.shape[:-1], rule)


def weights(classes: int, reduction: str, operands: Operands, rows: tuple[int, ...]) -> None:
    """Raise unless all that weighs or masks has the shape and the kind of numbers that it must."""
    if operands.class_weight is not None:
        weight("class_weight", operands.class_weight)
        sizes.of_shape(
            "class_weight", operands.class_weight, (classes,), "; it takes {}, one per class"
        )
    if operands.pos_weight is not None:
        broadcastable("pos_weight", operands.pos_weight, operands.prediction.shape)
    if operands.sample_weight is not None:
        weight("sample_weight", operands.sample_weight)
        _of_rows("sample_weight", operands.sample_weight, rows)
    mask(operands.where, rows)
    if operands.denominator is not None:
        divisor(operands.denominator, reduction)
    elif reduction == "mean" and math.prod(rows) == 0:
        raise ValueError(
            f"a mean over no rows: the rows have shape {tuple(rows)}; "
            "use reduction='sum' or 'none', or a denominator, where a batch may be empty"
        )
