"""An array without its entry at a label, as XLA's CPU backend makes a maximum and a sum of it fast."""

from __future__ import annotations

from functools import cached_property, partial, reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp

from xent._typing import Array, Verbs
from xent.engines.jax import arithmetic
from xent.engines.jax.turned import in_pairs

SHORT = 32
"""Classes of a row below which it is made column by column: of few, a loop over classes costs more."""

FEW = 256
"""Classes along another axis below which the same is done: their columns lie together in memory."""

SMALL = 1 << 24
"""Bytes of an array up to which it is stored at little cost: memory of that size is kept and reused."""


class Decayed:
    """exp(x − peak), to be summed: of a block without an infinite peak with one subtraction in the loop."""

    def __init__(self, xp: Verbs, x: Any, peak: Any) -> None:
        self.xp, self.x, self.peak = xp, x, peak

    def sum(self, **along: Any) -> Any:
        """Return the sum; a row that is alone may be one of many to `vmap`, which makes both branches."""

        def limited(x: Any, peak: Any) -> Any:
            return jnp.sum(jnp.exp(self.xp.shifted(x, peak)), **along)

        def plain(x: Any, peak: Any) -> Any:
            return jnp.sum(jnp.exp(x - peak), **along)

        if self.peak.size == 1:
            return limited(self.x, self.peak)
        infinite = jnp.any(jnp.isinf(self.peak))
        return jax.lax.cond(infinite, limited, plain, self.x, self.peak)


class Without:
    """An array with −∞ at an index."""

    def __init__(self, xp: Verbs, x: Any, index: Any, axis: int) -> None:
        self.xp, self.x, self.index, self.axis = xp, x, index, axis

    @cached_property
    def array(self) -> Any:
        """The array."""
        return jnp.where(arithmetic.iota(self.x, self.axis) == self.index, -jnp.inf, self.x)

    def max(self) -> Any:
        """Return the maximum along the axis."""
        return jnp.max(self.array, axis=self.axis, keepdims=True)


class Columns(Without):
    """Short rows, an array for each class: their loop is over the rows, and is one for all of a loss."""

    def each(self) -> list[Any]:
        """Return the classes, −∞ where one is the label."""
        column = partial(jax.lax.slice_in_dim, self.x, axis=self.axis)
        count = range(self.x.shape[self.axis])
        return [jnp.where(self.index == i, -jnp.inf, column(i, i + 1)) for i in count]

    def max(self) -> Any:
        """Return the maximum along the axis."""
        return reduce(jnp.maximum, self.each())

    def decayed(self, peak: Any) -> Any:
        """Return what exp(x − peak) is summed by."""
        return SumOfColumns(self, peak)


class SumOfColumns(Decayed):
    """exp(x − peak) of short rows."""

    def __init__(self, rows: Columns, peak: Any) -> None:
        super().__init__(rows.xp, rows.x, peak)
        self.rows = rows

    def sum(self, **along: Any) -> Any:
        """Return the sum along the axis of the classes, of pairs of pairs: it loses the fewest digits."""
        parts = [jnp.exp(self.xp.shifted(x, self.peak)) for x in self.rows.each()]
        return in_pairs(add, parts)


class Unstored(Without):
    """A large array with −∞ at an index, along another axis than the last; nothing of its size is stored.

    XLA's CPU backend would store an array that both maximum and exponentials are made of. So each is
    made with arithmetic in it, and not with the same: XLA would store what both need.
    """

    def max(self) -> Any:
        """Return the maximum along the axis."""

        def of_loop(x: Any, index: Any) -> Any:
            away = jnp.abs(2 * arithmetic.positions(x, self.axis) - 2 * index.astype(x.dtype))
            return jnp.max(jnp.minimum(x, (away - 1) * jnp.inf), axis=self.axis, keepdims=True)

        def fused(x: Any, index: Any) -> Any:
            return Without(self.xp, x, index, self.axis).max()

        return jax.lax.platform_dependent(self.x, self.index, cpu=of_loop, default=fused)

    def decayed(self, peak: Any) -> Array:
        """Return exp(x − peak), 0 at the index; no other entry is above the peak."""
        far = jnp.where(jnp.isinf(peak), jnp.finfo(peak.dtype).max, 0)
        near = arithmetic.bounded(peak)
        # Not a plain 0: of that and a NaN XLA's minimum is 0.
        below = jnp.minimum(0 * near, self.x - near - far)
        return arithmetic.emptied(jnp.exp(below), self.index, self.axis)
