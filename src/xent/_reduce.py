"""From the rows' costs to the value, and from the value back to what each row's gradient weighs."""

from __future__ import annotations

from math import prod
from typing import Any

from xent import _dtype
from xent import _math as m
from xent._plan import Operands, Plan, kept, row_weight, sample_weight
from xent._typing import Array, Namespace


def _divisor(
    xp: Namespace,
    operands: Operands,
    mass: Array | None,
    keep: Array | None,
    rows: tuple[int, ...],
    dtype: Any,
) -> Array | int:
    """Return what a mean divides by: Σ over the rows left of what each counts (R10)."""
    if operands.denominator is not None:
        return _dtype.cast(xp, operands.denominator, dtype)
    if mass is not None:
        return xp.sum(mass)
    if keep is not None:
        return xp.astype(xp.sum(xp.astype(keep, xp.integer)), dtype)
    return prod(rows)


def divided_by(xp: Namespace, plan: Plan, operands: Operands, rows: tuple[int, ...]) -> Operands:
    """Return operands whose denominator is the divisor of a mean over all ``rows``.

    So the means of some rows at a time add up to the mean of all.
    """
    if plan.reduction != "mean":
        return operands
    keep = kept(plan, operands)
    _, mass = row_weight(xp, plan, operands, keep)
    dtype = _dtype.compute_dtype(xp, operands.prediction)
    divisor = _divisor(xp, operands, mass, keep, rows, dtype)
    if isinstance(divisor, int):
        one = operands.prediction[(slice(0, 1),) * operands.prediction.ndim]
        divisor = xp.reshape(xp.full_like(one, divisor, dtype=dtype), ())
    return operands._replace(denominator=divisor)


def _divided(xp: Namespace, x: Array, divisor: Array | int) -> Array:
    """Return ``x / divisor``, 0 where both are 0: everything is masked or weighted away."""
    if isinstance(divisor, int):
        return x / divisor
    if not xp.maybe(lambda: divisor == 0):
        return xp.divide(x, divisor)
    return m.quotient(xp, x, divisor)


def reduced(
    xp: Namespace, plan: Plan, operands: Operands, rows: Array, penalties: Array | None = None
) -> Array:
    """Return the value of the call from the loss of each row in nats, and its penalty if any."""
    keep = kept(plan, operands)
    if plan.reduction == "prod":
        product: Array = xp.prod(_kept(xp, rows, keep))
        return product
    weight, mass = row_weight(xp, plan, operands, keep)
    costs = _weighed(xp, weight, _kept(xp, rows, keep))
    if plan.log_base != 1:
        costs = costs / plan.log_base
    if penalties is not None:
        sample = sample_weight(xp, operands, keep)
        costs = costs + plan.z_loss * _weighed(xp, sample, _kept(xp, penalties, keep))
    if plan.reduction != "none":
        costs = xp.sum(costs)
    if plan.reduction == "mean":
        costs = _divided(xp, costs, _divisor(xp, operands, mass, keep, rows.shape, rows.dtype))
    if plan.finish == "exp":
        return xp.exp(costs)
    return 0 - costs if plan.finish == "negate" else costs


def _kept(xp: Namespace, rows: Array, keep: Array | None) -> Array:
    return rows if keep is None else xp.where(keep, rows, xp.zeros_like(rows))


def _weighed(xp: Namespace, weight: Array | None, rows: Array) -> Array:
    return rows if weight is None else m.scaled(xp, weight, rows)


def cotangents(
    xp: Namespace, plan: Plan, operands: Operands, one: Array
) -> tuple[Array, Array | None]:
    """Return the derivatives of `reduced` with respect to each row and to each penalty.

    But for the exponential. ``one`` is 1 for each row. ``"none"`` is differentiated as the sum of the
    rows.
    """
    keep = kept(plan, operands)
    weight, mass = row_weight(xp, plan, operands, keep)
    one = one if keep is None else xp.astype(keep, one.dtype)
    share = None
    if plan.penalty is not None:
        sample = sample_weight(xp, operands, keep)
        share = plan.z_loss * (one if sample is None else sample)
    weight = one if weight is None else weight
    if plan.reduction == "mean":
        divisor = _divisor(xp, operands, mass, keep, one.shape, one.dtype)
        weight = _divided(xp, weight, divisor)
        share = None if share is None else _divided(xp, share, divisor)
    if plan.log_base != 1:
        weight = weight / plan.log_base
    return (-weight if plan.finish == "negate" else weight), share
