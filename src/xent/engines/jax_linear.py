"""A linear head in JAX: a scan over chunks of rows, the gradients made with the value."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from xent._engine import Engine
from xent._linear import ALL, STRIP, Chunks, Head, clean
from xent._plan import Operands, Plan
from xent._reduce import divided_by
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
    """Return the value and the gradients that are wanted, by a scan and a remainder."""
    per_row = {
        k: v
        for k in ("target", "sample_weight", "where")
        if (v := getattr(operands, k)) is not None
    }
    if operands.pos_weight is not None and operands.pos_weight.ndim == 2:
        per_row["pos_weight"] = operands.pos_weight
    rows, step = chunks.shape[0], chunks.whole_rows
    whole = rows - rows % step

    def one(totals: Any, part: Any) -> tuple[Any, Any]:
        features, mine = part
        some = operands._replace(**mine)
        features = clean(engine.xp, plan, some, features)
        logits = engine.product(features, head.weight, head.bias)
        some = some._replace(prediction=logits)
        if wanted is None:
            value, g = Engine.value(engine, plan, some), None
        else:
            value, g = Engine.value_and_gradient(engine, plan, some)
        return _added(engine, plan, head, totals, features, value, g, wanted)

    if wanted is None:  # differentiated by JAX itself, a chunk's logits made again
        one = jax.checkpoint(one)
    dtype = jnp.promote_types(head.features.dtype, jnp.float32)
    totals = (
        jnp.zeros((), dtype),
        None if not (wanted and wanted[1]) else jnp.zeros(head.weight.shape, dtype),
        None
        if not (wanted and wanted[2]) or head.bias is None
        else jnp.zeros(head.bias.shape, dtype),
    )
    everything = head.features, per_row
    cut = jax.tree.map(lambda x: x[:whole].reshape(-1, step, *x.shape[1:]), everything)
    totals, made = jax.lax.scan(one, totals, cut)
    made = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), made)
    if whole < rows:
        totals, rest = one(totals, jax.tree.map(lambda x: x[whole:], everything))
        made = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), made, rest)
    value, weight, bias = totals
    values, features = made
    given = head.weight.dtype
    gradients = features, *(None if g is None else g.astype(given) for g in (weight, bias))
    return value if values is None else values, gradients


def _added(
    engine: Jax,
    plan: Plan,
    head: Head,
    totals: Any,
    features: Any,
    value: Any,
    g: Any,
    wanted: Any,
) -> tuple[Any, Any]:
    """Return the totals with what a chunk contributes, and what it has for itself."""
    total, weight, bias = totals
    values = value if plan.reduction == "none" else None
    total = total if plan.reduction == "none" else total + value
    if g is None:
        return (total, weight, bias), (values, None)
    g = g.astype(features.dtype)
    if weight is not None:
        weight = _accumulated(engine, weight, g, features)
    if bias is not None:
        bias = bias + jnp.sum(g, axis=0, dtype=bias.dtype)
    down = None
    if wanted[0]:
        down = engine.product(g, head.weight, transposed=False).astype(features.dtype)  # type: ignore[attr-defined]  # of JAX, no method of the standard
    return (total, weight, bias), (values, down)


def _accumulated(engine: Jax, total: Any, g: Any, features: Any) -> Any:
    """Return ``total + g.T @ features``, strip by strip: XLA then writes over ``total``."""

    def add(start: Any, size: int, total: Any) -> Any:
        strip = jax.lax.dynamic_slice_in_dim(g, start, size, axis=1)
        old = jax.lax.dynamic_slice_in_dim(total, start, size)
        new = old + engine.product(strip.T, features, transposed=False)
        return jax.lax.dynamic_update_slice_in_dim(total, new, start, 0)

    classes = total.shape[0]
    if classes <= STRIP:
        return total + engine.product(g.T, features, transposed=False)
    whole = classes - classes % STRIP
    total = jax.lax.fori_loop(
        0, classes // STRIP, lambda i, total: add(i * STRIP, STRIP, total), total
    )
    return total if whole == classes else add(whole, classes - whole, total)


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
        plain = partial(_plain_head_value, engine, plan, chunks)
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
