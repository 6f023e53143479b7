"""An array without its entry at a label, as XLA's CPU backend makes a maximum and a sum of it fast."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from xent._typing import Array, Verbs
from xent.engines.jax import arithmetic

SHORT = 32
"""Classes of a row below which each operation within a sum takes it longer than to store what it makes."""


SMALL = 1 << 24
"""Bytes of an array up to which it is stored at little cost: memory of that size is kept and reused."""


class Without:
    """An array of short rows with −∞ at an index.

    Its exponentials are 0 there by a `select` after the shift: what a `select` makes is stored, and only
    the exponential is left to the loop that sums.
    """

    def __init__(self, xp: Verbs, x: Any, index: Any, axis: int) -> None:
        self.xp, self.x, self.index, self.axis = xp, x, index, axis

    @cached_property
    def array(self) -> Any:
        """The array itself, for whatever else is made of it."""
        return self._emptied(self.x)

    def __jax_array__(self) -> Any:
        return self.array

    def __getattr__(self, name: str) -> Any:
        return getattr(self.array, name)

    def max(self) -> Any:
        """Return the maximum along the axis."""
        return jnp.max(self.array, axis=self.axis, keepdims=True)

    def decayed(self, peak: Any) -> Array:
        """Return exp(x − peak), 0 at the index."""
        return jnp.exp(self._emptied(self.xp.shifted(self.x, peak)))

    def _emptied(self, x: Any) -> Any:
        return jnp.where(arithmetic.iota(x, self.axis) == self.index, -jnp.inf, x)


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
