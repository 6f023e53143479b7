"""A part of the classes of some rows: every check and every message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xent import _dtype
from xent._check import arguments
from xent._typing import Array

_WHOLE = {
    "element": "each of its elements is a row by itself: call the loss of each part",
    "block": "it returns a number for each class, made of the whole row: of parts merge the logsumexp",
}


def not_in_parts(loss: Any) -> TypeError:
    """Return the error for a function of which no parts are known."""
    return TypeError(
        f"no parts are known of {arguments.shown(loss)}; they are of cross_entropy and the other losses of "
        "rows of xent, and of functions that are made losses by xent.loss"
    )


def of_a_head(name: str) -> TypeError:
    """Return the error for the loss of a linear head."""
    return TypeError(
        f"{name} is the loss of a linear head; make the logits of this part, features @ weight.T of its "
        "classes, and give them to a part of the loss of logits"
    )


def rows(name: str, shape: str) -> None:
    """Raise unless a loss of this shape of kernel has one number per row."""
    if shape != "row":
        raise TypeError(f"{name} has no parts: {_WHOLE[shape]}")


def unmerged(function: str, name: str) -> TypeError:
    """Return the error for a loss that is made of whole rows alone."""
    return TypeError(
        f"{function} of {name} has no parts: its kernel has `merges = False`; one that states `before` and "
        "`measure_after` has"
    )


def measured_once() -> TypeError:
    """Return the error for rows of which all is known that a second round of their parts has to know."""
    return TypeError(
        "this loss is measured twice, as each class adds what only the softmax of its whole row tells: "
        "measure and merge the part that `again` is"
    )


def soft_rows(name: str) -> ValueError:
    """Return the error for target logits of which whole rows are needed."""
    return ValueError(
        f"{name} beside probs or log_probs is a softmax, which a part of a row does not know; give the "
        "target's probabilities, or the prediction as logits"
    )


def validated(validate: Any) -> None:
    """Raise where sums of whole rows are asked for."""
    if validate is not None and arguments.truth("validate", validate):
        raise ValueError(
            "validate=True sums the classes of each row, and a part has only some of them; None checks all "
            "else, where values can be read"
        )


def classes(x: Any, size: int) -> int:
    """Return the number of classes of the whole row, of which ``size`` are there."""
    number = arguments.integer("classes", x, "an int, the number of classes of the whole row")
    if number < size:
        raise ValueError(f"classes is {number}, and this part alone has {size}")
    return number


def first(x: Any, size: int, whole: int, *, array: bool, readable: bool) -> Any:
    """Return the index of the first class of a part, of an array without a value yet as it is."""
    if array and (tuple(x.shape) != () or not _dtype.is_integer(x)):
        raise TypeError(
            f"first has dtype {_dtype.name(x.dtype)} and shape {tuple(x.shape)}; it takes one integer"
        )
    if array and not readable:
        return x
    said = "an int, the index of the first class of this part"
    number = arguments.integer("first", int(x) if array else x, said)
    if not 0 <= number <= whole - size:
        raise ValueError(
            f"first is {number}; a part of {size} of {whole} classes begins at 0 to {whole - size}"
        )
    return number


def on_many(name: str) -> TypeError:
    """Return the error for an array of which each process has a part already."""
    return TypeError(
        f"{name} lies on many processes, which merge what they measure by themselves: call the loss itself, "
        "or give the part of this process, x.to_local()"
    )


def alike(every: Any) -> None:
    """Raise unless the statistics of a sequence are arrays of one shape and dtype."""
    if every is None:
        raise TypeError("merged got None; it takes the statistics of each part")
    if not isinstance(every, (list, tuple)):
        return
    for i, x in enumerate(every):
        if not hasattr(x, "dtype"):
            raise TypeError(
                f"part {i} is {arguments.shown(x)}; merged takes the statistics of each part"
            )
        if tuple(x.shape) != tuple(every[0].shape) or x.dtype != every[0].dtype:
            kinds = [f"{_dtype.name(s.dtype)} {tuple(s.shape)}" for s in (x, every[0])]
            raise ValueError(
                f"statistics of part {i} are {kinds[0]}, those of part 0 {kinds[1]}: all parts take the same "
                "rows, options and dtype"
            )


def statistics(x: Array, own: Sequence[int]) -> None:
    """Raise unless these are statistics of parts, each of the shape of this part's."""
    if x.ndim == 0 or x.shape[0] == 0 or tuple(x.shape[1:]) != tuple(own):
        sizes = ", ".join(map(str, own))
        raise ValueError(
            f"statistics of all parts have shape {tuple(x.shape)}; they take (parts, {sizes})"
        )
