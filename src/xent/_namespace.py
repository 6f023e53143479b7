"""The array API of one library, and a few verbs that the standard lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from array_api_compat import device

from xent._typing import Array

_STANDARD = (
    "abs",
    "all",
    "any",
    "arange",
    "argmax",
    "asarray",
    "astype",
    "divide",
    "empty_like",
    "exp",
    "expand_dims",
    "expm1",
    "float32",
    "full_like",
    "inf",
    "int32",
    "isinf",
    "isnan",
    "log",
    "log1p",
    "matmul",
    "max",
    "maximum",
    "min",
    "minimum",
    "moveaxis",
    "nan",
    "ones_like",
    "prod",
    "reshape",
    "squeeze",
    "sum",
    "tanh",
    "where",
    "zeros",
    "zeros_like",
)


class Namespace:
    """The standard's functions, by their names, and a few verbs beside them.

    An engine may give its library a faster form of a verb; what a verb returns is the same in all.
    """

    def __init__(self, api: Any) -> None:
        self.api = api
        for name in _STANDARD:
            if not hasattr(type(self), name):
                setattr(self, name, getattr(api, name))
        default = api.__array_namespace_info__().default_dtypes()
        self.floating, self.integer = default["real floating"], default["integral"]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.api, name)

    def maybe(self, condition: Callable[[], Array]) -> bool:
        """Return False only where it is known, without a tracer or a device, that it nowhere holds."""
        return True

    def within(self, x: Array, low: float, high: float) -> bool:
        """Whether all entries can be seen to be in a range, in passes that store nothing.

        There must be an entry; one that is NaN is in no range.
        """
        return bool((self.min(x) >= low) & (self.max(x) <= high))

    def constant(self, x: Array) -> Array:
        """Return ``x``, with no derivative flowing through it."""
        return x

    def settled(self, x: Array) -> Array:
        """Return ``x``, computed once: a peak must be found again among the logits that it is of."""
        return x

    def pick(self, x: Array, index: Array, axis: int) -> Array:
        """Return the entry of ``x`` at ``index``, which is in range and has size 1 along ``axis``."""
        entry: Array = self.api.take_along_axis(x, index, axis=axis)
        return entry

    def put(self, x: Array, index: Array, value: Any, axis: int) -> Array:
        """Return ``x`` with ``value`` at ``index``; an index out of range changes nothing.

        ``x`` must be the caller's own temporary: an engine may write into it.
        """
        replaced: Array = self.api.where(self.iota(x, axis) == index, value, x)
        return replaced

    def first_peak(self, x: Array, axis: int) -> Array:
        """Return the index of the first maximum, with size 1 along ``axis``."""
        index: Array = self.api.expand_dims(self.api.argmax(x, axis=axis), axis=axis)
        return index

    def shifted(self, x: Array, peak: Array) -> Array:
        """Return ``x − peak`` ≤ 0, a new array, −inf beside a peak of +inf and below one of −inf.

        By arithmetic on the array and selects on the peak alone: a compiler would store a mask of the
        array's size for the backward pass.
        """
        api = self.api
        if not self.maybe(lambda: self.isinf(peak)):
            return x - peak
        large = float(api.finfo(peak.dtype).max)
        near = api.clip(peak, -large, large)
        far = api.where(self.isinf(peak), api.full_like(peak, large), api.zeros_like(peak))
        return self.at_most(x - near - far, large - far)

    def at_most(self, d: Array, most: Array) -> Array:
        """Return the smaller of ``d`` and ``most``, of which ``most`` is so only of what is infinite."""
        smaller: Array = self.api.minimum(d, most)
        return smaller

    def beside(self, x: Array, peak: Array, index: Array, axis: int) -> Array:
        """Return exp(x − peak), of no particular value at ``index``, where a caller may write.

        An engine may return the same array once more: only the last to ask may write elsewhere.
        """
        e: Array = self.api.exp(self.shifted(x, peak))
        return e

    def relu(self, z: Array) -> Array:
        """Return max(``z``, 0)."""
        rectified: Array = self.api.maximum(z, self.api.zeros_like(z))
        return rectified

    def decay(self, z: Array) -> Array:
        """Return e^−|z|."""
        e: Array = self.api.exp(-self.api.abs(z))
        return e

    def decays(self, z: Array) -> tuple[Array, Array]:
        """Return e^−max(z, 0) and e^−max(−z, 0), of which one is 1 and the other e^−|z|."""
        api = self.api
        zero = api.zeros_like(z)
        return api.exp(api.minimum(-z, zero)), api.exp(api.minimum(z, zero))

    def times(self, x: Array, factor: Array) -> Array:
        """Return ``x · factor``; ``x`` must be the caller's own temporary and the larger one."""
        return x * factor

    def silent(self, a: Array, b: Array) -> Array:
        """Return ``a · b``; where it is differentiated, 0 · ∞ is 0 in the derivative (R4)."""
        return a * b

    def rest(self, x: Array, peak: Array, index: Array, axis: int) -> Array:
        """Return Σ exp(x − peak) but for the entry at ``index``, a peak of +inf counting 1."""
        e = self.put(self.beside(x, peak, index, axis), index, 0.0, axis)
        total: Array = self.sum(e, axis=axis, keepdims=True)
        return total

    def iota(self, x: Array, axis: int) -> Array:
        """Return 0, 1, … along ``axis`` of ``x``, with size 1 along its other axes."""
        return self.iota_of(x, x.shape[axis], x.ndim, axis)

    def iota_of(self, x: Array, size: int, ndim: int, axis: int) -> Array:
        """Return 0, 1, …, ``size`` − 1 along ``axis`` of ``ndim``, on the device of ``x``."""
        shape = [1] * ndim
        shape[axis] = size
        count = self.api.arange(size, dtype=self.integer, device=device(x))
        column: Array = self.api.reshape(count, tuple(shape))
        return column
