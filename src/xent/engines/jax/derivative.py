"""The kernels' gradients as the derivatives of their values, in every mode and order of JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from xent import _math as m
from xent._bent import sech, slope_in_cap
from xent._kernel import Kernel, Statistics
from xent._plan import Plan
from xent._target import along
from xent._typing import Array
from xent.engines.jax.lying import lying_as
from xent.engines.jax.measured import Numbers, made_once, measured
from xent.engines.jax.sizes import alike


def evaluated(xp: Any, plan: Plan, prediction: Array, target: Any, numbers: Numbers) -> Array:
    """Return the rows of what is ready; `rows_of` is the same with a derivative."""
    kernel = plan.kernel.filled(numbers)
    rows = _value(xp, plan, kernel, measured(xp, plan, kernel, prediction, target))
    if kernel.shape != "row":
        return rows
    # A select ends XLA's loop: else each part of a sum of the rows would measure them again.
    return jnp.where(jnp.isnan(rows), jnp.nan, rows)


def _value(xp: Any, plan: Plan, kernel: Kernel, statistics: Statistics) -> Array:
    """Return the value of statistics, made of them without their class axis.

    XLA's CPU backend would go along that axis, of size 1, where the rows are summed: one number after
    another, in ten times the time.
    """
    if plan.row_axis is not None:
        statistics = jax.tree.map(
            lambda x: xp.squeeze(x, axis=plan.row_axis) if jnp.ndim(x) else x, statistics
        )
    return kernel.value(xp, statistics)


rows_of = jax.custom_jvp(evaluated, nondiff_argnums=(0, 1))


def _derivative(xp: Any, plan: Plan, primals: Any, tangents: Any) -> tuple[Array, Array]:
    """Return the rows, and their derivative along the tangents: Σ gradient · tangent."""
    prediction, target, numbers = primals
    d_prediction, *others = tangents
    kernel = plan.kernel.filled(numbers)
    axis: Any = plan.axis
    moves = not is_zero(d_prediction)
    made = xp.stored if moves else xp
    prediction = made_once(plan, kernel, prediction) if moves else prediction
    s = measured(made, plan, kernel, prediction, target)
    rows = known_rows(xp, plan, prediction, target, numbers, _value(xp, plan, kernel, s))
    if moves and kernel.shape == "block":
        # The gradient is linear in w: the derivative along a tangent is its transpose.
        def slope(w: Array) -> Array:
            return kernel.gradient(made, prediction, target, s, None, w, axis)

        return rows, jax.linear_transpose(slope, rows)(d_prediction)[0]
    one = along(xp.ones_like(rows), plan.row_axis)
    d_rows = xp.zeros_like(rows)
    if moves:
        g = lying_as(prediction, kernel.gradient(made, prediction, target, s, None, one, axis))
        # In the logits every gradient is finite: a product that XLA knows. That of a perplexity may not be,
        # nor may be how a masked class moves with a temperature.
        known = plan.form == "logits" and plan.finish != "exp" and not plan.tempered
        product = jnp.multiply if known else times
        d_rows = d_rows + _summed(xp, product(g, d_prediction), plan)
    for more in _of_others(xp, plan, primals, others, s, one):
        d_rows = d_rows + more
    return rows, d_rows


def _of_others(
    xp: Any, plan: Plan, primals: Any, tangents: Any, s: Statistics, one: Array
) -> Iterator[Array]:
    """Return what the rows' derivative has of the target, and of the kernel's numbers if these move."""
    prediction, target, numbers = primals
    moving, d_numbers = (jax.tree.leaves(d, is_leaf=is_zero) for d in tangents)
    if not all(map(is_zero, moving)):
        kernel, axis = plan.kernel.filled(numbers), cast(Any, plan.axis)
        g = kernel.target_gradient(xp, prediction, target, s, one, axis)
        slopes = jax.tree.leaves(g, is_leaf=lambda x: x is None)
        for gradient, tangent in zip(slopes, moving, strict=True):
            if not is_zero(tangent):
                yield _summed(xp, times(gradient, tangent), plan)
    if not all(map(is_zero, d_numbers)):
        yield from _of_numbers(partial(evaluated, xp, plan, prediction, target), numbers, d_numbers)


def _of_numbers(rows: Callable[[Any], Array], numbers: Any, tangents: list[Any]) -> Iterator[Array]:
    """Return the rows' derivative by each number that moves, made forwards, whatever is asked for.

    Backwards what a `where` leaves out is multiplied by 0, be it infinite.
    """
    each, structure = jax.tree.flatten(numbers)
    units = [jnp.zeros_like(x) for x in each]
    for i, tangent in enumerate(tangents):
        if not is_zero(tangent):
            unit = [*units[:i], jnp.ones_like(each[i]), *units[i + 1 :]]
            yield jax.jvp(rows, (numbers,), (structure.unflatten(unit),))[1] * tangent


rows_of.defjvp(_derivative, symbolic_zeros=True)


def known_by(derivative: Callable[..., tuple[Any, Any]], static: int) -> Callable[..., Any]:
    """Return a function that returns its last argument, with a ``derivative`` that is stated of the others.

    The first ``static`` of them are no arrays.
    """

    @partial(jax.custom_jvp, nondiff_argnums=tuple(range(static)))
    def known(*given: Any) -> Any:
        return given[-1]

    def derivative_of_known(*given: Any) -> tuple[Any, Any]:
        *statics, primals, tangents = given
        _, slope = derivative(*statics, primals[:-1], tangents[:-1])
        return known(*statics, *primals), slope

    known.defjvp(derivative_of_known, symbolic_zeros=True)
    return known


known_rows = known_by(_derivative, 2)
"""Of the arguments of `rows_of` and rows that were made of them, these."""


def is_zero(x: Any) -> bool:
    """Whether a tangent is 0 because nothing varies there."""
    return isinstance(x, SymbolicZero)


def _summed(xp: Any, x: Array, plan: Plan) -> Array:
    return x if plan.row_axis is None else xp.sum(x, axis=plan.row_axis)


# --- gradient · tangent where one may be infinite and the other 0 (R4) ---
#
# A multiplication would make NaN of them, and a `where` on the tangent is not linear to JAX: so this
# product is a primitive of its own, bilinear by declaration, in both modes.


def _silent(a: Array, b: Array) -> Array:
    return m.silent(jnp, a, b)


def times(a: Array, b: Array) -> Array:
    """Return ``a · b``, 0 where one of them is 0 and the other infinite."""
    return _product.bind(*alike(jnp.broadcast_arrays(a, b)))


@jax.custom_jvp
def silent(a: Any, b: Any) -> Any:
    """Return ``a · b``; where it is differentiated, 0 · ∞ is 0 in the derivative."""
    return a * b


silent.defjvps(lambda d, made, a, b: times(d, b), lambda d, made, a, b: times(a, d))


@jax.custom_jvp
def magnitude(x: Any) -> Any:
    """Return ``|x|``, whose derivative is 0 at 0, between −1 and 1, as of a formula with two even halves."""
    return jnp.abs(x)


magnitude.defjvps(lambda d, made, x: d * jnp.sign(x))


@jax.custom_jvp
def expm1(x: Any) -> Any:
    """Return exp(x) − 1, whose derivative is made of ``x``: far below 0 the value has no digit of exp(x)."""
    return jnp.expm1(x)


expm1.defjvps(lambda d, made, x: d * jnp.exp(x))


@jax.custom_jvp
def tanh(x: Any) -> Any:
    """Return tanh ``x``, whose derivative is made of ``x``."""
    return jnp.tanh(x)


tanh.defjvps(lambda d, made, x: d * jnp.square(sech(jnp, x)))


@jax.custom_jvp
def tempered(x: Any, temperature: Any) -> Any:
    """Return ``x / temperature``; a class that is masked moves infinitely, and what it does not feel is 0."""
    return x / temperature


tempered.defjvps(
    lambda d, made, x, temperature: d / temperature,
    lambda d, made, x, temperature: times(-made / temperature, d),
)


@jax.custom_jvp
def capped(x: Any, cap: Any) -> Any:
    """Return c tanh(x / c)."""
    return cap * jnp.tanh(x / cap)


capped.defjvps(
    lambda d, made, x, cap: d * jnp.square(sech(jnp, x / cap)),
    lambda d, made, x, cap: d * slope_in_cap(cast(Any, jnp), x / cap),
)

_product = Primitive("xent_product")
_product.def_impl(jax.jit(_silent))
_product.def_abstract_eval(lambda a, b: b.update(weak_type=False))
mlir.register_lowering(_product, mlir.lower_fun(_silent, multiple_results=False))
ad.defbilinear(_product, lambda ct, a, b: times(ct, b), lambda ct, a, b: times(a, ct))


def _batched(args: Any, dims: Any) -> tuple[Array, int]:
    a, b = (
        x[None] if d is None else jnp.moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True)
    )
    return times(a, b), 0


batching.primitive_batchers[_product] = _batched
