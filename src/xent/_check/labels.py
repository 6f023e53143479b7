"""What a target holds: labels, entries, yes or no, and what is ignored of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xent import _dtype
from xent._check import arguments, sizes, structure
from xent._typing import Array

if TYPE_CHECKING:
    from xent._plan import Operands


ROUNDED = "labels must be integers (Keras makes them floats): cast them to an integer dtype"
ONE_HOT = "one-hot rows must be in floating point"
OF_BINARY = "of elements that are 0 or 1 each take binary_cross_entropy"
OF_SOFT = "cross_entropy or categorical_cross_entropy"
MASK = "use where="


def is_labels(
    x: Array, shape: Sequence[int], axis: int, form: str, *, only: str | None, own: bool
) -> bool:
    """Whether the target of a formula, our own or not, holds labels; raise where it fits neither."""
    rows = (*shape[:axis], *shape[axis + 1 :])
    column = tuple(x.shape) == (*shape[:axis], 1, *shape[axis + 1 :])
    drop = f", and drop axis {axis}" if column else ""
    cast = f"; {ROUNDED}{drop}"
    cast = cast if column or tuple(x.shape) == rows else ""
    either = "integer labels or floating-point distributions"
    whole = tuple(x.shape) == tuple(shape)
    one_hot = f"; {ONE_HOT}" if whole else ""
    hint = one_hot or ("; cast labels to integers" if cast else "")
    hint += ". Boolean targets are for binary_cross_entropy" if own else ""
    structure.of_kind("target", x, not _dtype.is_bool(x), either + hint)
    if _dtype.is_integer(x):
        hint = "For labels use cross_entropy or sparse_categorical_cross_entropy"
        hint = hint if own else "Make distributions of labels with xent.one_hot"
        takes = f"distributions in floating point{one_hot or f'. {hint}'}"
        structure.of_kind("target", x, only != "distributions", takes)
        one_hot += f"; {OF_BINARY}" if whole and own and len(rows) == 0 else ""
        rule = f"; it takes {{}}, the shape {{}} of {form} without axis {axis}, and nothing is broadcast"
        drop = f"; pass it without axis {axis}" if column else ""
        if not column and tuple(x.shape) != rows:  # else a compiler would guard what is compared
            drop = _elsewhere(x, form, shape)
        sizes.of_shape("target of labels", x, rows, rule + one_hot + drop, shape)
        return True
    structure.of_kind("target", x, _dtype.is_floating(x), either + _named(x))
    hint = f". For distributions use {OF_SOFT}" * own
    structure.of_kind("target", x, only != "labels", f"integer labels{cast or hint}")
    structure.same_shape("target", x, form, shape, cast)
    return False


def _elsewhere(x: Array, form: str, shape: Sequence[int]) -> str:
    """Return the hint for labels that lack another axis, of logits that no head makes."""
    fits = (i for i in range(len(shape)) if tuple(x.shape) == (*shape[:i], *shape[i + 1 :]))
    i = next(fits, None)
    known = form.isidentifier() and i is not None
    return f"; if axis {i} is that of the classes, pass axis={i}" if known else ""


def entries(
    name: str, operands: Operands, axis: int | None, form: str, shape: Sequence[int], *, taken: bool
) -> None:
    """Raise unless the loss has ``taken`` a sparse target, and its arrays have k entries for each row."""
    index, probs = operands.target, operands.target_probs
    if axis is None or not taken or probs is None:
        raise TypeError(
            f"{name.removesuffix('.indices')} is a SparseDistribution; this loss takes none of {form}"
        )
    structure.of_kind(name, index, _dtype.is_integer(index), "integer class indices")
    of_probs = name.replace(".indices", ".probs")
    structure.distributions(of_probs, probs)
    rows = (*shape[:axis], *shape[axis + 1 :])
    wanted = (*rows, *index.shape[-1:])
    rule = f"; it takes {{}}, the rows of {form} and then k entries, and nothing is broadcast"
    sizes.of_shape(name, index, wanted, rule)
    structure.same_shape(of_probs, probs, name, index.shape)
    if index.shape[-1] > shape[axis]:
        raise ValueError(
            f"{name} has {index.shape[-1]} entries for each row of {shape[axis]} classes"
        )


def _named(x: Array) -> str:
    """Return what to do with labels that are names, missing, or numbers of a kind that no library knows."""
    kind = _dtype.name(x.dtype)
    if not kind.startswith(("str", "bytes", "object")):
        return ""
    hint = "; number named classes, as np.unique(labels, return_inverse=True) does"
    missing = "; a missing label is a number too, that of ignore_index"
    return hint + missing if kind == "object" else hint


def ignored(x: Any, target: Array | None, by_label: bool) -> tuple[float, ...] | None:
    """Return the labels to ignore, None where there are none that the dtype of the target can hold."""
    if x is None or target is None:
        return None
    rule = "an int, or a sequence of them"
    every = [arguments.integer("ignore_index", y, rule) for y in _each(x)]
    if not by_label:
        raise ValueError(
            f"ignore_index is for integer labels, and the target holds distributions; {MASK}"
        )
    held = (_dtype.scalar(target, y) for y in every)
    return tuple(y for y in held if y is not None) or None


def _each(x: Any) -> Sequence[Any]:
    return x if isinstance(x, Sequence) and not isinstance(x, str) else (x,)


def binary(target: Array, form: str, shape: Sequence[int]) -> None:
    """Raise unless the target of a binary loss holds numbers, one for each element."""
    structure.weight("target", target)
    hint = _of_rows(target, form, shape) if target.ndim == len(shape) - 1 else ""
    structure.same_shape("target", target, form, shape, hint)


def _of_rows(target: Array, form: str, shape: Sequence[int]) -> str:
    """Return the hint for one target of each row, of a head of one output or of several classes."""
    if tuple(target.shape) != tuple(shape[:-1]):
        return ""
    if shape[-1] == 1:
        return f"; take {form}[..., 0], or target[..., None]"
    return "; each class takes a target of its own, as xent.one_hot makes them of labels"
