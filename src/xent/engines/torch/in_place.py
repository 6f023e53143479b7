"""What a formula may call, with torch's temporaries written over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from xent._namespace import Namespace
from xent.engines import bits
from xent.engines.torch import tensor
from xent.engines.torch.verbs import TorchVerbs, in_range

FEW, MANY, COLUMNS = 32, 1 << 15, 12
"""The fewest classes of a row along which torch computes as fast as elsewhere, the fewest numbers of an
array that is worth another way, and the most classes that it goes down column by column.
"""

LONG, STEP = 4096, 128
"""The fewest classes of a row whose peak is found in steps, and classes of a step."""

SAMPLED = 32
"""One row of a condition in so many is counted: to count all takes a good part of what is to be saved."""

WIDE = {torch.float32: torch.int32}
"""Whole numbers as wide as floats, whose products torch has vectors for."""


class TorchInPlace(TorchVerbs):
    """torch's namespace where nothing is recorded."""

    def anywhere(self, condition: Callable[[], Any]) -> bool:
        """Return whether any entry holds, as it may on a device: of bytes torch finds it in vectors."""
        if not self.looks:
            return True
        entries = condition()
        return entries.device.type != tensor.HOST or bool(entries.view(torch.uint8).any())

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Return ``a`` where the condition holds, else ``b``."""
        if condition.numel() >= bits.MANY and condition.device.type == tensor.HOST:
            some = condition[::SAMPLED]
            if bits.is_mixed(int(torch.count_nonzero(some)), some.numel()):
                # What is negated by a flag, as an imaginary part may be, has no bits of its own.
                a, b = (x.resolve_neg() if isinstance(x, torch.Tensor) else x for x in (a, b))
                made = bits.chosen(torch, WIDE, condition, a, b)
                if made is not None:
                    return made
        return torch.where(condition, a, b)

    def decayed(self, x: Any, peak: Any) -> Any:
        """Return exp(x − peak) in ``x``, 1 where both are +∞: `fmin` takes a number rather than NaN."""
        if not self.maybe(lambda: self.isinf(peak)):
            return x.sub_(peak).exp_()
        x.sub_(peak.clamp(min=torch.finfo(peak.dtype).min))
        most = torch.full_like(peak, torch.nan).masked_fill_(peak == torch.inf, 0.0)
        return torch.fmin(x, most, out=x).exp_()

    def first_peak(self, x: Any, axis: int) -> Any:
        """Return the index of the first maximum, of a long row in steps: torch goes number by number."""
        n, here = x.shape[axis], x.device.type == tensor.HOST
        if not (here and axis == x.ndim - 1 and n >= LONG and x.numel() >= MANY):
            return torch.max(x, axis, keepdim=True).indices  # sooner than argmax
        whole = n - n % STEP
        peaks = [torch.amax(x[..., :whole].unflatten(-1, (-1, STEP)), -1)]
        if whole < n:
            peaks.append(torch.amax(x[..., whole:], -1, keepdim=True))
        first = torch.argmax(torch.cat(peaks, -1), -1, keepdim=True) * STEP
        places = torch.clamp(first + torch.arange(STEP, device=x.device), max=n - 1)
        return first + torch.argmax(torch.gather(x, -1, places), -1, keepdim=True)

    def times(self, x: Any, factor: Any) -> Any:
        """Return ``x · factor`` in ``x``."""
        return x.mul_(factor)

    def plus(self, x: Any, term: Any) -> Any:
        """Return ``x + term`` in ``x``."""
        return x.add_(term)

    def replaced(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return a copy with ``value`` at ``index``."""
        if self.finite:
            return x.scatter(axis, index, value)
        return self.put(x.clone(), index, value, axis)

    def beside(self, x: Any, index: Any, axis: int) -> tuple[Any, Any, Any]:
        """Return peak, sum and terms; no −∞ goes through `exp`, which takes it ten times as long."""
        if not self.finite:
            return Namespace.beside(self, x, index, axis)
        if not (x.numel() >= MANY and axis == x.ndim - 1 and x.is_contiguous()):
            rest = x.scatter(axis, index, -torch.inf)
            peak = torch.amax(rest, axis, keepdim=True)
            torch.sub(x, peak, out=rest).exp_()
            rest.scatter_(axis, index, 0.0)
            return peak, torch.sum(rest, axis, keepdim=True), rest
        rest = x.clone()
        places = torch.arange(0, x.numel(), x.shape[-1], device=x.device) + index.reshape(-1)
        flat = rest.view(-1).index_fill_(0, places, -torch.inf)  # `scatter` goes row by row
        peak = _highest(rest)
        torch.sub(x, peak, out=rest).exp_()
        flat.index_fill_(0, places, 0.0)
        return peak, torch.sum(rest, axis, keepdim=True), rest

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        if self.finite:
            return x.scatter_(axis, index, value)
        near = index.clamp(0, x.shape[axis] - 1)
        entry, inside = x.gather(axis, near), near == index
        if isinstance(value, torch.Tensor):
            entry = torch.where(inside, value, entry)
        else:
            entry.masked_fill_(inside, value)
        return x.scatter_(axis, near, entry)

    def added(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Add ``value`` to ``x`` at ``index``."""
        return x.scatter_add_(axis, *in_range(x, index, value, axis))

    def at_label(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``, NaN where that is out of range."""
        near = index.clamp(0, x.shape[axis] - 1)
        return x.gather(axis, near).masked_fill_(near != index, torch.nan)


def _highest(x: Any) -> Any:
    """Return the maximum of rows, of short ones by halves that are few columns: torch is fast down these."""
    if not 1 < x.shape[-1] < FEW:
        return torch.amax(x, -1, keepdim=True)
    while (size := x.shape[-1]) > COLUMNS:
        half = (size + 1) // 2
        x = torch.maximum(x[..., :half], x[..., size - half :])
    half = (size + 1) // 2
    columns = x.new_empty((half, *x.shape[:-1])).movedim(0, -1)
    torch.maximum(x[..., :half], x[..., size - half :], out=columns)
    return torch.amax(columns, -1, keepdim=True)
