"""JAX: everything under one jit, in verbs that XLA makes fast."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xent import _dispatch, _dtype
from xent._engine import Engine, rows_and_gradient_of
from xent._linear import Chunks, Gradients, Head
from xent._namespace import Namespace
from xent._plan import LOG, QUOTIENT, Operands, Plan, kept, ready, widened
from xent._typing import Array
from xent.engines import jax_linear
from xent.engines.jax_derivative import known_rows, rows_of, times

# XLA's CPU backend makes a reduction and the arithmetic before it in one pass, tile by tile. A
# `select` is no part of that: what it makes is stored, which takes longer where it is no longer in
# the cache, or must be paged in anew. So the verbs that stand inside a sum or a maximum are
# arithmetic here; but each operation costs such a pass some nanoseconds for each row, so where
# the array is small, or is stored for a gradient, a `select` is faster (`JaxStored`).
#
# Its exp loses up to 519 ULP (float64; 106 in float32) just above where it underflows. exp(d / 2)²
# would not, but costs every other exponential a ULP.


_LONG, _PARTS = 4096, 64
"""From how many numbers on a sum is made of parts, and of how many."""

_SMALL = 1 << 24
"""Bytes of an array up to which it is stored at little cost: memory of that size is kept and reused."""


def _countable(x: Any, axis: int) -> bool:
    """Whether the positions along ``axis`` are exact in the dtype of ``x``."""
    return bool(3 * x.shape[axis] <= 1 / jnp.finfo(x.dtype).eps)


def _bounded(peak: Any) -> Any:
    """Return a peak that a logit of the same infinity is beyond, and any other is far below."""
    large = jnp.finfo(peak.dtype).max
    return jnp.clip(peak, -large, large)


@jax.custom_jvp
def _at_most(d: Any, most: Any) -> Any:
    return jnp.minimum(d, most)


_at_most.defjvp(lambda primals, tangents: (_at_most(*primals), tangents[0]))


class JaxNamespace(Namespace):
    """JAX's namespace; the default dtypes follow ``jax_enable_x64``, which may change."""

    def __init__(self, api: Any) -> None:
        self.api = api

    @cached_property
    def block(self) -> JaxBlock:
        """The verbs for a block of rows."""
        return JaxBlock(self.api)

    @cached_property
    def stored(self) -> JaxStored:
        """The verbs where a gradient is made too."""
        return JaxStored(self.api)

    @property
    def integer(self) -> Any:
        """The widest integer dtype."""
        return jax.dtypes.canonicalize_dtype(np.int64)

    @property
    def floating(self) -> Any:
        """The default floating dtype."""
        return jax.dtypes.canonicalize_dtype(np.float64)

    def constant(self, x: Array) -> Array:
        """Return ``x`` without a derivative."""
        constant: Array = jax.lax.stop_gradient(x)
        return constant

    def settled(self, x: Array) -> Array:
        """Return ``x`` behind a barrier: XLA would compute it again in each loop, and round otherwise."""
        settled: Array = jax.lax.optimization_barrier(x)
        return settled

    def sum(self, x: Any, *, axis: int | None = None, keepdims: bool = False, **kind: Any) -> Any:
        """Return the sum along ``axis``, of one long row in parts.

        XLA adds a row that is alone number by number: 100 000 of them lose 37 ULP.
        """
        if axis is None or not x.size == x.shape[axis] > _LONG:
            return jnp.sum(x, axis=axis, keepdims=keepdims, **kind)
        whole, row = x.size - x.size % _PARTS, jnp.reshape(x, (-1,))
        parts = jnp.sum(jnp.reshape(row[:whole], (_PARTS, -1)), axis=1, **kind)
        total = jnp.sum(self.settled(parts), **kind) + jnp.sum(row[whole:], **kind)
        return jnp.reshape(total, (1,) * (x.ndim if keepdims else x.ndim - 1))

    def log(self, x: Array) -> Array:
        """Return log ``x``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        logarithm: Array = rows_of(self, LOG, x, None)
        return logarithm

    def divide(self, a: Array, b: Array) -> Array:
        """Return ``a / b``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        p, q = jnp.broadcast_arrays(a, b)
        quotient: Array = rows_of(self, QUOTIENT, q, p)
        return quotient

    def silent(self, a: Array, b: Array) -> Array:
        """Return ``a · b``, whose derivative does not make NaN of 0 · ∞ (R4)."""
        return times(a, b)

    def put(self, x: Array, index: Array, value: Any, axis: int) -> Array:
        """Return ``x`` with ``value`` at ``index``, a 0 by arithmetic."""
        if not isinstance(value, float) or value != 0 or not _countable(x, axis):
            return super().put(x, index, value, axis)
        away: Any = jnp.abs(self._positions(x, axis) - index.astype(x.dtype))  # type: ignore[attr-defined]  # of JAX, no method of the standard
        return x * jnp.minimum(away, 1)

    def rest(self, x: Array, peak: Array, index: Array, axis: int) -> Array:
        """Return the sum beside the label, of a small array as where a gradient is made too."""
        if x.nbytes <= _SMALL:  # type: ignore[attr-defined]  # of JAX, no part of the standard
            return self.stored.rest(x, peak, index, axis)
        return super().rest(x, peak, index, axis)

    def first_peak(self, x: Array, axis: int) -> Array:
        """Return the index of the first maximum, or of one that is as large but for rounding.

        XLA may compute ``x`` anew in each loop, and contract it otherwise: no two are sure to agree.
        So the first within 4 ULP of the peak is taken, or within 64 where there is none.
        """
        if not _countable(x, axis):
            return super().first_peak(x, axis)
        peak, size = _bounded(jnp.max(x, axis=axis, keepdims=True)), x.shape[axis]
        ulp = jnp.maximum(jnp.finfo(x.dtype).eps * jnp.abs(peak), jnp.finfo(x.dtype).tiny)
        tier: Any = sum(jnp.clip(jnp.floor((peak - x) / (n * ulp)), 0, 1) for n in (4, 64))
        place = jnp.min(self._positions(x, axis) + tier * size, axis=axis, keepdims=True)
        index: Any = jnp.nan_to_num(place).astype(self.integer) % size
        return jax.lax.stop_gradient(index)

    def at_most(self, d: Array, most: Array) -> Array:
        """Return the smaller one; what is cut is infinite, and its tangent drops out of all results."""
        smaller: Array = _at_most(d, most)
        return smaller

    def _positions(self, x: Array, axis: int) -> Any:
        return self.iota(x, axis).astype(x.dtype)  # type: ignore[attr-defined]  # of JAX, no method of the standard

    def iota_of(self, x: Array, size: int, ndim: int, axis: int) -> Array:
        """Return 0, 1, … along ``axis``."""
        shape = [1] * ndim
        shape[axis] = size
        iota: Array = jax.lax.broadcasted_iota(self.integer, shape, axis % ndim)
        return iota


class JaxStored(JaxNamespace):
    """The verbs where the exponentials of an array are stored: one array for sum and gradient.

    The label is put out of them before they are made, so that the sum is of them as they are.
    """

    def beside(self, x: Array, peak: Array, index: Array, axis: int) -> Array:
        """Return exp(x − peak), 0 at ``index``."""
        d = Namespace.put(self, self.shifted(x, peak), index, -self.api.inf, axis)
        e: Array = self.api.exp(d)
        return e

    def rest(self, x: Array, peak: Array, index: Array, axis: int) -> Array:
        """Return the sum of what is `beside`."""
        total: Array = self.sum(self.beside(x, peak, index, axis), axis=axis, keepdims=True)
        return total


class JaxBlock(JaxStored):
    """The verbs for a block of rows that stays in the cache: what a sum is of is stored there."""

    def sum(self, x: Array, **how: Any) -> Array:
        """Return the sum; apart from what makes ``x``, which may then `select`."""
        total: Array = self.api.sum(self.settled(x), **how)
        return total

    def put(self, x: Array, index: Array, value: Any, axis: int) -> Array:
        """Return ``x`` with ``value`` at ``index``, by a `select`."""
        return Namespace.put(self, x, index, value, axis)


class Jax(Engine):
    """Runs plans jitted, one compilation for each shape, dtype and options."""

    namespace = JaxNamespace

    def device(self, x: Array) -> Any:
        """Return the devices of ``x``, None for a tracer."""
        return None if self.traced(x) else frozenset(x.devices())  # type: ignore[attr-defined]  # of JAX, no method of the standard

    def apart(self, a: Any, b: Any) -> bool:
        """Whether two sets of devices have none in common."""
        return a.isdisjoint(b)

    def asarray(self, x: Any, dtype: Any, device: Any) -> Array:
        """Return an array where JAX would put it beside arrays that lie on ``device``."""
        one = next(iter(device)) if device is not None and len(device) == 1 else None
        array: Array = jnp.asarray(x, dtype=dtype, device=one)
        return array

    def traced(self, x: Array) -> bool:
        """Whether ``x`` is a tracer."""
        return isinstance(x, jax.core.Tracer)

    def readable(self, x: Array) -> bool:
        """Whether ``x`` lies in host memory, in one piece."""
        devices = self.device(x) or ()
        return [d.platform for d in devices] == ["cpu"]

    def look(self, operands: Operands) -> tuple[Engine, Operands]:
        """Return the operands as NumPy arrays: without a copy on the CPU."""
        seen: list[Any] = [None if x is None else np.asarray(x) for x in operands]
        return _dispatch.engine_of("prediction", seen[0]), Operands(*seen)

    def call(self, function: Callable[..., Array], *args: Any) -> Array:
        """Return ``function(xp, *args)`` of one array and static arguments, jitted."""
        array: Array = _call(self, function, args[0], args[1:])
        return array

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call."""
        value: Array = _value(self, plan, operands)
        return value

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and its gradient with respect to the prediction."""
        both: tuple[Array, Array] = _value_and_gradient(self, plan, operands)
        return both

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row, with the kernel's gradient as its derivative."""
        prediction, target = ready(self.xp, plan, operands, kept(plan, operands))
        rows: Array = rows_of(self.xp, plan, prediction, target)
        return rows

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return rows and gradient, the rows with their own derivative, measured once."""
        rows, g = rows_and_gradient_of(self.xp.stored, plan, operands, w)
        prediction, target = ready(self.xp, plan, operands, kept(plan, operands))
        return known_rows(self.xp, plan, prediction, target, rows), g

    def product(
        self, a: Any, b: Any, bias: Any = None, *, transposed: bool = True, out: Any = None
    ) -> Array:
        """Return the product, the sums of half precision in float32 and not rounded."""
        wide = jnp.promote_types(a.dtype, jnp.float32)
        # No transposed operand, of which XLA would keep a copy.
        contracted = (((1,), (1 if transposed else 0,)), ((), ()))
        logits: Any = jax.lax.dot_general(a, b, contracted, preferred_element_type=wide)
        return logits if bias is None else logits + bias

    def logit_size(self, features: Any) -> int:
        """Return the bytes of a logit: half precision is in float32 already."""
        return max(4, _dtype.size(features))

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss."""
        value: Array = jax_linear.linear_value(self, plan, chunks, head, operands)
        return value

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients."""
        value, gradients = jax_linear.linear_value_and_gradient(self, plan, chunks, head, operands)
        return value, Gradients(*gradients)


ENGINE = Jax


@partial(jax.jit, static_argnums=(0, 1, 3))
def _call(engine: Jax, function: Callable[..., Array], x: Array, args: tuple[Any, ...]) -> Array:
    return function(engine.xp, x, *args)


@partial(jax.jit, static_argnums=(0, 1))
def _value(engine: Jax, plan: Plan, operands: Operands) -> Array:
    return Engine.value(engine, plan, widened(engine.xp, operands))


@partial(jax.jit, static_argnums=(0, 1))
def _value_and_gradient(engine: Jax, plan: Plan, operands: Operands) -> tuple[Array, Array]:
    return Engine.value_and_gradient(engine, plan, operands)
