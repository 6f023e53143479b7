"""A linear head in JAX: a scan over chunks of rows, the gradients made with the value.

A chunk's classes are measured and differentiated strip by strip: what is made of a strip of logits is
used while it is in the cache, and never stored for all classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import compress
from typing import Any

import jax
import jax.numpy as jnp

from xent._beside import values_of
from xent._engine import Engine, value_of
from xent._linear import ALL, Chunks, Gradients, Head, Made, Sums
from xent._plan import Operands, Plan
from xent._rows import divided_by
from xent._typing import Array
from xent.engines.head_loop import run, with_logits
from xent.engines.jax.derivative import is_zero, known_by
from xent.engines.jax.heads import by_parts
from xent.engines.jax.loops import Traced, ample, over_rows, product, wide, zeros
from xent.engines.jax.lying import lying_as
from xent.engines.jax.parts import apart, of_one_device
from xent.engines.jax.sizes import alike


@partial(jax.jit, static_argnums=(0, 1, 2))
def value(engine: Engine, plan: Plan, chunks: Chunks, head: Head, operands: Operands) -> Array:
    """Return the value of a linear loss, for JAX to differentiate: its gradients lie as the head does."""
    plan, head, operands = _divided(engine, plan, chunks, _lying(head, head), operands)
    return _head_value(engine, plan, chunks, head, operands)


@partial(jax.jit, static_argnums=(0, 1, 2))
def value_and_gradients(
    engine: Engine, plan: Plan, chunks: Chunks, head: Head, operands: Operands
) -> tuple[Array, Gradients]:
    """Return the value of a linear loss and its gradients."""
    plan, head, operands = _divided(engine, plan, chunks, head, operands)
    value, gradients = _scanned(engine, plan, chunks, head, operands, ALL)
    return _known_value(engine, plan, chunks, head, operands, value), gradients


def _divided(
    engine: Engine, plan: Plan, chunks: Chunks, head: Head, operands: Operands
) -> tuple[Plan, Head, Operands]:
    """Return plan, head and operands with the divisor of all rows; the head alone has the features."""
    rows = chunks.shape if plan.row_axis is None else chunks.shape[:1]
    plan, operands = divided_by(engine.xp, plan, operands, rows)
    if not isinstance(rows[0], int) and operands.where is None:  # which are padded
        operands = operands._replace(where=jnp.ones(rows, bool))
    nothing: Any = None
    return plan, *alike((head, operands._replace(prediction=nothing)))


def _scanned(
    engine: Engine, plan: Plan, chunks: Chunks, head: Head, operands: Operands, wanted: Any
) -> tuple[Array, Any]:
    scan = _in_parts if apart() and isinstance(chunks.shape[0], int) else _loop
    value, gradients = scan(engine, plan, wanted, chunks, head, operands)
    return value, None if gradients is None else _lying(head, gradients)


def _lying(head: Head, given: Any) -> Any:
    """Return the arrays of a head, or its gradients, each of which lies as that of the head does."""
    every = zip(head, given, strict=True)
    return type(given)(*(None if g is None else lying_as(x, g) for x, g in every))


def _loop(
    engine: Engine,
    plan: Plan,
    wanted: Any,
    chunks: Chunks,
    head: Head,
    operands: Operands,
    first: Any = 0,
    axes: tuple[str, ...] = (),
) -> tuple[Array, Any]:
    def cut(chunks: Chunks, head: Head, operands: Operands) -> tuple[Array, Any]:
        twice = plan.kernel.before is not None
        loops = Traced(engine, head, chunks, first, axes, twice=twice)
        return run(loops, plan, head, operands, wanted)

    return _by_platform(cut, chunks, head, operands)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2, 3))
def _in_parts(
    engine: Engine, plan: Plan, wanted: Any, chunks: Chunks, head: Head, operands: Operands
) -> tuple[Array, Any]:
    loop = partial(_loop, engine, plan, wanted)
    return by_parts(loop, plan, chunks, head, operands, wanted)


@_in_parts.defjvp
def _derivative_of_parts(
    engine: Engine, plan: Plan, wanted: Any, chunks: Chunks, primals: Any, tangents: Any
) -> tuple[Any, Any]:
    plain = partial(of_one_device, _loop, engine, plan, wanted, chunks)
    made = _in_parts(engine, plan, wanted, chunks, *primals)
    return made, jax.jvp(plain, primals, tangents)[1]


def _by_platform(cut: Callable[..., Any], chunks: Chunks, head: Head, operands: Operands) -> Any:
    """Return what ``cut`` makes of chunks that fit the caches of a CPU, or those of an accelerator."""
    here, there = (partial(cut, chunks) for chunks in (chunks, ample(chunks)))
    return jax.lax.platform_dependent(head, operands, cpu=here, default=there)


def _differentiable(
    across: bool, engine: Engine, plan: Plan, chunks: Chunks, head: Head, operands: Operands
) -> Any:
    """Return the value, made of whole rows and differentiated by JAX, a chunk's logits made again."""
    each = plan.reduction == "none"
    if plan.mutual:
        plan, other = replace(plan, mutual=False), Head(head.weight, head.features, head.bias)
        both = partial(_differentiable, across, engine, plan, chunks)
        # What is added to a class is −inf where its row is taken out, or nothing: of both directions.
        return both(head, operands) + both(other, operands)

    def one(sums: Sums, features: Array, some: Operands) -> tuple[Sums, Made]:
        _, some = with_logits(engine.xp, plan, some, product, head._replace(features=features))
        value = values_of(partial(value_of, engine), plan, some)
        value, beside = value if plan.beside else (value, ())
        if each:
            return sums, Made(value, None, beside)
        return sums._replace(value=sums.value + value), Made(None, None, beside)

    def cut(chunks: Chunks, head: Head, operands: Operands) -> Any:
        sums, step = Sums(zeros(head.features, ()), None, None), chunks.whole_rows
        loop = partial(over_rows, across=across)
        sums, made = loop(jax.checkpoint(one), sums, head.features, operands, step)
        value = made.value if each else sums.value
        return (value, made.beside) if plan.beside else value

    return _by_platform(cut, chunks, head, operands)


def _plain_head_value(
    engine: Engine, plan: Plan, chunks: Chunks, head: Head, operands: Operands
) -> Array:
    return _scanned(engine, plan, chunks, head, operands, None)[0]


_head_value = jax.custom_jvp(_plain_head_value, nondiff_argnums=(0, 1, 2))


def _head_derivative(
    engine: Engine, plan: Plan, chunks: Chunks, primals: Any, tangents: Any
) -> tuple[Any, Any]:
    """Return the value with its derivative: the gradients, made with it, times the tangents."""
    (head, operands), (d_head, d_operands) = primals, tangents
    moving = jax.tree.leaves(d_operands, is_leaf=is_zero)
    if plan.reduction == "none" or any(not is_zero(d) for d in moving):
        plain = partial(of_one_device, _differentiable, apart(), engine, plan, chunks)
        value, d_value = _moved(plain, primals, tangents)
        return _known_value(engine, plan, chunks, head, operands, value), d_value
    wanted = tuple(d is not None and not is_zero(d) for d in d_head)
    value, gradients = _scanned(engine, plan, chunks, head, operands, wanted)
    parts = [
        jnp.sum(wide(g) * wide(d))
        for g, d, want in zip(gradients, d_head, wanted, strict=True)
        if want
    ]
    value = _known_value(engine, plan, chunks, head, operands, value)
    zeros = jax.tree.map(jnp.zeros_like, value)
    loss, beside = zeros if plan.beside else (zeros, ())
    slope = sum(parts, loss).astype(loss.dtype)
    return value, (slope, beside) if plan.beside else slope


_head_value.defjvp(_head_derivative, symbolic_zeros=True)


_known_value = known_by(_head_derivative, 3)
"""Of the arguments of `_head_value` and a value that was made of them, this.

The value's own derivative is lost where JAX evaluates a scan in part: that drops those given in it.
"""


def _moved(function: Callable[..., Array], primals: Any, tangents: Any) -> tuple[Array, Array]:
    """Return a function's value, and its derivative along the tangents of what moves."""
    given, tree = jax.tree.flatten(primals)
    slopes = jax.tree.leaves(tangents, is_leaf=is_zero)
    moving = [not is_zero(d) for d in slopes]

    def of_moving(*some: Any) -> Array:
        rest = iter(some)
        every = [next(rest) if moves else x for moves, x in zip(moving, given, strict=True)]
        return function(*jax.tree.unflatten(tree, every))

    x, d = (tuple(compress(part, moving)) for part in (given, slopes))
    value, slope = jax.jvp(of_moving, x, d)
    return value, slope
