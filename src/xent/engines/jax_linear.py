"""A linear head in JAX: a scan over chunks of rows, the gradients made with the value.

A chunk's classes are measured and differentiated strip by strip: what is made of a strip of logits is
used while it is in the cache, and never stored for all classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from xent._engine import Engine
from xent._linear import ALL, STRIP, Chunks, Head, clean, of_classes
from xent._plan import Operands, Plan, along, kept, penalty, raw_gradient, ready
from xent._reduce import cotangents, divided_by, reduced
from xent._typing import Array
from xent.engines.jax_derivative import is_zero

if TYPE_CHECKING:
    from xent.engines.jax import Jax


@partial(jax.jit, static_argnums=(0, 1, 2))
def linear_value(engine: Jax, plan: Plan, chunks: Chunks, head: Head, operands: Operands) -> Array:
    """Return the value of a linear loss."""
    operands = _divided(engine, plan, operands, chunks)
    return _head_value(engine, plan, chunks, head, operands)


@partial(jax.jit, static_argnums=(0, 1, 2))
def linear_value_and_gradient(
    engine: Jax, plan: Plan, chunks: Chunks, head: Head, operands: Operands
) -> tuple[Array, Any]:
    """Return the value of a linear loss and its gradients."""
    operands = _divided(engine, plan, operands, chunks)
    value, gradients = _scanned(engine, plan, chunks, head, operands, ALL)
    return _known_value(engine, plan, chunks, head, operands, value), gradients


def _divided(engine: Jax, plan: Plan, operands: Operands, chunks: Chunks) -> Operands:
    """Return operands with the divisor of all rows, and without the features: the head has them."""
    rows = chunks.shape if plan.row_axis is None else chunks.shape[:1]
    nothing: Any = None
    return divided_by(engine.xp, plan, operands, rows)._replace(prediction=nothing)


def _scanned(
    engine: Jax, plan: Plan, chunks: Chunks, head: Head, operands: Operands, wanted: Any
) -> tuple[Array, Any]:
    """Return the value and the gradients that are wanted, None for none, by strips of classes."""
    whole = chunks.classes == chunks.shape[1]
    step = chunks.whole_rows if whole else chunks.strip_rows
    of_rows = _elements if plan.row_axis is None else _rows
    features_too, weight_too, bias_too = wanted or (False, False, False)

    def one(totals: Any, features: Array, some: Operands) -> tuple[Any, Any]:
        # JAX makes what depends on the head alone before the loop: all strips of it, copied.
        features, tied = jax.lax.optimization_barrier((features, head))
        strips = _Strips(engine, tied, features, chunks, whole=whole)
        total, weight, bias = totals
        down = _zeros(features) if features_too else None
        gradients = None if wanted is None else (down, weight, bias)
        value, gradients = of_rows(engine, plan, strips, some, gradients)
        down, weight, bias = gradients or (None, None, None)
        down = None if down is None else down.astype(features.dtype)
        if plan.reduction == "none":
            return (total, weight, bias), (value, down)
        return (total + value, weight, bias), (None, down)

    totals = (
        _zeros(head.features, ()),
        _zeros(head.weight) if weight_too else None,
        _zeros(head.bias) if bias_too and head.bias is not None else None,
    )
    (value, *sums), (values, features) = _over_rows(engine, plan, head, operands, step, one, totals)
    gradients = features, *(None if g is None else g.astype(head.weight.dtype) for g in sums)
    return value if values is None else values, gradients


def _over_rows(
    engine: Jax,
    plan: Plan,
    head: Head,
    operands: Operands,
    step: int,
    one: Callable[[Any, Array, Operands], tuple[Any, Any]],
    totals: Any,
) -> tuple[Any, Any]:
    """Return the totals, and what the rows have for themselves, by a scan and a remainder."""
    per_row = {
        k: v
        for k in ("target", "sample_weight", "where")
        if (v := getattr(operands, k)) is not None
    }
    if operands.pos_weight is not None and operands.pos_weight.ndim == 2:
        per_row["pos_weight"] = operands.pos_weight
    rows = head.features.shape[0]
    whole = rows - rows % step

    def some(totals: Any, part: Any) -> tuple[Any, Any]:
        features, mine = part
        mine = operands._replace(**mine)
        return one(totals, clean(engine.xp, plan, mine, features), mine)

    everything = head.features, per_row
    cut = jax.tree.map(lambda x: x[:whole].reshape(-1, step, *x.shape[1:]), everything)
    totals, made = jax.lax.scan(some, totals, cut)
    made = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), made)
    if whole < rows:
        totals, rest = some(totals, jax.tree.map(lambda x: x[whole:], everything))
        made = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), made, rest)
    return totals, made


class _Strips:
    """The logits of some rows, cut into strips of classes that stay in the cache.

    The rows are stored whole where they fit; else each strip is made again whenever it is needed.
    """

    def __init__(
        self, engine: Jax, head: Head, features: Array, chunks: Chunks, *, whole: bool
    ) -> None:
        self.engine, self.head, self.features = engine, head, features
        self.size, self.classes = min(STRIP, chunks.classes), chunks.shape[1]
        self.logits = engine.product(features, head.weight, head.bias) if whole else None

    def over(self, body: Callable[[Cut, Any], Any], carry: Any) -> Any:
        """Return what ``body(cut, carry)`` makes of the carry, strip by strip; from None at first."""
        size = self.size
        whole = (self.classes - 1) // size
        last = Cut(whole * size, self.classes - whole * size)
        if whole == 0:
            return body(last, carry)
        started = carry is not None
        carry = carry if started else body(last, carry)
        carry = jax.lax.fori_loop(0, whole, lambda i, c: body(Cut(i * size, size), c), carry)
        return body(last, carry) if started else carry  # first, XLA would copy what it writes over

    def operands(self, plan: Plan, operands: Operands, cut: Cut) -> Operands:
        """Return the operands of a strip, its logits among them."""
        return of_classes(plan, operands, self._made(cut), cut)

    def _made(self, cut: Cut) -> Any:
        if self.logits is not None:
            return cut(self.logits)
        bias = None if self.head.bias is None else cut(self.head.bias)
        return self.engine.product(self.features, cut(self.head.weight, 0), bias)

    def added(self, gradients: Any, g: Any, cut: Cut) -> Any:
        """Return the gradients of features, weight and bias with a strip's share."""
        down, weight, bias = gradients
        g = g.astype(self.features.dtype)
        if down is not None:
            down = down + self.engine.product(g, cut(self.head.weight, 0), transposed=False)
        if weight is not None:
            # XLA's product of a transposed array takes longer than one of a transposed copy.
            rows = self.engine.xp.settled(g.T)
            more = self.engine.product(rows, self.features, transposed=False)
            weight = cut.put(weight, cut(weight, 0) + more, 0)
        if bias is not None:
            bias = cut.put(bias, cut(bias) + jnp.sum(g, axis=0, dtype=bias.dtype))
        return down, weight, bias


@dataclass(frozen=True)
class Cut:
    """Some classes: ``count`` from ``first``, which may be traced."""

    first: Any
    count: int

    def __call__(self, x: Any, axis: int = -1) -> Any:
        """Return these classes of ``x``."""
        return _strip(x, self.first, self.count, axis)

    def put(self, x: Any, strip: Any, axis: int = -1) -> Any:
        """Return ``x`` with ``strip`` there; XLA writes over an ``x`` that is carried by a loop."""
        return jax.lax.dynamic_update_slice_in_dim(x, strip, self.first, axis)


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _strip(x: Any, first: Any, count: int, axis: int) -> Any:
    """Slice; half precision as bits, because XLA's CPU backend makes a float32 copy of it first."""
    bits = x if x.dtype.itemsize != 2 else jax.lax.bitcast_convert_type(x, jnp.uint16)
    strip = jax.lax.dynamic_slice_in_dim(bits, first, count, axis)
    return strip if bits is x else jax.lax.bitcast_convert_type(strip, x.dtype)


@_strip.defjvp
def _strip_derivative(count: int, axis: int, primals: Any, tangents: Any) -> tuple[Any, Any]:
    slope = jax.lax.dynamic_slice_in_dim(tangents[0], primals[1], count, axis)
    return _strip(*primals, count, axis), slope


def _rows(
    engine: Jax, plan: Plan, strips: _Strips, operands: Operands, gradients: Any
) -> tuple[Array, Any]:
    """Return the value of some rows, and the gradients with what these add.

    The strips are measured one after another and merged, and their gradients made in a second round.
    """
    xp, rows = engine.xp, operands._replace(prediction=strips.features)
    keep = kept(plan, operands)
    plans = [(plan, operands, keep)]
    if plan.penalty is not None:
        plans.append((*penalty(plan, rows), keep))

    def made(cut: Cut) -> Any:
        return [
            (p, *ready(xp, p, strips.operands(p, o, cut), keep, cut.first)) for p, o, keep in plans
        ]

    def merged(cut: Cut, statistics: Any) -> Any:
        more = [p.kernel.measure(xp, z, t, 1) for p, z, t in made(cut)]
        if statistics is None:
            return more
        return [
            p.kernel.merge(xp, a, b) for (p, *_), a, b in zip(plans, statistics, more, strict=True)
        ]

    statistics = strips.over(merged, None)
    values = [
        xp.squeeze(p.kernel.value(xp, s), axis=1)
        for (p, *_), s in zip(plans, statistics, strict=True)
    ]
    value = reduced(xp, plan, rows, *values)
    if gradients is None:
        return value, None
    shares: Any = cotangents(xp, plan, rows, xp.ones_like(values[0]))

    def added(cut: Cut, gradients: Any) -> Any:
        parts = [
            raw_gradient(xp, p, z, p.kernel.gradient(xp, z, t, s, along(w, 1), 1))
            for (p, z, t), s, w in zip(made(cut), statistics, shares, strict=False)
        ]
        return strips.added(gradients, sum(parts[1:], parts[0]), cut)

    return value, strips.over(added, gradients)


def _elements(
    engine: Jax, plan: Plan, strips: _Strips, operands: Operands, gradients: Any
) -> tuple[Array, Any]:
    """Return the same of a loss of which each element is a row."""

    def added(cut: Cut, carry: Any) -> Any:
        value, gradients = carry
        some = strips.operands(plan, operands, cut)
        if gradients is None:
            more = Engine.value(engine, plan, some)
        else:
            more, g = Engine.value_and_gradient(engine, plan, some)
            gradients = strips.added(gradients, g, cut)
        value = cut.put(value, more) if plan.reduction == "none" else value + more
        return value, gradients

    shape = (strips.features.shape[0], strips.classes) if plan.reduction == "none" else ()
    both: tuple[Array, Any] = strips.over(added, (_zeros(strips.features, shape), gradients))
    return both


def _zeros(like: Any, shape: Any = None) -> Any:
    return jnp.zeros(
        like.shape if shape is None else shape, jnp.promote_types(like.dtype, jnp.float32)
    )


def _differentiable(
    engine: Jax, plan: Plan, chunks: Chunks, head: Head, operands: Operands
) -> Array:
    """Return the value, made of whole rows and differentiated by JAX, a chunk's logits made again."""

    def one(total: Any, features: Array, some: Operands) -> tuple[Any, Any]:
        logits = engine.product(features, head.weight, head.bias)
        value = Engine.value(engine, plan, some._replace(prediction=logits))
        return (total, value) if plan.reduction == "none" else (total + value, None)

    totals = _zeros(head.features, ())
    value, values = _over_rows(
        engine, plan, head, operands, chunks.whole_rows, jax.checkpoint(one), totals
    )
    both: Array = value if values is None else values
    return both


def _plain_head_value(
    engine: Jax, plan: Plan, chunks: Chunks, head: Head, operands: Operands
) -> Array:
    return _scanned(engine, plan, chunks, head, operands, None)[0]


_head_value = jax.custom_jvp(_plain_head_value, nondiff_argnums=(0, 1, 2))


def _head_derivative(
    engine: Jax, plan: Plan, chunks: Chunks, primals: Any, tangents: Any
) -> tuple[Array, Array]:
    """Return the value with its derivative: the gradients, made with it, times the tangents."""
    (head, operands), (d_head, d_operands) = primals, tangents
    moving = jax.tree.leaves(d_operands, is_leaf=is_zero)
    if plan.reduction == "none" or any(not is_zero(d) for d in moving):
        plain = partial(_differentiable, engine, plan, chunks)
        given = jax.tree.map(_filled, (d_head, d_operands), is_leaf=is_zero)
        value, d_value = jax.jvp(plain, primals, given)
        return _known_value(engine, plan, chunks, head, operands, value), d_value
    wanted = tuple(d is not None and not is_zero(d) for d in d_head)
    value, gradients = _scanned(engine, plan, chunks, head, operands, wanted)
    parts = [
        jnp.sum(_wide(g) * _wide(d))
        for g, d, want in zip(gradients, d_head, wanted, strict=True)
        if want
    ]
    value = _known_value(engine, plan, chunks, head, operands, value)
    return value, sum(parts, jnp.zeros_like(value)).astype(value.dtype)


_head_value.defjvp(_head_derivative, symbolic_zeros=True)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _known_value(
    engine: Jax, plan: Plan, chunks: Chunks, head: Head, operands: Operands, value: Array
) -> Array:
    """Return ``value``, with the derivative that it has as `_head_value` of head and operands.

    Its own is lost where JAX evaluates a scan in part: that drops the derivatives given in it.
    """
    return value


def _known_value_derivative(
    engine: Jax, plan: Plan, chunks: Chunks, primals: Any, tangents: Any
) -> tuple[Array, Array]:
    _, d_value = _head_derivative(engine, plan, chunks, primals[:2], tangents[:2])
    return _known_value(engine, plan, chunks, *primals), d_value


_known_value.defjvp(_known_value_derivative, symbolic_zeros=True)


def _wide(x: Any) -> Any:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _filled(d: Any) -> Any:
    """Return a tangent as `jax.jvp` takes it, zeros of float0 for integers."""
    return ad.instantiate_zeros(d) if not is_zero(d) else np.zeros(d.shape, d.dtype)
