"""torch for values alone: in blocks, temporaries written over; looked at in host memory alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import array_api_compat.torch
import torch

from xent._engine import Engine
from xent._namespace import Namespace
from xent.engines.eager import Eager, Finite
from xent.engines.torch_tensor import eager, visible


class TensorNamespace(Namespace):
    """torch's namespace, whatever the tensors are for."""

    def constant(self, x: Any) -> Any:
        """Return ``x`` without a derivative."""
        return x.detach()

    def sum(self, x: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
        """Return the sum, without what makes every library's arguments torch's own."""
        if axis is None:
            return torch.sum(x, dtype=dtype)
        return torch.sum(x, axis, keepdim=keepdims, dtype=dtype)

    def max(self, x: Any, *, axis: Any, keepdims: bool = False) -> Any:
        """Return the maximum along ``axis``, likewise."""
        return torch.amax(x, axis, keepdim=keepdims)

    def relu(self, z: Any) -> Any:
        """Return max(``z``, 0), likewise."""
        return torch.relu(z)

    def squeeze(self, x: Any, *, axis: int) -> Any:
        """Return ``x`` without an axis of size 1, likewise."""
        return torch.squeeze(x, axis)

    def within(self, x: Any, low: float, high: float) -> bool:
        """Whether all entries are in a range, in one pass."""
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


class TracedNamespace(TensorNamespace):
    """The same where values alone are wanted, of tensors that are being compiled."""

    def rest(self, x: Any, peak: Any, index: Any, axis: int) -> Any:
        """Return Σ exp(x − peak) but for the entry at ``index``.

        What is below the peak, and how many are not: a comparison of floats costs a loop nothing, one
        of positions a quarter. What is +inf is NaN less such a peak, and so is not below it.
        """
        d = x - peak
        below = torch.where(d < 0, torch.exp(d), 0).sum(axis, keepdim=True)
        count = torch.where(d < 0, 0, torch.ones_like(d)).sum(axis, keepdim=True)
        inside = (index >= 0) & (index < x.shape[axis])
        own = d.gather(axis, torch.where(inside, index, 0))
        among = torch.where(own < 0, (below - torch.exp(own)) + count, below + (count - 1))
        return torch.where(inside, among, below + count)


class UnseenNamespace(TensorNamespace):
    """The same where values alone are wanted, and a look at them would wait for a device."""

    def beside(self, x: Any, peak: Any, index: Any, axis: int) -> Any:
        """Return exp(x − peak) in one tensor."""
        d: Any = self.shifted(x, peak)
        return d.exp_()

    def decay(self, z: Any) -> Any:
        """Return e^−|z|, likewise."""
        return torch.abs(z).neg_().exp_()

    def times(self, x: Any, factor: Any) -> Any:
        """Return ``x · factor`` in ``x``."""
        return x.mul_(factor)

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        inside = (index >= 0) & (index < x.shape[axis])
        index = torch.where(inside, index, 0)
        return x.scatter_(axis, index, torch.where(inside, value, x.gather(axis, index)))


class PlainNamespace(UnseenNamespace):
    """The same in host memory."""

    def maybe(self, condition: Callable[[], Any]) -> bool:
        """Return whether any entry holds."""
        return bool(condition().any())


class FiniteNamespace(Finite, PlainNamespace):
    """The same for finite logits, and for labels that are classes."""

    def signs(self, z: Any) -> Any:
        """Return the signs, in one pass."""
        return torch.sign(z)

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        return x.scatter_(axis, index, value)


class Unseen(Eager):
    """Runs plans on tensors for their values alone, and never looks at these."""

    namespace: type[UnseenNamespace] = UnseenNamespace
    has_room = True

    def product(
        self, a: Any, b: Any, bias: Any = None, *, transposed: bool = True, out: Any = None
    ) -> Any:
        """Return ``a @ b.T + bias``, or ``a @ b``."""
        b = b.T if transposed else b
        return torch.mm(a, b, out=out) if bias is None else torch.addmm(bias, a, b, out=out)

    def accumulate(self, total: Any, a: Any, b: Any) -> None:
        """Add ``a.T @ b`` to ``total`` in place."""
        if total.dtype == a.dtype:
            total.addmm_(a.T, b)
        else:
            super().accumulate(total, a, b)


class Plain(Unseen):
    """The same in host memory, where a look costs nothing."""

    namespace = PlainNamespace
    finite = FiniteNamespace

    def threads(self) -> int:
        """Return how many threads torch computes with."""
        threads: int = torch.get_num_threads()
        return threads

    def present(self, keep: Any) -> Any:
        """Return the positions of the rows that count."""
        return None if keep is None else keep.nonzero()[:, 0]


class Traced(Engine):
    """Runs plans on tensors that are being compiled, for their values alone."""

    namespace = TracedNamespace

    def device(self, x: Any) -> Any:
        """Return the device of ``x``."""
        return x.device


TRACED = Traced(array_api_compat.torch, "torch")
UNSEEN = Unseen(array_api_compat.torch, "torch")
PLAIN = Plain(array_api_compat.torch, "torch")


def engine_of(tensors: Iterable[Any]) -> Eager | None:
    """Return the engine for the values of tensors, None where these are not there."""
    tensors = [x for x in tensors if x is not None]
    if all(map(visible, tensors)):
        return PLAIN
    return UNSEEN if all(map(eager, tensors)) else None


def of_values(engine: Engine, tensors: Any, method: str) -> Any:
    """Return the method that computes values alone: by blocks where they are there, else in one."""
    if torch.compiler.is_compiling() and not torch._C._are_functorch_transforms_active():
        return getattr(TRACED, method)  # torch.compile differentiates what it sees in a transform
    own = None if any(isinstance(x, tuple) for x in tensors) else engine_of(tensors)
    return partial(getattr(Engine, method), engine) if own is None else getattr(own, method)
