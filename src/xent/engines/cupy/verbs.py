"""The verbs by CuPy's own means: kernels of several operations, and none that waits for the device."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import array_api_compat.cupy
import cupy

from xent._namespace import Namespace

_ENTRY = cupy.ElementwiseKernel(
    "raw T x, S index, int64 classes, float64 otherwise",
    "T entry",
    "entry = index >= 0 && index < classes ? x[i * classes + index] : static_cast<T>(otherwise)",
    "xent_entry",
)
_PUT = cupy.ElementwiseKernel(
    "S index, T value, int64 classes",
    "raw T x",
    "if (index >= 0 && index < classes) x[i * classes + index] = value",
    "xent_put",
)
_ADD = cupy.ElementwiseKernel(
    "S index, T value, int64 entries, int64 classes",
    "raw T x",
    "if (index >= 0 && index < classes) atomicAdd(&x[i / entries * classes + index], value)",
    "xent_add",
)


class CuPyVerbs(Namespace):
    """CuPy's namespace: an index picks and puts in one kernel, and nothing is looked at."""

    def anywhere(self, condition: Callable[[], Any]) -> bool:
        """Return that some entry may hold: nobody looks."""
        return True

    def clip(self, x: Any, min: Any = None, max: Any = None) -> Any:
        """Return ``x`` within limits; the standard's `clip` indexes by a mask, which waits."""
        x = x if min is None else cupy.maximum(x, min)
        return x if max is None else cupy.minimum(x, max)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``, of one row at any number of them."""
        return x[index] if x.ndim == 1 else _entry(x, index, axis, 0.0)

    def at_label(self, x: Any, index: Any, axis: int) -> Any:
        """Return the same, NaN where that is out of range."""
        return _entry(x, index, axis, cupy.nan)

    def replaced(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return a copy with ``value`` at ``index``."""
        return self.put(x.copy(), index, value, axis)

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        if isinstance(value, cupy.ndarray):
            value = _last(value.astype(x.dtype, copy=False), axis)
        _PUT(_last(index, axis), value, x.shape[axis], cupy.moveaxis(x, axis, -1))
        return x

    def added(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Add ``value`` to ``x`` at ``index``."""
        index, value = (cupy.moveaxis(y, axis, -1) for y in (index, value))
        _ADD(index, value, index.shape[-1], x.shape[axis], cupy.moveaxis(x, axis, -1))
        return x

    def shifted(self, x: Any, peak: Any) -> Any:
        """Return ``x − peak`` with its limits."""
        return _shifted(x, peak)

    def decayed(self, x: Any, peak: Any) -> Any:
        """Return exp(x − peak)."""
        return _decayed(x, peak)

    def times(self, x: Any, factor: Any) -> Any:
        """Return ``x · factor`` in ``x``."""
        return cupy.multiply(x, factor, out=x)

    def beside(self, x: Any, index: Any, axis: int) -> tuple[Any, Any, Any]:
        """Return peak and sum, of which each reads ``x`` once; no exponential is stored."""
        iota = self.iota(x, axis)
        peak = cupy.expand_dims(_peak_beside(axis)(x, iota, index), axis)
        total = _total_beside(axis)(x, iota, index, peak)
        return peak, cupy.expand_dims(total, axis), None

    def decayed_beside(self, x: Any, index: Any, peak: Any, factor: Any, axis: int) -> Any:
        """Return exp(x − peak) · factor; where it overflows at ``index`` no one looks."""
        return _decayed_times(x, peak, factor)


def _entry(x: Any, index: Any, axis: int, otherwise: float) -> Any:
    flat = _ENTRY(cupy.moveaxis(x, axis, -1), _last(index, axis), x.shape[axis], otherwise)
    return cupy.expand_dims(flat, axis)


def _last(x: Any, axis: int) -> Any:
    """Return an array without an axis, along which its size is 1."""
    return cupy.squeeze(x, axis=axis)


def _full_like(x: Any, value: Any, *, dtype: Any = None) -> Any:
    """Return a number in the dtype of ``x``: of two numbers alone CuPy makes half precision."""
    full = cupy.where(x == x, value, cupy.where(x == x, x, value))
    return full if dtype is None else full.astype(dtype)


def _inside() -> Namespace:
    """Return the verbs in a function that is being fused: of single elements, whose shapes are not known."""
    verbs: Any = Namespace(array_api_compat.cupy)
    verbs.clip, verbs.full_like = CuPyVerbs(array_api_compat.cupy).clip, _full_like
    verbs.zeros_like, verbs.ones_like = (partial(_full_like, value=n) for n in (0.0, 1.0))
    return verbs


INSIDE = _inside()


@cupy.fuse(kernel_name="xent_shifted")
def _shifted(x: Any, peak: Any) -> Any:
    return INSIDE.shifted(x, peak)


@cupy.fuse(kernel_name="xent_decayed")
def _decayed(x: Any, peak: Any) -> Any:
    return cupy.exp(INSIDE.shifted(x, peak))


@cupy.fuse(kernel_name="xent_decayed_times")
def _decayed_times(x: Any, peak: Any, factor: Any) -> Any:
    return cupy.exp(INSIDE.shifted(x, peak)) * factor


@lru_cache
def _peak_beside(axis: int) -> Any:
    def peak_beside(x: Any, iota: Any, index: Any) -> Any:
        return cupy.amax(cupy.where(iota == index, -cupy.inf, x), axis=axis)

    return cupy.fuse(kernel_name="xent_peak_beside")(peak_beside)


@lru_cache
def _total_beside(axis: int) -> Any:
    def total_beside(x: Any, iota: Any, index: Any, peak: Any) -> Any:
        beside = cupy.where(iota == index, -cupy.inf, x)
        return cupy.sum(cupy.exp(INSIDE.shifted(beside, peak)), axis=axis)

    return cupy.fuse(kernel_name="xent_total_beside")(total_beside)
