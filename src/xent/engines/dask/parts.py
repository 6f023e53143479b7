"""Rows that no chunk has a part of: each chunk is a call by itself, and its value a share of the value."""

from __future__ import annotations

from typing import Any

from xent import _dtype
from xent._plan import Numbers, Operands, Plan
from xent._rows import divided_by
from xent.engines.dask.tasks import (
    CLASS,
    aligned,
    alone,
    compute_dtype,
    each,
    operands_of,
    rows_of,
    taken,
)


def value_of(plan: Plan, parts: Any, every: Any, dtype: Any) -> Any:
    """Return the value of a call, of parts that hold those of their chunks first."""
    if plan.reduction != "none":
        one = dict.fromkeys(every, 1)
        shares = each(_share, every, parts, every, dtype=dtype, adjust_chunks=one, ndim=len(every))
        return shares.sum()
    row = every if plan.row_axis is None else tuple(i for i in every if i != CLASS)
    return each(_rows, row, parts, every, dtype=dtype)


def run(xp: Any, plan: Plan, operands: Operands, *, sloped: bool) -> tuple[Any, Any]:
    """Return the value of a call, and if it is ``sloped`` the gradient."""
    x: Any = operands.prediction
    every = tuple(CLASS if i == plan.axis else i for i in range(x.ndim))
    plan, operands = divided_by(xp, plan, operands, rows_of(plan, operands), counted=True)
    _, given = aligned([(x, every), *operands_of(plan, operands, every)])
    static = {"plan": plan, "numbers": operands.numbers, "sloped": sloped}
    parts = each(_part, every, *given, dtype=object, **static)
    value = value_of(plan, parts, every, compute_dtype(x))
    return value, each(_gradient, every, parts, every, dtype=x.dtype) if sloped else None


# --- what runs in a task, on the library of the chunk ---


def _part(*given: Any, plan: Plan, numbers: Numbers, sloped: bool) -> Any:
    engine, operands = taken(plan, numbers, given)
    if not sloped:
        return engine.value(plan, operands), None
    value, g = engine.value_and_gradient(plan, operands)
    return value, engine.run(_dtype.cast, engine.xp, g, operands.prediction.dtype)


def _share(part: Any, ndim: int) -> Any:
    return part[0][(None,) * ndim]


def _rows(part: Any) -> Any:
    return alone(part)[0]


def _gradient(part: Any) -> Any:
    return part[1]
