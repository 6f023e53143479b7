"""Arrays whose rows are pairs, and the numbers that their logits are made with: every message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xent import _dtype
from xent._check import numbers, sizes, structure
from xent._typing import Array

_RULES: dict[str, numbers.Rule] = {
    "temperature": numbers.DIVISOR,
    "scale": numbers.FINITE,
    "bias": numbers.FINITE,
}


def number(name: str, x: Any) -> Any:
    """Return a number as a float, or as it is where it is an array, which may have a derivative."""
    if type(x).__module__ == "numpy" or not numbers.is_array(x):
        return numbers.number(name, x, rule=_RULES[name])
    if tuple(x.shape) != ():
        raise ValueError(f"{name} has shape {tuple(x.shape)}; it takes a number or a 0-d array")
    structure.weight(name, x)
    return numbers.looked_at(name, x, _RULES[name])


def wider(a: Any, b: Any) -> str:
    """Return the name of the one of both whose dtype keeps more digits of the numbers."""
    return "b" if _dtype.name(getattr(b, "dtype", None)) == "float64" else "a"


def held(given: Mapping[str, Any], wider: Any) -> None:
    """Raise for a number that cannot be computed with in the dtype of an array; of a list it is not known."""
    if hasattr(wider, "dtype"):
        for name, x in given.items():
            numbers.held(name, x, wider.dtype)


def rows(a: Array, b: Array) -> None:
    """Raise unless both hold rows of one length, as many of one as of the other."""
    for name, x in (("a", a), ("b", b)):
        structure.prediction(name, x, labels=False)
        if x.ndim != 2 or x.shape[1] == 0:
            raise ValueError(f"{name} has shape {sizes.shown(x)}; it takes (N, D)")
    rule = ", and a has shape {}; row i of one belongs to row i of the other"
    sizes.of_shape("b", b, a.shape, rule)
    if a.shape[0] != a.shape[0]:
        raise ValueError(f"a has shape {sizes.shown(a)}{sizes.unknown(*a.shape)}")
    if a.shape[0] == 0:
        raise ValueError(
            f"a and b hold no pairs, shape {sizes.shown(a)}; they take (N, D) with N of at least 1"
        )
