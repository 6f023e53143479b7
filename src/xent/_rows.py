"""The rows of a block, what they weigh, made once; from their costs to the value, and back to cotangents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log, prod
from typing import Any, NamedTuple

from xent import _dtype
from xent import _math as m
from xent._bent import raw_gradient
from xent._plan import Operands, Plan, masked
from xent._target import ready, without
from xent._typing import Array, Verbs


def rows_of(xp: Verbs, plan: Plan, operands: Operands) -> Array:
    """Return the loss of each row of a block."""
    prediction, target = ready(xp, plan, operands)
    kernel, axis = plan.kernel, plan.axis
    if operands.numbers.kernel:
        kernel = plan.kernel.filled(operands.numbers.kernel)
    s, _ = kernel.measure(xp, prediction, target, axis)
    rows = kernel.value(xp, s)
    return rows if plan.row_axis is None else xp.squeeze(rows, axis=plan.row_axis)


def rows_and_gradient_of(
    xp: Verbs, plan: Plan, operands: Operands, w: Array, *, once: bool = False, measure: Any = None
) -> tuple[Array, Array]:
    """Return the loss of each row of a block, and the gradient of Σ w · loss.

    ``once``: nobody will differentiate the gradient, which is made of what was made on the way to the loss.
    ``measure`` takes the place of the kernel's own.
    """
    prediction, target = ready(xp, plan, operands)
    kernel, axis = plan.kernel, plan.axis
    if operands.numbers.kernel:
        kernel = plan.kernel.filled(operands.numbers.kernel)
    s, made = (measure or kernel.measure)(xp, prediction, target, axis)
    s = kernel.whole(xp, s)
    rows = kernel.value(xp, s)
    if plan.row_axis is not None:
        rows = xp.squeeze(rows, axis=plan.row_axis)
        w = w[(slice(None),) * plan.row_axis + (None, ...)]  # as `along` would, in a call more
    g = kernel.gradient(xp, prediction, target, s, made if once else None, w, axis)
    if plan.capped or plan.tempered:  # `bent`, in place: a call is counted in each small loss
        g = raw_gradient(xp, plan, operands, g)
    return rows, xp.astype(g, operands.prediction.dtype) if plan.half else g


def ones(xp: Any, plan: Plan, operands: Operands) -> Array:
    """Return 1 for each row, in the dtype and on the device of the rows."""
    x = operands.prediction
    if plan.row_axis is not None:
        x = x[(slice(None),) * plan.row_axis + (0, ...)]
    return xp.ones_like(x, dtype=xp.float32 if plan.half else x.dtype)


class Weights(NamedTuple):
    """What each row weighs, None for 1 in every row that is left (R10).

    Attributes
    ----------
    sample : the sample weights, 0 in rows taken out
    cost : what multiplies the cost of a row
    divisor : what a mean divides by: Σ over the rows left of what each counts
    """

    sample: Array | None = None
    cost: Array | None = None
    divisor: Array | int | None = None


NOTHING = Weights()


def weigh(
    xp: Verbs,
    plan: Plan,
    operands: Operands,
    rows: tuple[int, ...],
    mass: Array | None = None,
) -> Weights:
    """Return what the ``rows``, a shape, weigh; all that are taken out are in the mask.

    Their ``mass`` is given where the operands have only a part of it.
    """
    if plan.even:
        return Weights(divisor=prod(rows)) if plan.reduction == "mean" else NOTHING
    dtype = xp.float32 if plan.half else operands.prediction.dtype
    sample = operands.sample_weight
    if sample is not None:
        sample = without(xp, _dtype.cast(xp, sample, dtype), operands.where, None, 0.0)
    averaged = plan.reduction == "mean" and operands.denominator is None
    if mass is None and (averaged or plan.target.costs):
        mass = plan.target.mass(xp, plan, operands)
    cost = _times(sample, mass) if plan.target.costs else sample
    divisor: Any = None
    if plan.reduction == "mean":
        if operands.denominator is not None:
            divisor = operands.denominator
            divisor = divisor if _is_count(divisor) else _dtype.cast(xp, divisor, dtype)
        else:
            divisor = _divisor(xp, operands, _times(sample, mass), rows, dtype)
    return Weights(sample, cost, divisor)


def _divisor(
    xp: Verbs, operands: Operands, mass: Array | None, rows: tuple[int, ...], dtype: Any
) -> Array | int:
    if mass is not None:
        return xp.sum(mass, axis=None)
    if operands.where is not None:
        count = xp.sum(xp.astype(operands.where, xp.integer), axis=None)
        return xp.astype(count, dtype)
    return prod(rows)


def _times(a: Array | None, b: Array | None) -> Array | None:
    if a is None or b is None:
        return b if a is None else a
    return a * b


def divided_by(
    xp: Verbs, plan: Plan, operands: Operands, rows: tuple[int, ...], *, counted: bool = False
) -> tuple[Plan, Operands]:
    """Return plan and operands whose denominator is the divisor of a mean over all ``rows``.

    So the means of some rows at a time add up to the mean of all. Where the divisor is ``counted`` it may
    stay the number that it is, and nobody asks whether it is 0.
    """
    plan, operands = masked(plan, operands)
    if plan.reduction != "mean":
        return plan, operands
    divisor: Any = weigh(xp, plan, operands, rows).divisor
    if _is_count(divisor) and not counted:
        x = operands.prediction
        one = x[(slice(0, 1),) * x.ndim]
        dtype = xp.float32 if plan.half else x.dtype
        divisor = xp.reshape(xp.full_like(one, divisor, dtype=dtype), ())
    return replace(plan, even=False), operands._replace(denominator=divisor)


def _is_count(divisor: Any) -> bool:
    """Whether it is the number of rows, an int or a compiler's symbol, and no array."""
    return isinstance(divisor, int) or not hasattr(divisor, "dtype")


def divided(xp: Verbs, x: Array, divisor: Any) -> Array:
    """Return ``x / divisor``, 0 where that is 0: everything is masked or weighted away (R10)."""
    if isinstance(divisor, int) or _is_count(divisor):
        return x if isinstance(divisor, int) and divisor == 0 else x / divisor
    if not xp.anywhere(lambda: divisor == 0):
        return xp.divide(x, divisor)
    nothing = divisor == 0
    mean = xp.divide(x, xp.where(nothing, xp.ones_like(divisor), divisor))
    return xp.where(nothing, xp.zeros_like(mean), mean)


def reduced(
    xp: Verbs,
    plan: Plan,
    operands: Operands,
    rows: Array,
    penalties: Array | None = None,
    weights: Weights | None = None,
) -> Array:
    """Return the value of the call from the loss of each row in nats, and its penalty if any."""
    weights = weigh(xp, plan, operands, rows.shape) if weights is None else weights
    keep, numbers = operands.where, operands.numbers
    costs = rows if keep is None else without(xp, rows, keep, None, 0.0)
    if plan.reduction == "prod":
        joint = xp.prod(rows)
        return joint if xp.everywhere is None else xp.prod(xp.everywhere(joint))
    if weights.cost is not None:
        costs = m.scaled(xp, weights.cost, costs)
    if plan.based:
        costs = costs / numbers.log_base
    if penalties is not None:
        penalties = without(xp, penalties, keep, None, 0.0)
        if weights.sample is not None:
            penalties = m.scaled(xp, weights.sample, penalties)
        costs = costs + numbers.z_loss * penalties
    divisor = weights.divisor
    if plan.reduction != "none":
        costs = xp.sum(costs, axis=None)
        if xp.everywhere is not None:
            costs, divisor = _completed(xp, costs, divisor, operands.denominator)
    if divisor is not None:
        costs = divided(xp, costs, divisor)
    if plan.finish == "exp":
        return xp.exp(costs)
    return 0 - costs if plan.finish == "negate" else costs


def _completed(
    xp: Verbs, costs: Array, divisor: Any, denominator: Array | None
) -> tuple[Array, Any]:
    """Return the sums over the rows of all parts; a denominator that was given is of all of them."""
    assert xp.everywhere is not None
    if divisor is None or denominator is not None:
        return xp.sum(xp.everywhere(costs), axis=0), divisor
    both = xp.sum(xp.everywhere(xp.stack([costs, xp.zeros_like(costs) + divisor])), axis=0)
    return both[0], both[1]


def cotangents(
    xp: Verbs, plan: Plan, operands: Operands, weights: Weights, one: Array
) -> tuple[Array, Array | None]:
    """Return the derivatives of `reduced` with respect to each row and to each penalty.

    But for the exponential. ``one`` is 1 for each row. ``"none"`` is differentiated as the sum of the
    rows.
    """
    if operands.where is not None:
        one = xp.astype(operands.where, one.dtype)
    share = None
    if plan.penalty is not None:
        share = one if weights.sample is None else weights.sample
        share = operands.numbers.z_loss * share
    w = one if weights.cost is None else weights.cost
    if weights.divisor is not None:
        w = divided(xp, w, weights.divisor)
        share = None if share is None else divided(xp, share, weights.divisor)
    if plan.based:
        w = w / operands.numbers.log_base
    return (-w if plan.finish == "negate" else w), share


def exponential(xp: Verbs, cost: Array, sloped: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Return exp of the cost and its gradient, that of the cost being ``sloped`` by a factor.

    What is beyond half the range of the dtype multiplies last, after rounding, and nothing that is 0 (R4): a
    mean divides the rest, perhaps by a small number.
    """
    within = xp.minimum(cost, xp.full_like(cost, log(xp.finfo(cost.dtype).max) / 2))
    g = sloped(xp.exp(within))
    if xp.anywhere(lambda: within < cost):
        g = times(xp, g, xp.exp(cost - within))
    return xp.exp(cost), g


def times(xp: Verbs, g: Array, factor: Array) -> Array:
    """Return a gradient times a number in its own dtype, multiplied in that of the number; 0 where it is."""
    product = m.silent(xp, _dtype.cast(xp, g, factor.dtype), factor)
    return _dtype.cast(xp, product, g.dtype)
