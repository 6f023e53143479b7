"""Rows that no chunk has a part of: each chunk is a call by itself, and its value a share of the value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np

from xent import _dtype
from xent._plan import Numbers, Operands, Plan
from xent._rows import divided_by, weigh
from xent.engines.dask.tasks import (
    CLASS,
    aligned,
    alone,
    compute_dtype,
    each,
    operands_of,
    rows_of,
    taken,
    uncut,
)


def value_of(plan: Plan, parts: Any, every: Any, dtype: Any) -> Any:
    """Return the value of a call, of parts that hold those of their chunks first."""
    if plan.reduction != "none":
        return _total(0, parts, every, dtype)
    row = every if plan.row_axis is None else tuple(i for i in every if i != CLASS)
    return each(_rows, row, parts, every, dtype=dtype)


def run(xp: Any, plan: Plan, operands: Operands, *, sloped: bool) -> tuple[Any, Any]:
    """Return the value of a call, and if it is ``sloped`` the gradient.

    A mean whose divisor is a sum of all that the target holds is divided in the end: chunks that waited
    for it would all be kept. But in half precision the sum may be out of range.
    """
    x: Any = operands.prediction
    every = tuple(CLASS if i == plan.axis else i for i in range(x.ndim))
    late = plan.reduction == "mean" and plan.target.counts and operands.denominator is None
    late = late and not plan.half
    if not late:
        plan, operands = divided_by(xp, plan, operands, rows_of(plan, operands), counted=True)
    _, given = aligned([(x, every), *operands_of(plan, operands, every)])
    static = {"plan": plan, "numbers": operands.numbers, "sloped": sloped, "late": late}
    parts = each(_part, every, *given, dtype=object, **static)
    value = value_of(plan, parts, every, compute_dtype(x))
    g = each(_result, every, parts, every, dtype=x.dtype, place=1) if sloped else None
    if late:
        divisor = _total(2, parts, every, compute_dtype(x))
        value, g = _divided(value, divisor), _divided(g, divisor) if sloped else None
    return value, g


def applied(xp: Any, function: Any, plan: Plan, operands: Operands, more: Any) -> Any:
    """Return the two arrays that ``function`` makes of each chunk and, cut alike, of ``more``."""
    x: Any = operands.prediction
    every = tuple(CLASS if i == plan.axis else i for i in range(x.ndim))
    plan, operands = divided_by(xp, plan, operands, rows_of(plan, operands), counted=True)
    more = [v if plan.axis is None else uncut(v, plan.axis) for v in more]
    indexed = [(x, every), *operands_of(plan, operands, every), *((v, every) for v in more)]
    _, given = aligned(indexed)
    static = {"plan": plan, "numbers": operands.numbers, "run": function, "more": len(more)}
    parts = each(_applied, every, *given, dtype=object, **static)
    return [each(_result, every, parts, every, dtype=x.dtype, place=i) for i in range(2)]


def _total(field: int, parts: Any, every: Any, dtype: Any) -> Any:
    """Return the sum of what the parts hold at a place."""
    options = {"adjust_chunks": dict.fromkeys(every, 1), "field": field, "ndim": len(every)}
    return each(_share, every, parts, every, dtype=dtype, **options).sum()


def _divided(x: Any, divisor: Any) -> Any:
    return da.map_blocks(_quotient, x, divisor, dtype=x.dtype, meta=x._meta)


# --- what runs in a task, on the library of the chunk ---


def _part(*given: Any, plan: Plan, numbers: Numbers, sloped: bool, late: bool) -> Any:
    """Return the value of a chunk, its gradient, and its share of a divisor that comes late."""
    engine, operands = taken(plan, numbers, given)
    divisor = None
    if late:
        weights = engine.run(weigh, engine.xp, plan, operands, rows_of(plan, operands))
        plan, divisor = replace(plan, reduction="sum"), weights.divisor
    if not sloped:
        return engine.value(plan, operands), None, divisor
    value, g = engine.value_and_gradient(plan, operands)
    return value, engine.run(_dtype.cast, engine.xp, g, operands.prediction.dtype), divisor


def _applied(*given: Any, plan: Plan, numbers: Numbers, run: Any, more: int) -> Any:
    """Return what a function makes of a chunk."""
    own, others = given[: len(given) - more], given[len(given) - more :]
    engine, operands = taken(plan, numbers, own)
    return engine.apply(run, plan, operands, *others)


def _result(part: Any, place: int) -> Any:
    return part[place]


def _share(part: Any, field: int, ndim: int) -> Any:
    return part[field][(None,) * ndim]


def _rows(part: Any) -> Any:
    return alone(part)[0]


def _quotient(x: Any, divisor: Any) -> Any:
    """Return ``x / divisor``, 0 where everything is masked or weighted away."""
    return x / divisor if divisor != 0 else np.zeros_like(x)
