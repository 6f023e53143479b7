"""The array API of one library as the formulas call it: the standard's functions and a few verbs."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from operator import mul, truediv
from typing import Any

from array_api_compat import device

from xent import _dtype
from xent._typing import Array

_STANDARD = (
    *("abs", "all", "any", "arange", "argmax", "asarray", "astype", "clip", "divide", "empty_like"),
    *("exp", "expand_dims", "expm1", "finfo", "float32", "full_like", "inf", "int32", "isinf"),
    *("isnan", "log", "log1p", "matmul", "max", "maximum", "min", "minimum", "moveaxis", "nan"),
    *("ones_like", "prod", "reshape", "squeeze", "stack", "sum", "tanh", "where", "zeros"),
    *("zeros_like",),
)


class Sight(Enum):
    """What can be seen of arrays: their values at no cost, that they exist elsewhere, or not even that."""

    READABLE = "in host memory"
    ELSEWHERE = "on a device"
    TRACED = "traced"


def in_host_memory(x: Any) -> bool:
    """Whether an array of a library that computes at once lies in host memory."""
    return hasattr(x, "__array_interface__") or str(getattr(x, "device", "cpu")) == "cpu"


class Namespace:
    """The verbs by the standard's own functions.

    An engine may give its library a faster form of a verb; what a verb returns is the same in all.

    Attributes
    ----------
    api : the library's namespace, as array-api-compat has it
    finite : whether to compute as if no number were infinite and all labels were classes; the caller
        sees in the result where that was not so, and nobody differentiates what is computed so
    """

    def __init__(self, api: Any, *, finite: bool = False) -> None:
        self.api, self.finite = api, finite
        for name in _STANDARD:
            if not hasattr(type(self), name):
                setattr(self, name, getattr(api, name))
        self.integer = self._default("integral")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.api, name)

    @property
    def floating(self) -> Any:
        """The library's default float, which a program may change."""
        return self._default("real floating")

    def _default(self, kind: str) -> Any:
        return self.api.__array_namespace_info__().default_dtypes()[kind]

    # --- looking at values ---

    looks = False
    """Whether a look at an array in host memory costs nothing."""

    def anywhere(self, condition: Callable[[], Array]) -> bool:
        """Return False only where it is known, without a tracer or a device, that it nowhere holds."""
        if not self.looks:
            return True
        entries = condition()
        return not in_host_memory(entries) or bool(self.api.any(entries))

    def maybe(self, condition: Callable[[], Array]) -> bool:
        """Return `anywhere` of what only ±∞, NaN or a label out of range meets: False where ``finite``."""
        return not self.finite and self.anywhere(condition)

    def within(self, x: Array, low: float, high: float) -> bool:
        """Whether all entries, of which there must be one, are in a range; NaN is in none."""
        if _dtype.is_integer(x):  # which may be too narrow for the range
            x = self.astype(x, self.integer)
        return bool((self.api.min(x) >= low) & (self.api.max(x) <= high))

    everywhere: Callable[[Array], Array] | None = None
    """Returns a number of each part of the rows, along a new first axis; None where all rows are here."""

    # --- what a compiler or a derivative must not see through ---

    alone = False
    """Whether a compiler makes values alone, of which no derivative is made."""

    def constant(self, x: Array) -> Array:
        """Return ``x``, with no derivative flowing through it."""
        return x

    def number(self, x: Any, like: Array) -> Any:
        """Return a parameter, an array where torch compiles for any value of it."""
        return x

    def settled(self, x: Array) -> Array:
        """Return ``x``, computed once and rounded: a compiler may not make it anew in each use."""
        return x

    once = settled
    """Returns ``x``, which a compiler that writes an argument out wherever it stands makes once."""

    def anew(self, x: Array, row: Array) -> Array:
        """Return ``x``, or an equal array of which a compiler makes again what it would else store.

        ``row`` is any array of one number per row.
        """
        return x

    tempered = staticmethod(truediv)
    """Returns logits ``x / temperature``; where it is differentiated in that, 0 · ∞ is 0 (R4)."""

    def capped(self, x: Array, cap: Any) -> Array:
        """Return c tanh(x / c) of a softcap c, in which its derivative has all digits of a small x / c."""
        return cap * self.tanh(x / cap)

    silent = staticmethod(mul)
    """Returns ``a · b``; where it is differentiated, 0 · ∞ is 0 in the derivative (R4)."""

    def log_near_or_far(self, near: Array, x: Array, log_b: Array, p: Array) -> Array:
        """Return log(1 + x) where |x| < ¼, ``near``, and log b − log p elsewhere, of p > 0."""
        return self.where(near, self.log1p(x), log_b - self.log(p))

    # --- entries at an index ---

    def pick(self, x: Array, index: Array, axis: int) -> Array:
        """Return the entry of ``x`` at ``index``, which is in range and has size 1 along ``axis``."""
        return self.api.take_along_axis(x, index, axis=axis)

    def at_label(self, x: Array, index: Array, axis: int) -> Array:
        """Return the entry of ``x`` at ``index``, NaN where that is out of range."""
        if not self.maybe(lambda: (index < 0) | (index >= x.shape[axis])):
            return self.pick(x, index, axis)
        inside = (index >= 0) & (index < x.shape[axis])
        entry = self.pick(x, self.where(inside, index, self.zeros_like(index)), axis)
        return self.where(inside, entry, self.full_like(entry, self.nan))

    entries = pick
    """Returns the entries of ``x`` at ``index``, which is in range and of any size along ``axis``."""

    def added(self, x: Array, index: Array, value: Array, axis: int) -> Array:
        """Return ``x``, the caller's own, with ``value`` added at ``index``, of any size along ``axis``.

        An index out of range changes nothing, and at one that is there twice both are added.
        """
        for i in range(index.shape[axis]):
            one = (slice(None),) * (axis % x.ndim) + (slice(i, i + 1), ...)
            x = self.api.where(self.iota(x, axis) == index[one], x + value[one], x)
        return x

    def replaced(self, x: Array, index: Array, value: Any, axis: int) -> Array:
        """Return a new array: ``x`` with ``value`` at ``index``; an index out of range changes nothing."""
        return self.api.where(self.iota(x, axis) == index, value, x)

    def put(self, x: Array, index: Array, value: Any, axis: int) -> Array:
        """Return the same of an ``x`` that is the caller's own, and may be written to."""
        return self.replaced(x, index, value, axis)

    def first_peak(self, x: Array, axis: int) -> Array:
        """Return the index of the first maximum, with size 1 along ``axis``."""
        return self.api.expand_dims(self.api.argmax(x, axis=axis), axis=axis)

    def peak_and_place(
        self, x: Array, axis: int, decayed: Callable[[Array], Array]
    ) -> tuple[Array, Any, Array | None]:
        """Return the peak, its place, and the sum beside it of what is ``decayed`` from a peak.

        The place is an index, and no sum is made; or what `put`, `parted` and `sum_beside` alone take for
        one, which is somewhere only if one class alone is near the peak, and the sum of the others below 1.
        """
        index = self.first_peak(x, axis)
        return self.pick(x, index, axis), index, None

    def parted(self, x: Array, place: Any, axis: int) -> tuple[Array, Array]:
        """Return the entry of ``x`` at a place, and the sum of the others; of no place any two parts."""
        others = self.replaced(x, place, 0.0, axis)
        return self.pick(x, place, axis), self.sum(others, axis=axis, keepdims=True)

    def sum_beside(self, x: Array, place: Any, axis: int) -> Array:
        """Return the sum of ``x`` beside a place, of all where that is nowhere."""
        return self.sum(self.put(x, place, 0.0, axis), axis=axis, keepdims=True)

    def iota(self, x: Array, axis: int) -> Array:
        """Return 0, 1, … along ``axis`` of ``x``, with size 1 along its other axes."""
        return self.iota_of(x, x.shape[axis], x.ndim, axis)

    def iota_of(self, x: Array, size: int, ndim: int, axis: int) -> Array:
        """Return 0, 1, …, ``size`` − 1 along ``axis`` of ``ndim``, on the device of ``x``."""
        shape = [1] * ndim
        shape[axis] = size
        count = self.api.arange(size, dtype=self.integer, device=device(x))
        return self.api.reshape(count, tuple(shape))

    # --- differences from a peak, and products, that may be written over what they are made of ---

    def shifted(self, x: Array, peak: Array) -> Array:
        """Return ``x − peak`` ≤ 0, a new array, −inf beside a peak of +inf and below one of −inf.

        By arithmetic on the array and selects on the peak alone: a compiler would store a mask of the
        array's size for the backward pass.
        """
        if self.finite or not self.maybe(lambda: self.isinf(peak)):
            return x - peak
        large = float(self.finfo(peak.dtype).max)
        near = self.clip(peak, -large, large)
        far = self.where(self.isinf(peak), self.full_like(peak, large), self.zeros_like(peak))
        return self.at_most(x - near - far, large - far)

    def at_most(self, d: Array, most: Array) -> Array:
        """Return the smaller of ``d`` and ``most``, of which ``most`` is so only of what is infinite."""
        return self.api.minimum(d, most)

    def decayed(self, x: Array, peak: Array) -> Array:
        """Return exp(x − peak) of an ``x`` that is the caller's own, with the limits of `shifted`."""
        return self.api.exp(self.shifted(x, peak))

    def beside(self, x: Array, index: Array, axis: int) -> tuple[Array, Array, Array | None]:
        """Return the peak of the entries beside ``index``, a constant, Σ exp(x − peak), and its terms.

        The term at ``index`` is 0; they are None where a library need not store them for their sum. All
        of one array, without the entry: a compiler that makes it anew in each use may round it otherwise.
        """
        rest = self.replaced(x, index, -self.inf, axis)
        peak = self.constant(self.max(rest, axis=axis, keepdims=True))
        e = self.decayed(rest, peak)
        return peak, self.sum(e, axis=axis, keepdims=True), e

    def decayed_beside(
        self, x: Array, index: Array, peak: Array, factor: Array, axis: int
    ) -> Array:
        """Return exp(x − peak) · factor beside ``index``, and anything at it."""
        rest = self.replaced(x, index, -self.inf, axis)
        return self.times(self.decayed(rest, peak), factor)

    def times(self, x: Array, factor: Array) -> Array:
        """Return ``x · factor`` of an ``x`` that is the caller's own and the larger one."""
        return x * factor

    def plus(self, x: Array, term: Any) -> Array:
        """Return ``x + term`` of the same."""
        return x + term
