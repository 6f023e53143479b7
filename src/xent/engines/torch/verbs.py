"""What a formula may call, by torch's own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from xent import _series
from xent._namespace import Namespace
from xent.engines.torch import in_loops, tensor


class TorchVerbs(Namespace):
    """torch's namespace: by its own functions, without what makes every library's arguments torch's."""

    def __init__(self, api: Any, *, finite: bool = False, alone: bool = False) -> None:
        super().__init__(api, finite=finite)
        if alone:
            self.alone, self.log1p = True, self._log1p

    abs = staticmethod(torch.abs)
    exp = staticmethod(torch.exp)
    full_like = staticmethod(torch.full_like)
    moveaxis = staticmethod(torch.movedim)  # which `vmap` has a rule for
    log1p = staticmethod(torch.log1p)
    ones_like = staticmethod(torch.ones_like)
    reshape = staticmethod(torch.reshape)
    where = staticmethod(torch.where)
    divide = staticmethod(torch.divide)
    log = staticmethod(torch.log)
    max = staticmethod(torch.amax)
    maximum = staticmethod(torch.maximum)
    minimum = staticmethod(torch.minimum)
    squeeze = staticmethod(torch.squeeze)
    sum = staticmethod(torch.sum)
    tanh = staticmethod(torch.tanh)
    constant = staticmethod(torch.detach)
    number = staticmethod(tensor.number)
    zeros_like = staticmethod(torch.zeros_like)

    def astype(self, x: Any, dtype: Any, **how: Any) -> Any:
        """Return ``x`` in another dtype."""
        return x.to(dtype)

    def clip(self, x: Any, min: Any = None, max: Any = None) -> Any:
        """Return ``x`` within limits."""
        return torch.clamp(x, min, max)

    def within(self, x: Any, low: float, high: float) -> bool:
        """Whether all entries are in a range, in one pass."""
        if x.dtype not in _ORDERED:
            x = x.to(torch.float32 if x.is_floating_point() else self.integer)
        # Not each version of torch has a forward mode of it.
        least, most = torch.aminmax(x.detach())
        return bool(least.item() >= low and most.item() <= high)

    def _in_loops(self, x: Any) -> bool:
        """Whether a compiler makes a processor's loops of this, for values alone."""
        return self.alone and x.device.type == "cpu"

    def _log1p(self, x: Any) -> Any:
        """Return log(1 + x), in a loop by a logarithm."""
        if not self._in_loops(x):
            return torch.log1p(x)
        return in_loops.log1p(x)

    def log_near_or_far(self, near: Any, x: Any, log_b: Any, p: Any) -> Any:
        """Return log(1 + x) where ``near``, and log b − log p elsewhere, in a loop by one logarithm."""
        of = in_loops.log_near_or_far if self._in_loops(x) else super().log_near_or_far
        return of(near, x, log_b, p)

    def expm1(self, x: Any) -> Any:
        """Return exp(x) − 1, for which torch's compiler subtracts 1 in a processor's vectors."""
        return _series.expm1(self, x) if _in_vectors(x) else torch.expm1(x)

    def once(self, x: Any) -> Any:
        """Return ``x``, stored by torch's compiler as seen through strides, which may change in an export."""
        if not _in_vectors(x) or tensor.is_exported():
            return x
        return in_loops.stored(x)

    def isinf(self, x: Any) -> Any:
        """Whether ``x`` is infinite, by comparisons, which a compiler vectorises."""
        return torch.abs(x) == torch.inf

    def isnan(self, x: Any) -> Any:
        """Whether ``x`` is NaN, likewise."""
        return x != x  # only a NaN is not itself

    def at_label(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``, NaN where that is out of range.

        Through what makes a compiler store it: it would pick it anew in each use, and take the sum of
        the rows for one of columns, in one kernel more.
        """
        entry: Any = super().at_label(x, index, axis)
        return in_loops.stored(entry) if self.alone else entry

    def entries(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entries of ``x`` at ``index``; `take_along_dim` would fix the size to compile."""
        return torch.gather(x, axis, index)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``."""
        return torch.gather(x, axis, index)

    def replaced(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return ``x`` with ``value`` at ``index``."""
        if self._in_loops(x):
            return torch.where(in_loops.is_at(x, index, axis), value, x)
        return super().replaced(x, index, value, axis)

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return ``x`` with ``value`` at ``index``, or at a peak's place."""
        if isinstance(index, in_loops.Place):
            return torch.where(index.here, value, x)
        return super().put(x, index, value, axis)

    def peak_and_place(self, x: Any, axis: int, decayed: Callable[[Any], Any]) -> Any:
        """Return peak, place, and the sum beside it, by comparisons alone in a loop."""
        if not self._in_loops(x) or x.shape[axis] == 1:  # where the formulas ask for an index of 0
            return super().peak_and_place(x, axis, decayed)
        return in_loops.peak_and_place(x, axis, decayed)

    def parted(self, x: Any, place: Any, axis: int) -> Any:
        """Return the entry of ``x`` at a place, and the sum of the others."""
        if not isinstance(place, in_loops.Place):
            return super().parted(x, place, axis)
        parts = torch.where(place.near, x, 0.0), torch.where(place.near, 0.0, x)
        return tuple(torch.sum(part, axis, keepdim=True) for part in parts)

    def sum_beside(self, x: Any, place: Any, axis: int) -> Any:
        """Return the sum of ``x`` beside a place, of all where that is nowhere."""
        if not isinstance(place, in_loops.Place):
            return super().sum_beside(x, place, axis)
        beside = torch.sum(torch.where(place.near, 0.0, x), axis, keepdim=True)
        return torch.where(place.alone, beside, torch.sum(x, axis, keepdim=True))

    def added(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return ``x`` with ``value`` added at ``index``."""
        return x.scatter_add(axis, *in_range(x, index, value, axis))

    def beside(self, x: Any, index: Any, axis: int) -> tuple[Any, Any, Any]:
        """Return peak and sum, each as a compiler makes it in the fewest steps; no term is stored."""
        if not self.alone:
            return super().beside(x, index, axis)
        of = in_loops.beside if x.device.type == "cpu" else _online
        return *of(self, x, index, axis), None

    def anew(self, x: Any, row: Any) -> Any:
        """Return an equal tensor: torch's compiler would store exponentials that are used twice, here or in
        a gradient, and makes a loop of what reads no row beside it.
        """
        return torch.where(row < -torch.inf, row, x) if torch.compiler.is_compiling() else x

    def decayed_beside(self, x: Any, index: Any, peak: Any, factor: Any, axis: int) -> Any:
        """Return exp(x − peak) · factor; where it overflows at ``index`` no one looks, but a derivative."""
        if not self.alone:
            return super().decayed_beside(x, index, peak, factor, axis)
        return self.times(self.decayed(x, peak), factor)

    def iota_of(self, x: Any, size: int, ndim: int, axis: int) -> Any:
        """Return 0, 1, … along ``axis``."""
        shape = [1] * ndim
        shape[axis] = size
        return torch.arange(size, device=x.device).reshape(shape)


_ORDERED = (torch.int64, torch.int32, torch.float32, torch.float64)
"""The dtypes in which torch finds least and most at once."""


def _in_vectors(x: Any) -> bool:
    """Whether a compiler makes of this what a processor's vectors run."""
    return torch.compiler.is_compiling() and x.device.type == "cpu"


def _online(xp: TorchVerbs, x: Any, index: Any, axis: int) -> tuple[Any, Any]:
    """Return peak and sum as the compiler knows a softmax, which a device measures in one pass.

    Beside an infinite peak the sum is set afterwards, to the number of those at +∞.
    """
    rest = xp.replaced(x, index, -torch.inf, axis)
    peak = torch.amax(rest, axis, keepdim=True).detach()
    total = torch.sum(torch.exp(rest - peak), axis, keepdim=True)
    ties = torch.sum(rest == torch.inf, axis, keepdim=True, dtype=x.dtype)
    return peak, torch.where(xp.isinf(peak), ties, total)


def in_range(x: Any, index: Any, value: Any, axis: int) -> tuple[Any, Any]:
    """Return an index that is in range and what is added there, 0 where it was not."""
    inside = (index >= 0) & (index < x.shape[axis])
    return torch.where(inside, index, 0), torch.where(inside, value, -0.0)
