"""Dual numbers: a number and its derivatives, which its operators carry along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xent import _dtype
from xent._nested import mapped

OWN = -1
"""What a number moves by: the direction, or its own element. Others are counted variables of the row."""


class Dual:
    """A number and its derivatives, which may lack axes that broadcasting adds.

    What does not move has none, and is a dual number all the same: not every library leaves an operation of
    its arrays with a stranger to the stranger.
    """

    def __init__(self, xp: Any, value: Any, parts: Mapping[int, Any]) -> None:
        self.xp, self.value, self.parts = xp, value, parts
        self.shape, self.ndim, self.dtype = value.shape, value.ndim, value.dtype

    def each(self, function: Callable[[Any], Any]) -> Dual:
        """Return what a linear function makes of the number, and of each derivative in its shape."""
        whole = {
            key: part if part.shape == self.shape else part + self.xp.base.zeros_like(self.value)
            for key, part in self.parts.items()
        }
        parts = {key: function(part) for key, part in whole.items()}
        return Dual(self.xp, function(self.value), parts)

    def __getitem__(self, key: Any) -> Dual:
        return self.each(lambda x: x[key])

    def __neg__(self) -> Dual:
        return self.xp.moved(-self.value, (self, -1))

    def __add__(self, other: Any) -> Dual:
        return self.xp.moved(self.value + raw(other), (self, 1), (other, 1))

    def __sub__(self, other: Any) -> Dual:
        return self.xp.moved(self.value - raw(other), (self, 1), (other, -1))

    def __rsub__(self, other: Any) -> Dual:
        return self.xp.moved(other - self.value, (self, -1))

    def __mul__(self, other: Any) -> Dual:
        return self.xp.moved(self.value * raw(other), (self, raw(other)), (other, self.value))

    def __truediv__(self, other: Any) -> Dual:
        return self.xp.divide(self, other)

    def __rtruediv__(self, other: Any) -> Dual:
        return self.xp.divide(other, self)

    def __pow__(self, n: Any) -> Dual:
        return _power(self.xp, self, n)

    def __rpow__(self, x: Any) -> Dual:
        return _power(self.xp, x, self)

    def __abs__(self) -> Dual:
        return self.xp.abs(self)

    def __lt__(self, other: Any) -> Any:
        return self.value < raw(other)

    def __le__(self, other: Any) -> Any:
        return self.value <= raw(other)

    def __gt__(self, other: Any) -> Any:
        return self.value > raw(other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= raw(other)

    def __eq__(self, other: Any) -> Any:
        return self.value == raw(other)

    def __ne__(self, other: Any) -> Any:
        return self.value != raw(other)

    __radd__, __rmul__ = __add__, __mul__
    __hash__: Any = None  # what compares elementwise is in no set


def is_array(x: Any) -> bool:
    """Whether ``x`` is an array or a library's scalar; torch's compiler can't be asked this of a number."""
    return type(x) not in (int, float) and hasattr(x, "shape")


def lifted(xp: Any, x: Any) -> Any:
    """Return floating-point numbers as dual ones that do not move; of a tuple each, all else as it is."""

    def of(x: Any) -> Any:
        plain = not isinstance(x, Dual) and is_array(x)
        return Dual(xp, x, {}) if plain and _dtype.is_floating(x) else x

    return mapped(of, x)


def raw(x: Any) -> Any:
    """Return a number without its derivatives; of a tuple each."""
    return mapped(lambda x: x.value if isinstance(x, Dual) else x, x)


def _power(xp: Any, a: Any, b: Any) -> Dual:
    """Return aᵇ, which moves with whatever of both does."""
    x, n = raw(a), raw(b)
    y = x**n
    terms = [(a, n * x ** (n - 1))] if moves(a) else []
    if moves(b):
        terms.append((b, y * xp.base.log(x + xp.base.zeros_like(y))))
    return xp.moved(y, *terms)


def moves(x: Any) -> bool:
    return isinstance(x, Dual) and len(x.parts) > 0


def linear(function: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Return what a linear function of a library makes of a number that may be dual."""

    def plain(y: Any) -> Any:
        return function(y, *args, **kwargs)

    return x.each(plain) if isinstance(x, Dual) else plain(x)
