"""The kernels' gradients as the derivatives of their values, in every mode and order of JAX."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from xent import _math as m
from xent._namespace import Namespace
from xent._plan import Plan, along
from xent._typing import Array

BLOCK = 1 << 21
"""Bytes of a prediction that are measured at a time on a CPU, so that what is made of them stays in its
cache.
"""


LONG = 1 << 15
"""Classes of a row beyond which XLA's CPU backend sums a whole array one number after another."""


def measured(xp: Any, plan: Plan, prediction: Any, target: Any) -> Any:
    """Return the statistics of what is ready, on a CPU of a block of rows at a time.

    XLA's CPU backend stores arrays of the prediction's size for what is summed, or makes it within
    the sum, more slowly still. Of a block they are stored in the cache. What has one exponential for
    each class or none, it sums well where rows are not `LONG`, and on all cores.
    """

    def whole(prediction: Array, target: Any) -> Any:
        return plan.kernel.measure(xp, prediction, target, plan.axis)

    if prediction.size == 0 or prediction.ndim == 0:
        return whole(prediction, target)
    axis = None if plan.axis is None else 1
    rows = prediction.size // prediction.shape[-1] if axis else prediction.size
    step = _even(rows, prediction.nbytes)
    element = plan.kernel.shape == "element" and plan.reduction != "none"
    last = plan.kernel.shape == "row" and plan.axis == prediction.ndim - 1
    simple = plan.kind == "labels" or plan.kernel.plain
    cut = element or (last and (not simple or prediction.shape[-1] > LONG))
    if step in (None, rows) or not cut:
        return whole(prediction, target)

    numbers, arrays = _apart(target)

    def blocks(prediction: Any, arrays: Any) -> Any:
        given = jax.tree.map(
            lambda x: x.reshape(-1, step, x.shape[-1] if axis else 1), (prediction, arrays)
        )

        def measure(block: Any) -> Any:
            return plan.kernel.measure(xp.block, block[0], _joined(numbers, block[1]), axis)

        made = jax.lax.map(measure, given)
        return jax.tree.map(lambda x: x.reshape(*prediction.shape[:-1], -1), made)

    def unblocked(prediction: Any, arrays: Any) -> Any:
        return whole(prediction, _joined(numbers, arrays))

    return jax.lax.platform_dependent(prediction, arrays, cpu=blocks, default=unblocked)


def _apart(target: Any) -> tuple[Any, Any]:
    """Return a target's numbers and its arrays, each None where the other is."""
    return (
        jax.tree.map(lambda x: x if jnp.ndim(x) == 0 else None, target),
        jax.tree.map(lambda x: x if jnp.ndim(x) else None, target),
    )


def _joined(numbers: Any, arrays: Any) -> Any:
    """Return the target that was taken apart."""
    return jax.tree.map(
        lambda a, b: b if a is None else a, numbers, arrays, is_leaf=lambda x: x is None
    )


def _even(rows: int, size: int) -> int | None:
    """Return how many of ``rows`` of ``size`` bytes are a block, None where they are not cut.

    None are left over: a loop over the others would be given a copy of them.
    """
    most = min(rows, max(1, rows * BLOCK // size))
    return next((n for n in range(most, most // 8, -1) if rows % n == 0), None)


def evaluated(xp: Namespace, plan: Plan, prediction: Array, target: Any) -> Array:
    """Return the rows of what is ready; `rows_of` is the same with a derivative."""
    return _rows(xp, plan, measured(xp, plan, prediction, target))


def _rows(xp: Namespace, plan: Plan, statistics: Any) -> Array:
    """Return the value of statistics, made of them without their class axis.

    XLA's CPU backend would go along that axis, of size 1, where the rows are summed: one number after
    another, in ten times the time.
    """
    if plan.row_axis is not None:
        statistics = jax.tree.map(
            lambda x: xp.squeeze(x, axis=plan.row_axis) if jnp.ndim(x) else x, statistics
        )
    rows: Array = plan.kernel.value(xp, statistics)
    return rows


rows_of = jax.custom_jvp(evaluated, nondiff_argnums=(0, 1))


def _derivative(xp: Any, plan: Plan, primals: Any, tangents: Any) -> tuple[Array, Array]:
    """Return the rows, and their derivative along the tangents: Σ gradient · tangent."""
    (prediction, target), (d_prediction, d_target) = primals, tangents
    kernel, axis = plan.kernel, plan.axis
    moves = not is_zero(d_prediction)
    made = xp.stored if moves else xp
    statistics = measured(made, plan, prediction, target)
    rows = known_rows(xp, plan, prediction, target, _rows(xp, plan, statistics))
    one = along(xp.ones_like(rows), plan.row_axis)
    d_rows = xp.zeros_like(rows)
    if moves:
        if kernel.shape == "block":
            # The gradient is linear in w: the derivative along a tangent is its transpose.
            slope = partial(_gradient, made, plan, prediction, statistics)
            return rows, jax.linear_transpose(slope, rows)(d_prediction)[0]
        g = kernel.gradient(made, prediction, target, statistics, one, axis)
        # In the logits every gradient is finite: a product that XLA knows. But a perplexity may not be.
        known = plan.form == "logits" and plan.finish != "exp"
        product = jnp.multiply if known else times
        d_rows = d_rows + _summed(xp, product(g, d_prediction), plan)
    moving = jax.tree.leaves(d_target, is_leaf=is_zero)
    if not all(map(is_zero, moving)):
        assert kernel.target_gradient is not None
        g = kernel.target_gradient(xp, prediction, target, statistics, one, axis)
        for gradient, tangent in zip(jax.tree.leaves(g), moving, strict=True):
            if not is_zero(tangent):
                d_rows = d_rows + _summed(xp, times(gradient, tangent), plan)
    return rows, d_rows


def _gradient(xp: Namespace, plan: Plan, prediction: Array, s: Any, w: Array) -> Any:
    return plan.kernel.gradient(xp, prediction, None, s, w, plan.axis)


rows_of.defjvp(_derivative, symbolic_zeros=True)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def known_rows(xp: Namespace, plan: Plan, prediction: Array, target: Any, rows: Array) -> Array:
    """Return ``rows``, with the derivative that they have as `rows_of` of prediction and target."""
    return rows


def _known_derivative(
    xp: Namespace, plan: Plan, primals: Any, tangents: Any
) -> tuple[Array, Array]:
    _, d_rows = _derivative(xp, plan, primals[:2], tangents[:2])
    return known_rows(xp, plan, *primals), d_rows


known_rows.defjvp(_known_derivative, symbolic_zeros=True)


def is_zero(x: Any) -> bool:
    """Whether a tangent is 0 because nothing varies there."""
    return isinstance(x, SymbolicZero)


def _summed(xp: Namespace, x: Array, plan: Plan) -> Array:
    return x if plan.row_axis is None else xp.sum(x, axis=plan.row_axis)


# --- gradient · tangent where one may be infinite and the other 0 (R4) ---
#
# A multiplication would make NaN of them, and a `where` on the tangent is not linear to JAX: so this
# product is a primitive of its own, bilinear by declaration, in both modes.


def _silent(a: Array, b: Array) -> Array:
    return m.silent(jnp, a, b)


def times(a: Array, b: Array) -> Array:
    """Return ``a · b``, 0 where one of them is 0 and the other infinite."""
    product: Array = _product.bind(*jnp.broadcast_arrays(a, b))
    return product


_product = Primitive("xent_product")
_product.def_impl(jax.jit(_silent))
_product.def_abstract_eval(lambda a, b: jax.core.ShapedArray(a.shape, b.dtype))
mlir.register_lowering(_product, mlir.lower_fun(_silent, multiple_results=False))
ad.defbilinear(_product, lambda ct, a, b: times(ct, b), lambda ct, a, b: times(a, ct))


def _batched(args: Any, dims: Any) -> tuple[Array, int]:
    a, b = (
        x[None] if d is None else jnp.moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)
    )
    return times(a, b), 0


batching.primitive_batchers[_product] = _batched
