"""The matmuls of a linear head on arrays that can be written to, and what a library can do about them."""

from __future__ import annotations

from typing import Any

from xent import _dtype
from xent._engine import Engine
from xent._linear import STRIP, cuts
from xent._plan import Operands, Plan
from xent._typing import Array


class Products(Engine):
    """What computes at once, as the chunks of a linear head ask it for products."""

    has_room = False
    """Whether `product` can write its result into an array."""

    def present(self, keep: Array | None) -> Array | None:
        """Return the positions of the rows that count, None for all.

        Only where shapes may depend on values, and arrays can be indexed by arrays: there the other
        rows are dropped before the product.
        """
        return None

    def product(
        self,
        a: Any,
        b: Any,
        bias: Array | None = None,
        *,
        transposed: bool = True,
        wide: bool = False,
        out: Array | None = None,
    ) -> Array:
        """Return ``a @ b.T + bias``, or ``a @ b``; the sums in float32 for half precision.

        ``wide`` asks for them as they are: a library whose own product sums so may round the others.
        ``out`` may be written over, where the engine `has_room`: it costs time to get as much again.
        """
        logits: Any
        if _dtype.is_half(a):
            logits = self._widened(a, b, transposed, out)
        else:
            logits = self.xp.matmul(a, b.T if transposed else b)
        return logits if bias is None else logits + _dtype.cast(self.xp, bias, logits.dtype)

    def _widened(self, a: Any, b: Any, transposed: bool, out: Any) -> Any:
        """Return the product of half precision in float32: a strip of ``b`` at a time is cast."""
        wide = self.xp.float32
        a = self.xp.astype(a, wide)
        strips = list(cuts(b.shape[0], STRIP)) or [slice(0, 0)]
        if not transposed:
            return sum(a[:, cut] @ self.xp.astype(b[cut, ...], wide) for cut in strips)
        logits: Any = self.xp.empty((a.shape[0], b.shape[0]), dtype=wide) if out is None else out
        for cut in strips:
            logits[:, cut] = a @ self.xp.astype(b[cut, ...], wide).T
        return logits

    def factor(self, g: Any, features: Any) -> Any:
        """Return the gradient of the logits as the products with it take it."""
        return g

    def of_chunk(self, plan: Plan, operands: Operands, features: Any) -> tuple[Array, Array]:
        """Return the value of a chunk of logits, and its gradient as `factor` has it."""
        value, g = self.value_and_gradient(plan, operands)
        return value, self.factor(g, features)

    def accumulate(self, total: Any, a: Any, b: Any, *, first: bool, step: int) -> None:
        """Add ``a.T @ b`` to ``total`` in place, ``step`` rows at a time; the ``first`` is written there."""
        for cut in cuts(total.shape[0], step):
            strip = self.product(a[:, cut].T, b, transposed=False)
            strip = _dtype.cast(self.xp, strip, total.dtype)
            if first:
                total[cut, ...] = strip
            else:
                total[cut, ...] += strip
