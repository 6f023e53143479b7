"""What a formula may call, by torch's own functions."""

from __future__ import annotations

from typing import Any

import torch

from xent import _series
from xent._namespace import Namespace
from xent.engines.torch import tensor


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
        """Return log(1 + x), in a loop by a logarithm: a processor's vectors take longer for log1p.

        What 1 + x is rounded by is exact, and added back where 1 + x is neither 0 nor infinite.
        """
        if not self._in_loops(x):
            return torch.log1p(x)
        u = 1 + x
        rest = (x - (u - 1)) / u
        return torch.log(u) + torch.where(torch.abs(rest) < 1, rest, 0.0)

    def expm1(self, x: Any) -> Any:
        """Return exp(x) − 1, for which torch's compiler subtracts 1 in a processor's vectors."""
        return _series.expm1(self, x) if _in_vectors(x) else torch.expm1(x)

    def once(self, x: Any) -> Any:
        """Return ``x``, stored by torch's compiler as seen through strides, which may change in an export."""
        if not _in_vectors(x) or tensor.is_exported():
            return x
        return _stored(x)

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
        return _stored(entry) if self.alone else entry

    def entries(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entries of ``x`` at ``index``; `take_along_dim` would fix the size to compile."""
        return torch.gather(x, axis, index)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``, or of a mask."""
        if index.dtype == torch.bool:
            return torch.sum(torch.where(index, x, 0.0), axis, keepdim=True)
        return torch.gather(x, axis, index)

    def replaced(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return ``x`` with ``value`` at ``index``, or where a mask is true."""
        if index.dtype == torch.bool:
            return torch.where(index, value, x)
        return super().replaced(x, index, value, axis)

    def peak_and_place(self, x: Any, axis: int) -> Any:
        """Return peak, place, and what the sum has too much: in a loop by comparisons alone, as a mask.

        What a compiler makes twice it may round twice: the peak is what is within 2 to 4 ULP, if nothing else
        is within twice as much; never so much that the exponentials of two such are far apart. Where logits
        are rounded by more, as differences, the peak may not be found: it loses digits then, but not itself.
        """
        if not self._in_loops(x) or x.shape[axis] == 1:  # where the formulas ask for an index of 0
            return super().peak_and_place(x, axis)
        peak = torch.amax(x, axis, keepdim=True)
        near = torch.clamp(2 * torch.finfo(x.dtype).eps * torch.abs(peak), max=0.25)
        alone = torch.sum(x >= peak - 2 * near, axis, keepdim=True, dtype=x.dtype) == 1
        place = x >= torch.where(alone, peak - near, torch.nan)
        return peak, place, 1 - torch.sum(place, axis, keepdim=True, dtype=x.dtype)

    def added(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return ``x`` with ``value`` added at ``index``."""
        return x.scatter_add(axis, *in_range(x, index, value, axis))

    def beside(self, x: Any, index: Any, axis: int) -> tuple[Any, Any, Any]:
        """Return peak and sum, each as a compiler makes it in the fewest steps; no term is stored."""
        if not self.alone:
            return super().beside(x, index, axis)
        of = _clamped if x.device.type == "cpu" else _online
        return *of(self, x, index, axis), None

    def anew(self, x: Any, row: Any) -> Any:
        """Return an equal tensor: torch's compiler would store exponentials that are used twice."""
        return torch.where(row < -torch.inf, row, x) if self.alone else x

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


PLACES = 1024
"""How many places of a row a compiled loop has the numbers of: 4 KiB, which stay in the first cache."""

_ORDERED = (torch.int64, torch.int32, torch.float32, torch.float64)
"""The dtypes in which torch finds least and most at once."""


def _in_vectors(x: Any) -> bool:
    """Whether a compiler makes of this what a processor's vectors run."""
    return torch.compiler.is_compiling() and x.device.type == "cpu"


def _stored(x: Any) -> Any:
    """Return an equal tensor, of which torch's compiler needs the numbers in memory.

    A copy, as strides are those of what a view is of: torch's compiler forgets where in that it begins.
    """
    x = x.clone()
    return x.as_strided(x.shape, x.stride())


def _online(xp: TorchVerbs, x: Any, index: Any, axis: int) -> tuple[Any, Any]:
    """Return peak and sum as the compiler knows a softmax, which a device measures in one pass.

    Beside an infinite peak the sum is set afterwards, to the number of those at +∞.
    """
    rest = xp.replaced(x, index, -torch.inf, axis)
    peak = torch.amax(rest, axis, keepdim=True).detach()
    total = torch.sum(torch.exp(rest - peak), axis, keepdim=True)
    ties = torch.sum(rest == torch.inf, axis, keepdim=True, dtype=x.dtype)
    return peak, torch.where(xp.isinf(peak), ties, total)


def _clamped(xp: TorchVerbs, x: Any, index: Any, axis: int) -> tuple[Any, Any]:
    """Return the same, the sum from all of ``x`` less the term at ``index``, on a processor.

    To find an index takes the processor longer than an exponential. No exponent is above 0: the term
    that is subtracted is at most 1, and the others together at least that, so that nothing cancels.
    """
    peak = _peak_beside(xp, x, index, axis).detach()
    large = torch.finfo(x.dtype).max
    near = torch.clamp(peak, -large, large)
    # Else the largest number would count as one of those at +∞.
    far = torch.where(peak == torch.inf, near, 0.0)
    total = torch.sum(_at_most_one(x, near, far), axis, keepdim=True)
    inside = (index >= 0) & (index < x.shape[axis])
    own = torch.gather(x, axis, torch.where(inside, index, 0))
    own = torch.where(inside, _at_most_one(own, near, far), 0.0)
    return peak, torch.where(peak == -torch.inf, 0.0, total - own)


def _peak_beside(xp: TorchVerbs, x: Any, index: Any, axis: int) -> Any:
    """Return the largest entry of ``x`` beside ``index``, of a row in parts.

    The numbers of a part's places are of int32, and read from memory: to make them takes longer. Where the
    number of classes is a compiler's symbol the row is whole.
    """
    from torch.fx.experimental.symbolic_shapes import has_static_value  # which takes long to load

    size = x.shape[axis]
    if axis % x.ndim != x.ndim - 1 or not has_static_value(size):
        return torch.amax(xp.replaced(x, index, -torch.inf, axis), axis, keepdim=True)
    places = _stored(torch.arange(min(size, PLACES), dtype=torch.int32, device=x.device))
    index = index.to(torch.int32)
    whole = size - size % len(places)
    parts = x[..., :whole].reshape(*x.shape[:-1], whole // len(places), len(places))
    first = torch.arange(0, whole, len(places), dtype=torch.int32, device=x.device)
    rest = torch.where(places == (index - first)[..., None], -torch.inf, parts)
    peak = torch.amax(rest, (-2, -1))[..., None]
    if whole < size:
        last = torch.where(places[: size - whole] == index - whole, -torch.inf, x[..., whole:])
        peak = torch.maximum(peak, torch.amax(last, -1, keepdim=True))
    return peak


def _at_most_one(x: Any, near: Any, far: Any) -> Any:
    """Return min(1, exp(x − near − far)), NaN of a NaN; near + far may overflow, and relu is one step."""
    return torch.exp(-torch.relu(near - x + far))


def in_range(x: Any, index: Any, value: Any, axis: int) -> tuple[Any, Any]:
    """Return an index that is in range and what is added there, 0 where it was not."""
    inside = (index >= 0) & (index < x.shape[axis])
    return torch.where(inside, index, 0), torch.where(inside, value, -0.0)
