"""What a formula may call, in the forms that XLA makes fast."""

from __future__ import annotations

from functools import cached_property, reduce
from operator import add
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from xent._namespace import Namespace
from xent._plan import LOG, QUOTIENT
from xent._typing import Array
from xent.engines.jax import arithmetic
from xent.engines.jax.derivative import (
    capped,
    expm1,
    magnitude,
    rows_of,
    silent,
    tanh,
    tempered,
)
from xent.engines.jax.sizes import known
from xent.engines.jax.turned import classes, in_pairs, stored
from xent.engines.jax.without import FEW, SHORT, SMALL, Columns, Decayed, Unstored

# XLA's CPU backend makes a reduction and the arithmetic before it in one pass, tile by tile. A
# `select` is no part of that: what it makes is stored, which takes longer where it is no longer in
# the cache, or must be paged in anew. So the verbs that stand inside a sum or a maximum are
# arithmetic here; but each operation costs such a pass some nanoseconds for each row, so where
# the array is small, or is stored for a gradient, a `select` is faster.
#
# Its exp loses up to 519 ULP (float64; 106 in float32) just above where it underflows. exp(d / 2)²
# would not, but costs every other exponential a ULP.


_LONG, _PARTS = 4096, 64
"""From how many numbers on a sum is made of parts, and of how many."""

Mode = Literal["fused", "stored", "block"]


@jax.custom_jvp
def _at_most(d: Any, most: Any) -> Any:
    """Return the smaller one; what is cut is an infinite peak beside itself, and does not move."""
    # In this order, as XLA's minimum drops a NaN in its first operand.
    return jnp.minimum(most, d)


@_at_most.defjvp
def _at_most_moves(primals: Any, tangents: Any) -> tuple[Any, Any]:
    cut = jnp.greater(*primals)
    return _at_most(*primals), jnp.where(cut, jnp.zeros_like(tangents[0]), tangents[0])


class JaxVerbs(Namespace):
    """JAX's functions; the default dtypes follow ``jax_enable_x64``, which may change.

    Attributes
    ----------
    mode : "fused", "stored" or "block"
        "fused" where values alone are made, and no array of the prediction's size need be stored.
        "stored" where a gradient is made too: the exponentials of an array are stored once, for it and
        the sum. "block" for a block of rows that stays in the cache, where all that is summed is stored.
    """

    def __init__(self, api: Any, mode: Mode = "fused") -> None:
        self.api, self.finite, self.mode = api, False, mode

    @cached_property
    def block(self) -> JaxVerbs:
        """The verbs for a block of rows."""
        return JaxVerbs(self.api, "block")

    @cached_property
    def stored(self) -> JaxVerbs:
        """The verbs where a gradient is made too."""
        return JaxVerbs(self.api, "stored")

    @cached_property
    def turned(self) -> TurnedVerbs:
        """The verbs for a block of few classes."""
        return TurnedVerbs(self.api)

    @property
    def integer(self) -> Any:
        """The widest integer dtype."""
        return arithmetic.integer()

    @property
    def floating(self) -> Any:
        """The default floating dtype."""
        return jax.dtypes.canonicalize_dtype(np.float64)

    constant = staticmethod(jax.lax.stop_gradient)
    # Behind a barrier: XLA would compute it again in each loop, and round otherwise.
    settled = staticmethod(jax.lax.optimization_barrier)

    def sum(self, x: Any, *, axis: int | None = None, keepdims: bool = False, **kind: Any) -> Any:
        """Return the sum along ``axis``, of one long row in parts.

        XLA adds a row that is alone number by number: 100 000 of them lose 37 ULP. Of a block, apart
        from what makes ``x``, which may then `select`.
        """
        if self.mode == "block":
            return jnp.sum(self.settled(x), axis=axis, keepdims=keepdims, **kind)
        if axis is None or not isinstance(x.size, int) or not x.size == x.shape[axis] > _LONG:
            return jnp.sum(x, axis=axis, keepdims=keepdims, **kind)
        whole, row = x.size - x.size % _PARTS, jnp.reshape(x, (-1,))
        parts = jnp.sum(jnp.reshape(row[:whole], (_PARTS, -1)), axis=1, **kind)
        total = jnp.sum(self.settled(parts), **kind) + jnp.sum(row[whole:], **kind)
        return jnp.reshape(total, (1,) * (x.ndim if keepdims else x.ndim - 1))

    def log(self, x: Array) -> Array:
        """Return log ``x``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        return rows_of(self, LOG, x, None, ())

    def divide(self, a: Array, b: Array) -> Array:
        """Return ``a / b``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        p, q = jnp.broadcast_arrays(a, b)
        return rows_of(self, QUOTIENT, q, p, ())

    abs = staticmethod(magnitude)
    capped = staticmethod(capped)
    expm1 = staticmethod(expm1)
    tanh = staticmethod(tanh)
    tempered = staticmethod(tempered)
    silent = staticmethod(silent)
    at_most = staticmethod(_at_most)

    def beside(self, x: Any, index: Any, axis: int) -> tuple[Array, Array, Array | None]:
        """Return peak, sum and terms; of some arrays no term is stored."""
        rest = self._rivals(x, index, axis)
        if isinstance(rest, Columns | Unstored):
            peak = self.constant(rest.max())
            e = rest.decayed(peak)
        else:
            peak = self.constant(jnp.max(rest, axis=axis, keepdims=True))
            e = Decayed(self, rest, peak) if self.mode == "block" else self.decayed(rest, peak)
        if isinstance(e, Decayed):
            return peak, e.sum(axis=axis, keepdims=True), None
        return peak, self.sum(e, axis=axis, keepdims=True), e

    def _rivals(self, x: Any, index: Any, axis: int) -> Any:
        """Return ``x`` with −∞ at ``index``, or what its maximum and its sum are made of."""
        if self.mode == "stored":
            return self.replaced(x, index, -np.inf, axis)
        last, axis = axis in (-1, x.ndim - 1), axis % x.ndim
        if known(x.shape[axis]) < (SHORT if last else FEW):
            return Columns(self, x, index, axis)
        if self.mode == "block":
            return arithmetic.scattered(x, index, -np.inf, axis)
        if not last and known(x.nbytes) > SMALL and arithmetic.countable(x, axis):
            return Unstored(self, x, index, axis)
        return self.replaced(x, index, -np.inf, axis)

    def put(self, x: Array, index: Array, value: Any, axis: int) -> Array:
        """Return ``x`` with ``value`` at ``index``, a 0.0 by arithmetic, where ``x`` must be finite."""
        zero = isinstance(value, float) and value == 0.0
        if self.mode == "block" or not zero or not arithmetic.countable(x, axis):
            return super().replaced(x, index, value, axis)
        return arithmetic.emptied(x, index, axis)

    def added(self, x: Any, index: Any, value: Array, axis: int) -> Array:
        """Return ``x`` with ``value`` added at ``index``."""
        # JAX would count a negative one from the end.
        beyond: Any = jnp.where(index < 0, x.shape[axis], index)
        places = tuple(beyond if i == axis % x.ndim else self.iota(x, i) for i in range(x.ndim))
        return x.at[places].add(value, mode="drop")

    def first_peak(self, x: Array, axis: int) -> Array:
        """Return the index of the first maximum, or of one that is as large but for rounding."""
        if not arithmetic.countable(x, axis):
            return super().first_peak(x, axis)
        return arithmetic.first_peak(x, axis)

    def iota_of(self, x: Array, size: int, ndim: int, axis: int) -> Array:
        """Return 0, 1, … along ``axis``."""
        return arithmetic.iota_of(size, ndim, axis)


class TurnedVerbs(JaxVerbs):
    """Reductions along an axis of few classes, class by class.

    XLA's CPU backend adds the few numbers of a row one after another, and can't do so for several rows at
    once: not even where the rows lie beside each other in memory. What is made here of one number of each
    class is a loop over rows that it makes with vectors.
    """

    def __init__(self, api: Any) -> None:
        super().__init__(api, "block")

    def sum(self, x: Any, *, axis: int | None = None, keepdims: bool = False, **kind: Any) -> Any:
        """Return the sum along ``axis``, of pairs of pairs: it loses the fewest digits."""
        if axis is None or kind:
            return super().sum(x, axis=axis, keepdims=keepdims, **kind)
        total = stored(in_pairs(add, classes(x, axis)))
        return total if keepdims else jnp.squeeze(total, axis)

    def max(self, x: Array, *, axis: int | None = None, keepdims: bool = False) -> Any:
        """Return the maximum along ``axis``."""
        if axis is None:
            return jnp.max(x, keepdims=keepdims)
        most = stored(reduce(jnp.maximum, classes(x, axis)))
        return most if keepdims else jnp.squeeze(most, axis)

    def pick(self, x: Array, index: Array, axis: int) -> Array:
        """Return the entry of ``x`` at ``index``."""
        entry, *others = classes(x, axis)
        for i, other in enumerate(others, 1):
            entry = jnp.where(index == i, other, entry)
        return stored(entry)

    def first_peak(self, x: Array, axis: int) -> Array:
        """Return the index of the first maximum, in one loop: each might round ``x`` otherwise."""
        peak, *others = classes(jax.lax.stop_gradient(x), axis)
        index = jnp.zeros_like(peak)
        for i, other in enumerate(others, 1):
            above = other > peak
            peak, index = jnp.where(above, other, peak), jnp.where(above, i, index)
        return stored(index).astype(arithmetic.integer())
