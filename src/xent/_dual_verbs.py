"""Verbs by which any formula is differentiated forwards, on every library, by dual numbers.

`DualVerbs` follows one direction. By `DiagonalVerbs` each element is moved alone, all at once: what is summed
along a row then moves with each of its elements, and is remembered as a variable of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from xent import _math as m
from xent._bent import sech
from xent._dual import OWN, Dual, is_array, lifted, linear, moves, raw
from xent._namespace import Namespace
from xent._typing import Array

_SLOPES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "abs": lambda xp, x, y: xp.astype(x > 0, x.dtype) - xp.astype(x < 0, x.dtype),
    "exp": lambda xp, x, y: y,
    "expm1": lambda xp, x, y: xp.exp(x),
    "log1p": lambda xp, x, y: 1 / (1 + x),
    "sqrt": lambda xp, x, y: 0.5 / y,
    "square": lambda xp, x, y: 2 * x,
    "tanh": lambda xp, x, y: xp.square(sech(xp, x)),
}
"""The derivative of each function of one number, of x and y = f(x)."""

_LINEAR = ("expand_dims", "moveaxis", "reshape", "squeeze")
_CONSTANT = ("full_like", "ones_like", "sign", "zeros_like")
_PLAIN = ("all", "any", "argmax", "isinf", "isnan")


class DualVerbs(Namespace):
    """The verbs of a library, of dual numbers; 0 · ∞ is 0 in every derivative (R4).

    Attributes
    ----------
    base : the verbs of the library
    values : whether the value of a loss is differentiated too, and not its gradient alone
    """

    def __init__(self, base: Any, *, values: bool = False) -> None:
        self.base, self.values, self.finite, self.api = base, values, False, self

    def __getattr__(self, name: str) -> Any:
        x = getattr(self.base, name)
        if name in _SLOPES:
            return partial(self._of_one, x, _SLOPES[name])
        if name in _LINEAR:
            return partial(linear, x)
        plain = not callable(x) or isinstance(x, type)
        return x if plain else partial(self._flat, name, x)

    # --- rules ---

    def moved(self, value: Any, *terms: tuple[Any, Any]) -> Dual:
        """Return a value that moves with each dual number by a factor."""
        parts: dict[int, Any] = {}
        for x, factor in terms:
            for key, part in x.parts.items() if isinstance(x, Dual) else ():
                more = self.slope(part, factor)
                parts[key] = parts[key] + more if key in parts else more
        return Dual(self, value, parts)

    def slope(self, part: Any, factor: Any) -> Any:
        """Return the product of a derivative and a factor."""
        if isinstance(factor, (int, float)):
            return part if factor == 1 else part * factor
        product = part * factor
        if self.base.maybe(lambda: self.base.isnan(product)):
            product = m.silent(self.base, part, factor)
        return product

    def share(self, part: Any, q: Any) -> Any:
        """Return a derivative divided by a number, of which 0 / 0 is 0."""
        share = self.base.divide(part, q) if is_array(q) else part / q
        if self.base.maybe(lambda: self.base.isnan(share)):
            share = self.base.where(part == 0, part, share)
        return share

    def along(self, x: Any, function: Callable[[Any], Any], axis: Any, index: Any = None) -> Any:
        """Return a sum along an axis, or the entry at an index."""
        return linear(function, x)

    def _of_one(self, function: Any, slope: Any, x: Any) -> Dual:
        y = function(raw(x))
        return self.moved(y, (x, slope(self.base, x.value, y) if moves(x) else 1))

    def _flat(self, name: str, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Return what a function of the library makes of numbers that has no derivative, or 0."""
        if name not in _CONSTANT + _PLAIN and any(map(moves, args)):
            raise TypeError(
                f"no derivative is known of xp.{name}, so that this loss has no second one; a formula "
                f"takes {', '.join(_SLOPES)}, log, where, maximum, minimum, clip, sum, max, min, operators"
            )
        made = function(*map(raw, args), **kwargs)
        return made if name in _PLAIN else lifted(self, made)

    # --- the standard's ---

    def astype(self, x: Any, dtype: Any, **how: Any) -> Any:
        """Return ``x`` in another dtype."""
        return lifted(self, linear(self.base.astype, x, dtype))

    def log(self, x: Any) -> Dual:
        """Return log x, of which a derivative is divided by x: one over a subnormal number is none."""
        moving = x.parts.items() if isinstance(x, Dual) else ()
        parts = {key: self.share(part, raw(x)) for key, part in moving}
        return Dual(self, self.base.log(raw(x)), parts)

    def divide(self, a: Any, b: Any) -> Dual:
        """Return a / b; its derivatives are added before they are divided: each alone may overflow."""
        p, q = raw(a), raw(b)
        ratio = self.base.divide(p, q) if is_array(p) and is_array(q) else p / q
        parts = self.moved(ratio, (a, 1), *([(b, -ratio)] if moves(b) else [])).parts
        return Dual(self, ratio, {key: self.share(part, q) for key, part in parts.items()})

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Return one or the other."""
        of_a, of_b = (x.parts if isinstance(x, Dual) else {} for x in (a, b))
        parts = {
            key: self.base.where(condition, of_a.get(key, 0.0), of_b.get(key, 0.0))
            for key in {**of_a, **of_b}
        }
        chosen = self.base.where(condition, raw(a), raw(b))
        return Dual(self, chosen, parts) if parts else lifted(self, chosen)

    def maximum(self, a: Any, b: Any) -> Any:
        """Return the larger one; in a tie it moves with both alike."""
        return self._one_of(self.base.maximum(raw(a), raw(b)), a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        """Return the smaller one, likewise."""
        return self._one_of(self.base.minimum(raw(a), raw(b)), a, b)

    def _one_of(self, value: Any, a: Any, b: Any) -> Any:
        if not (moves(a) or moves(b)):
            return lifted(self, value)
        both = self.moved(value, (a, 0.5), (b, 0.5))
        one = self.where(raw(a) == raw(b), both, self.where(raw(a) == value, a, b))
        return Dual(self, value, one.parts)

    def clip(self, x: Any, min: Any = None, max: Any = None) -> Any:
        """Return ``x`` within limits."""
        x = x if min is None else self.maximum(x, self.full_like(x, min))
        return x if max is None else self.minimum(x, self.full_like(x, max))

    def sum(self, x: Any, *, axis: Any = None, keepdims: bool = False, **kind: Any) -> Any:
        """Return the sum."""
        add = partial(self.base.sum, axis=axis, keepdims=keepdims, **kind)
        return self.along(x, add, axis)

    def max(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the maximum, which moves with the first."""
        if not moves(x):
            return linear(partial(self.base.max, axis=axis, keepdims=keepdims), x)
        peak = self.pick(x, self.first_peak(x, axis), axis)
        return peak if keepdims else self.squeeze(peak, axis=axis)

    def min(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the minimum, likewise."""
        return -self.max(-x, axis=axis, keepdims=keepdims)

    # --- what it lacks ---

    def anywhere(self, condition: Callable[[], Array]) -> bool:
        """Return False only where it is known that a condition nowhere holds."""
        return bool(self.base.anywhere(condition))

    def number(self, x: Any, like: Any) -> Any:
        """Return a parameter, which does not move."""
        return lifted(self, self.base.number(x, raw(like)))

    def constant(self, x: Any) -> Any:
        """Return ``x``, a peak, as it moves: no loss is a function of it, and seen from it much is small."""
        return x

    def settled(self, x: Any) -> Any:
        """Return ``x``, computed once and rounded."""
        return Dual(self, self.base.settled(x.value), x.parts)

    def once(self, x: Any) -> Any:
        """Return ``x``, made once."""
        return Dual(self, self.base.once(x.value), x.parts)

    def silent(self, a: Any, b: Any) -> Any:
        """Return a · b."""
        return self.moved(self.base.silent(raw(a), raw(b)), (a, raw(b)), (b, raw(a)))

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``."""
        return self.along(x, lambda y: self.base.pick(y, index, axis), axis, index)

    def entries(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entries of ``x`` at ``index``."""
        return linear(self.base.entries, x, index, axis)

    def added(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return ``x`` with ``value`` added at ``index``."""
        nothing = self.base.zeros_like(raw(x))
        return x + linear(lambda y: self.base.added(nothing + 0, index, y, axis), value)

    def first_peak(self, x: Any, axis: int) -> Any:
        """Return the index of the first maximum."""
        return self.base.first_peak(raw(x), axis)

    def iota_of(self, x: Any, size: int, ndim: int, axis: int) -> Any:
        """Return 0, 1, … along an axis."""
        return self.base.iota_of(raw(x), size, ndim, axis)


class DiagonalVerbs(DualVerbs):
    """The same where each element of a row is moved alone, all in one pass.

    An element moves by itself, and by the numbers of its row, of which `rows` has the derivatives with
    respect to each element. So no product with each class is needed.
    """

    def __init__(self, base: Any) -> None:
        super().__init__(base)
        self.rows: list[Any] = []

    def along(self, x: Any, function: Callable[[Any], Any], axis: Any, index: Any = None) -> Any:
        """Return a number of the row: a new variable, which moves with every element."""
        if not moves(x):
            return linear(function, x)
        own = x.parts.get(OWN, 0.0)
        if index is not None:
            own = self.base.where(self.iota(x, axis) == index, own, 0.0)
        others = Dual(self, x.value, {key: y for key, y in x.parts.items() if key != OWN})
        made = others.each(function)
        self.rows.append(self._total(own, made))
        return Dual(self, made.value, {len(self.rows) - 1: self.base.ones_like(made.value)})

    def diagonal(self, x: Dual) -> Any:
        """Return the derivative of each element with respect to its own."""
        return self._total(x.parts.get(OWN, 0.0), x) + self.base.zeros_like(x.value)

    def _total(self, own: Any, others: Dual) -> Any:
        for key, part in others.parts.items():
            own = own if key == OWN else own + self.slope(self.rows[key], part)
        return own

    def astype(self, x: Any, dtype: Any, **how: Any) -> Any:
        """Return ``x`` in another dtype, its derivatives added up before they are rounded."""
        if moves(x):
            x = Dual(self, x.value, {OWN: self.diagonal(x)})
        return super().astype(x, dtype)
