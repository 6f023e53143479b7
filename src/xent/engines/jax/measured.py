"""A kernel's statistics: of an array in pieces where each lies; on a CPU by blocks, or class by class."""

from __future__ import annotations

from functools import partial
from math import inf, prod
from typing import Any

import jax
import jax.numpy as jnp

from xent._kernel import Kernel, Statistics
from xent._plan import Plan
from xent._target import LABEL
from xent.engines.jax.parts import apart, by_parts
from xent.engines.jax.sizes import known
from xent.engines.jax.turned import of_classes, stored
from xent.engines.jax.whole import of_rounds
from xent.engines.jax.without import SHORT

Numbers = tuple[Any, ...]
"""A kernel's parameters that are numbers, which may be traced."""

BLOCK = 1 << 21
"""Bytes of a prediction that are measured at a time on a CPU, so that what is made of them stays in its
cache.
"""

LONG = 1 << 15
"""Classes of a row beyond which XLA's CPU backend sums a whole array one number after another."""

MANY = 24
"""Classes from which on it takes longer to make a kernel's sums class by class."""

SMALL = 1 << 16
"""Bytes of a prediction up to which its few classes aren't worth a longer program."""


def measured(xp: Any, plan: Plan, kernel: Kernel, prediction: Any, target: Any) -> Statistics:
    """Return the statistics of what is ready, of an array in pieces as `by_parts`."""
    size = jnp.size(prediction)  # of a number too, as of a base
    known = isinstance(size, int) and size > 0
    if kernel.shape == "block" or not known or not apart():
        return _in_blocks(xp, plan, kernel, prediction, target)
    return _in_parts(xp, plan, prediction, target, kernel.numbers)


def measured_apart(
    plan: Plan, numbers: Numbers, xp: Any, prediction: Any, target: Any, axis: Any
) -> tuple[Statistics, None]:
    """Return the same in the place of a kernel's own `measure`."""
    return measured(xp, plan, plan.kernel.filled(numbers), prediction, target), None


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _in_parts(xp: Any, plan: Plan, prediction: Any, target: Any, numbers: Numbers) -> Statistics:
    measure = partial(_in_blocks, xp, plan)
    return by_parts(measure, plan.kernel, xp, plan.axis, prediction, target, numbers)


@_in_parts.defjvp
def _parts_derivative(xp: Any, plan: Plan, primals: Any, tangents: Any) -> tuple[Any, Any]:
    def whole(prediction: Any, target: Any, numbers: Numbers) -> Statistics:
        return of_rounds(measure, plan.kernel.filled(numbers), xp, prediction, target)

    def measure(kernel: Kernel, prediction: Any, target: Any) -> Statistics:
        return kernel.measure(xp, prediction, target, plan.axis)[0]

    return _in_parts(xp, plan, *primals), jax.jvp(whole, primals, tangents)[1]


def _in_blocks(xp: Any, plan: Plan, kernel: Kernel, prediction: Any, target: Any) -> Statistics:
    """Return the statistics of what is ready, on a CPU of a block of rows at a time.

    XLA's CPU backend stores arrays of the prediction's size for what is summed, or makes it within
    the sum, more slowly still. Of a block they are stored in the cache.
    """
    axis: Any = plan.axis

    def whole(prediction: Any, arrays: Any) -> Statistics:
        return kernel.measure(xp, prediction, _joined(numbers, arrays), axis)[0]

    numbers, arrays = _apart(target)
    step = _step(plan, kernel, prediction, stored=xp.mode == "stored")
    few = _few(plan, kernel, prediction)
    if step is None and not few:
        return whole(prediction, arrays)
    shape, outer = prediction.shape, prediction.ndim if axis is None else axis

    def measure(block: Any, axis: Any) -> Statistics:
        prediction, target = block[0], _joined(numbers, block[1])
        if not few:
            return kernel.measure(xp.block, prediction, target, axis)[0]
        return of_classes(partial(kernel.measure, xp.turned), prediction, target, axis)

    def blocks(prediction: Any, arrays: Any) -> Statistics:
        if step is None or step == prod(shape[:outer]):
            return measure((prediction, arrays), axis)
        given = jax.tree.map(lambda x: x.reshape(-1, step, *x.shape[outer:]), (prediction, arrays))
        made = jax.lax.map(partial(measure, axis=None if axis is None else 1), given)
        return jax.tree.map(lambda x: x.reshape(*shape[:outer], *x.shape[2:]), made)

    return jax.lax.platform_dependent(prediction, arrays, cpu=blocks, default=whole)


def made_once(plan: Plan, kernel: Kernel, prediction: Any) -> Any:
    """Return a prediction for both its statistics and its gradient, of which no loop rounds its own.

    As an array of few classes is turned to be measured, XLA would make logits that are scaled in the same
    program once for each, and contract one of them.
    """
    if not _few(plan, kernel, prediction):
        return prediction
    return jax.lax.platform_dependent(prediction, cpu=stored, default=lambda x: x)


def _step(plan: Plan, kernel: Kernel, prediction: Any, *, stored: bool) -> int | None:
    """Return how many rows are measured at a time, None for all.

    XLA sums well what has no exponential, where rows are not `LONG`, and a label's rivals of short rows,
    or where their exponentials are stored for a gradient. A label's block may be the whole.
    """
    if jnp.ndim(prediction) == 0 or not isinstance(prediction.size, int) or prediction.size == 0:
        return None
    label, classes = plan.target == LABEL, prediction.shape[-1]
    simple = label and (stored or plan.form != "logits" or classes < SHORT)
    last = kernel.shape == "row" and plan.axis == prediction.ndim - 1
    cut = last and (not (simple or kernel.plain) or classes > LONG)
    if kernel.shape == "element":
        cut = plan.reduction != "none"
    rows = prod(prediction.shape[: plan.axis])
    step = _even(rows, prediction.nbytes) if cut else None
    return None if step == rows and not label else step


def _few(plan: Plan, kernel: Kernel, prediction: Any) -> bool:
    """Whether a CPU measures an array class by class; not labels, which have a verb, nor plain sums."""
    if kernel.shape != "row" or plan.axis is None or plan.target == LABEL or kernel.plain:
        return False
    return 1 < known(prediction.shape[plan.axis]) < MANY and SMALL < known(prediction.nbytes) < inf


def _apart(target: Any) -> tuple[Any, Any]:
    """Return a target's numbers and its arrays, each None where the other is."""
    numbers = jax.tree.map(lambda x: x if jnp.ndim(x) == 0 else None, target)
    arrays = jax.tree.map(lambda x: x if jnp.ndim(x) else None, target)
    return numbers, arrays


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
