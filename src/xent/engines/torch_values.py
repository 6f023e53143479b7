"""torch for values alone: blocks in host memory, temporaries written over."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import array_api_compat.torch
import torch
from torch import Tensor

from xent._engine import Engine
from xent.engines.eager import Eager, EagerNamespace, Finite
from xent.engines.torch_tensor import visible


class TensorNamespace(EagerNamespace):
    """torch's namespace, whatever the tensors are for."""

    def constant(self, x: Any) -> Any:
        """Return ``x`` without a derivative."""
        return x.detach()

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``; `take_along_dim` would fix the size to compile."""
        return torch.gather(x, axis, index)

    def iota_of(self, x: Any, size: int, ndim: int, axis: int) -> Any:
        """Return 0, 1, … along ``axis``."""
        shape = [1] * ndim
        shape[axis] = size
        return torch.arange(size, device=x.device).reshape(shape)


class PlainNamespace(TensorNamespace):
    """The same where values alone are wanted, in host memory."""

    def maybe(self, condition: Callable[[], Any]) -> bool:
        """Return whether any entry holds."""
        return bool(condition().any())

    def beside(self, x: Any, peak: Any, index: Any, axis: int) -> Any:
        """Return exp(x − peak), 0 at ``index``."""
        d: Any = self.shifted(x, peak)
        return self.put(d.exp_(), index, 0.0, axis)

    def times(self, x: Any, factor: Any) -> Any:
        """Return ``x · factor`` in ``x``."""
        return x.mul_(factor)

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        inside = (index >= 0) & (index < x.shape[axis])
        if not bool(inside.all()):
            index = torch.where(inside, index, 0)
            value = torch.where(inside, value, x.gather(axis, index))
        return x.scatter_(axis, index, value)


class FiniteNamespace(Finite, PlainNamespace):
    """The same for finite logits, and for labels that are classes."""

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        """Write ``value`` into ``x``."""
        return x.scatter_(axis, index, value)


class Plain(Eager):
    """Runs plans on tensors in host memory for their values alone."""

    namespace = PlainNamespace
    finite = FiniteNamespace

    def present(self, keep: Any) -> Any:
        """Return the positions of the rows that count."""
        return None if keep is None else keep.nonzero()[:, 0]

    def accumulate(self, total: Any, a: Any, b: Any) -> None:
        """Add ``a.T @ b`` to ``total`` in place."""
        if total.dtype == a.dtype:
            total.addmm_(a.T, b)
        else:
            super().accumulate(total, a, b)


PLAIN = Plain(array_api_compat.torch, "torch")


def of_values(engine: Engine, tensors: Any, method: str) -> Any:
    """Return the method that computes values alone: by blocks in host memory, else in one block."""
    if all(x is None or (isinstance(x, Tensor) and visible(x)) for x in tensors):
        return getattr(PLAIN, method)
    return partial(getattr(Engine, method), engine)
