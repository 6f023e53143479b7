"""torch for values alone: in blocks, temporaries written over; looked at in host memory alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import array_api_compat.torch
import torch

from xent._engine import Engine, rows_and_gradient_of, rows_of
from xent._namespace import Namespace
from xent._plan import Operands, Plan
from xent.engines.eager import Eager
from xent.engines.torch import half, tensor
from xent.engines.torch.tensor import eager


class TorchVerbs(Namespace):
    """torch's namespace: by its own functions, without what makes every library's arguments torch's."""

    abs = staticmethod(torch.abs)
    exp = staticmethod(torch.exp)
    full_like = staticmethod(torch.full_like)
    log1p = staticmethod(torch.log1p)
    ones_like = staticmethod(torch.ones_like)
    reshape = staticmethod(torch.reshape)
    where = staticmethod(torch.where)
    divide = staticmethod(torch.divide)
    expm1 = staticmethod(torch.expm1)
    log = staticmethod(torch.log)
    max = staticmethod(torch.amax)
    maximum = staticmethod(torch.maximum)
    minimum = staticmethod(torch.minimum)
    squeeze = staticmethod(torch.squeeze)
    sum = staticmethod(torch.sum)
    tanh = staticmethod(torch.tanh)
    constant = staticmethod(torch.detach)
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
        least, most = torch.aminmax(x)
        return bool(least.item() >= low and most.item() <= high)

    def isinf(self, x: Any) -> Any:
        """Whether ``x`` is infinite, by comparisons, which a compiler vectorises."""
        return torch.abs(x) == torch.inf

    def isnan(self, x: Any) -> Any:
        """Whether ``x`` is NaN, likewise."""
        return x != x  # only a NaN is not itself

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``; `take_along_dim` would fix the size to compile."""
        return torch.gather(x, axis, index)

    def iota_of(self, x: Any, size: int, ndim: int, axis: int) -> Any:
        """Return 0, 1, … along ``axis``."""
        shape = [1] * ndim
        shape[axis] = size
        return torch.arange(size, device=x.device).reshape(shape)


FEW, MANY, COLUMNS = 32, 1 << 15, 12
"""The fewest classes of a row along which torch computes as fast as elsewhere, the fewest numbers of an
array that is worth another way, and the most classes that it goes down column by column.
"""

_ORDERED = (torch.int64, torch.int32, torch.float32, torch.float64)
"""The dtypes in which torch finds least and most at once."""


class TorchInPlace(TorchVerbs):
    """The same where nothing is recorded: temporaries are written over."""

    def decayed(self, x: Any, peak: Any) -> Any:
        """Return exp(x − peak) in ``x``, or in one tensor."""
        d: Any = x.sub_(peak) if self.finite else self.shifted(x, peak)
        return d.exp_()

    def times(self, x: Any, factor: Any) -> Any:
        """Return ``x · factor`` in ``x``."""
        return x.mul_(factor)

    def replaced(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Return a copy with ``value`` at ``index``."""
        if self.finite:
            return x.scatter(axis, index, value)
        return self.put(x.clone(), index, value, axis)

    def beside(self, x: Any, index: Any, axis: int) -> tuple[Any, Any]:
        """Return peak and exponentials; no −∞ goes through `exp`, which takes it ten times as long."""
        if not self.finite:
            return super().beside(x, index, axis)
        if not (x.numel() >= MANY and axis == x.ndim - 1 and x.is_contiguous()):
            rest = x.scatter(axis, index, -torch.inf)
            peak = torch.amax(rest, axis, keepdim=True)
            torch.sub(x, peak, out=rest).exp_()
            return peak, rest.scatter_(axis, index, 0.0)
        rest = x.clone()
        places = torch.arange(0, x.numel(), x.shape[-1], device=x.device) + index.reshape(-1)
        flat = rest.view(-1).index_fill_(0, places, -torch.inf)  # `scatter` goes row by row
        peak = _highest(rest)
        torch.sub(x, peak, out=rest).exp_()
        flat.index_fill_(0, places, 0.0)
        return peak, rest

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        if self.finite:
            return x.scatter_(axis, index, value)
        inside = (index >= 0) & (index < x.shape[axis])
        index = torch.where(inside, index, 0)
        return x.scatter_(axis, index, torch.where(inside, value, x.gather(axis, index)))


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


class Unseen(Eager):
    """Runs plans on tensors for their values alone, and never looks at these."""

    namespace = TorchInPlace
    has_room = True

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.xp.looks = self.looks  # of the verbs, as of the engine

    def whole(self, operands: Any) -> bool:
        """Return that any tensor can be cut."""
        return False

    def product(
        self,
        a: Any,
        b: Any,
        bias: Any = None,
        *,
        transposed: bool = True,
        wide: bool = False,
        out: Any = None,
    ) -> Any:
        """Return ``a @ b.T + bias``, or ``a @ b``."""
        b = b.T if transposed else b
        if wide:
            return half.logits(a, b, bias, out)
        if not transposed and half.is_cast(b):
            return half.summed(a, b)
        return torch.mm(a, b, out=out) if bias is None else torch.addmm(bias, a, b, out=out)

    def factor(self, g: Any, features: Any) -> Any:
        """Return the gradient of the logits as the products with it take it: rounded to their dtype."""
        return g if half.is_cast(features) else g.to(features.dtype)

    def accumulate(self, total: Any, a: Any, b: Any, *, first: bool, step: int) -> None:
        """Add ``a.T @ b`` to ``total`` in place, or write it there."""
        if half.is_cast(b):
            b = b.to(a.dtype)
        if total.dtype == a.dtype and first:
            torch.mm(a.T, b, out=total)
        elif total.dtype == a.dtype:
            total.addmm_(a.T, b)
        elif not half.added(total, a.T, b, first=first):
            super().accumulate(total, a, b, first=first, step=step)


class Plain(Unseen):
    """The same in host memory, where a look costs nothing."""

    looks = True

    def threads(self) -> int:
        """Return how many threads torch computes with."""
        return torch.get_num_threads()

    def present(self, keep: Any) -> Any:
        """Return the positions of the rows that count."""
        return None if keep is None else keep.nonzero()[:, 0]


class Traced(Engine):
    """Runs plans on tensors that are being compiled, for their values alone."""

    namespace = TorchVerbs


TRACED = Traced(array_api_compat.torch, "torch")
UNSEEN = Unseen(array_api_compat.torch, "torch")
PLAIN = Plain(array_api_compat.torch, "torch")


def engine_of(tensors: Iterable[Any]) -> Eager | None:
    """Return the engine for the values of tensors, None where these are not there."""
    tensors = list(tensors)
    if not eager(tensors):
        return None
    for x in tensors:
        if x is not None and x.device.type != tensor.HOST:
            return UNSEEN
    return PLAIN


def _of_values(engine: Engine, tensors: Iterable[Any]) -> Engine | None:
    """Return the engine that computes values alone, None where that is not known to be enough."""
    if torch.compiler.is_compiling():
        # torch.compile differentiates what it sees in a transform.
        return None if torch._C._are_functorch_transforms_active() else TRACED
    flat = [x for y in tensors for x in (y if isinstance(y, tuple) else (y,))]
    return engine_of(flat)


def rows_of_values(engine: Engine, plan: Plan, operands: Operands) -> Any:
    """Return the loss of each row as a value: by blocks where the values are there, else in one."""
    own = _of_values(engine, operands[:-1])
    return rows_of(engine.xp, plan, operands) if own is None else own.rows(plan, operands)


def gradient_of_values(engine: Engine, plan: Plan, operands: Operands, w: Any) -> Any:
    """Return rows and gradient as values, likewise."""
    own = _of_values(engine, (*operands[:-1], w))
    if own is None:
        return rows_and_gradient_of(engine.xp, plan, operands, w)
    return own.rows_and_gradient(plan, operands, w)
