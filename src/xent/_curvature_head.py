"""Products with the second derivative of the loss of a linear head, a chunk of its rows at a time.

The logits z = x Wᵀ + b move by ż = ẋ Wᵀ + x Ẇᵀ + ḃ, and their gradient g by H ż. The gradients of the head,
g W, gᵀ x and Σ g, so move by H ż W + g Ẇ, (H ż)ᵀ x + gᵀ ẋ and Σ H ż. Without the terms of g, which are there
because z is no linear function of x and W together, these are the products of Gauss and Newton.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, NamedTuple

from array_api_compat import array_namespace

from xent import _dtype
from xent._curved import moved, slopes
from xent._dual import OWN
from xent._dual_verbs import DualVerbs
from xent._engine import Engine
from xent._linear import Chunks, Gradients, Head, Made, Sums, cuts
from xent._linear_call import LinearProblem
from xent._plan import Operands, Plan
from xent._rows import divided_by
from xent.engines.head_loop import clean, per_row, with_target


class Task(NamedTuple):
    """What is static of a product; of ``newton`` it lacks what the gradient adds."""

    plan: Plan
    chunks: Chunks
    newton: bool


def product(problem: LinearProblem, tangent: Any, *, newton: bool = False) -> Gradients:
    """Return Hessian · tangent of features, weight and bias, or what is positive of it."""
    move = _tangents(problem, tangent)
    if problem.plan.finish == "exp":
        return problem.engine.run(_of_exponential, problem, move, newton)
    return problem.like(_of_sums(problem, move, newton))


def _of_sums(problem: LinearProblem, move: Head, newton: bool) -> Gradients:
    engine, plan, operands, head, chunks, *_ = problem
    return engine.apply(_along, Task(plan, chunks, newton), head, move, operands)


def _of_exponential(problem: LinearProblem, move: Head, newton: bool) -> Gradients:
    """Return exp C · (H t + g ⟨g, t⟩), of the cost C and its gradient g."""
    xp, inner = problem.engine.xp, problem._replace(plan=replace(problem.plan, finish="none"))
    cost, slope = inner.engine.linear_value_and_gradient(
        inner.plan, inner.head, inner.operands, inner.chunks
    )
    dtype = cost.dtype
    slope, along = (_dtype.narrowed(xp, arrays, dtype) for arrays in (slope, move))
    products = (g * t for g, t in zip(slope, along, strict=True) if g is not None)
    dot = reduce(add, (xp.sum(x, axis=None) for x in products))
    curve = zip(_dtype.narrowed(xp, _of_sums(inner, move, newton), dtype), slope, strict=True)
    each = (None if h is None else xp.exp(cost) * (h + g * dot) for h, g in curve)
    return problem.like(Gradients(*each))


def _tangents(problem: LinearProblem, tangent: Any) -> Head:
    """Return the tangents of the head's arrays, in their shapes and dtype; 0 for None."""
    engine, given = problem.engine, problem.given
    lists = isinstance(tangent, tuple | list) and len(tangent) == len(given)
    if not lists or (given.bias is None and tangent[2] is not None):
        bias = "None" if given.bias is None else "bias"
        raise TypeError(
            f"tangent takes (features, weight, {bias}), the directions of a linear head"
        )

    def of(name: str, v: Any) -> Any:
        x, own = getattr(given, name), getattr(problem.head, name)
        if v is None:
            return None if own is None else engine.xp.zeros_like(own)
        v = engine.xp.reshape(moved(engine, name, x, v), own.shape)
        return _dtype.cast(engine.xp, v, own.dtype)

    return Head(*map(of, given._fields, tangent))


def _along(engine: Engine, task: Task, head: Head, move: Head, operands: Operands) -> Gradients:
    xp, (plan, chunks, newton) = engine.xp, task
    shape = chunks.shape if plan.row_axis is None else chunks.shape[:1]
    plan, operands = divided_by(xp, plan, operands, shape, counted=True)
    dtype, verbs = _dtype.compute_dtype(xp, head.features), DualVerbs(xp)
    wide: Any = _dtype.narrowed(xp, (*head[1:], *move[1:]), dtype)
    weight, bias, turn, shift = wide

    def logits_of(*head: Any) -> Any:
        x, weight, bias = _dtype.narrowed(xp, head, dtype)
        return x @ weight.T if bias is None else x @ weight.T + bias

    def one(sums: Sums, rows: Any, some: Operands) -> tuple[Sums, Made]:
        x, v = (clean(xp, plan, some, _dtype.cast(xp, part, dtype)) for part in rows)
        along = v @ weight.T + x @ turn.T
        along = along if bias is None else along + shift
        some = with_target(xp, plan, some, logits_of)
        some = some._replace(prediction=logits_of(x, weight, bias))
        slope = slopes(verbs, plan, some, along)[1]
        g, h = slope.value, slope.parts.get(OWN, xp.zeros_like(along))
        down, up = h @ weight, h.T @ x
        if not newton:
            down, up = down + g @ turn, up + g.T @ v
        added = None if bias is None else sums.bias + xp.sum(h, axis=0)
        return Sums(None, sums.weight + up, added), Made(None, _dtype.cast(xp, down, rows[0].dtype))

    nothing = Sums(None, xp.zeros_like(weight), None if bias is None else xp.zeros_like(bias))
    both = head.features, move.features
    sums, made = (engine.over_rows or _over_rows)(one, nothing, both, operands, chunks.rows)
    return Gradients(made.features, sums.weight, sums.bias)


def _over_rows(
    body: Any, sums: Sums, features: Any, operands: Operands, step: int
) -> tuple[Sums, Made]:
    """Return the sums after each chunk, and what the rows have for themselves."""
    parts, each = [], per_row(operands)
    for rows in list(cuts(features[0].shape[0], step)) or [slice(0, 0)]:
        some = operands._replace(**{name: x[rows, ...] for name, x in each.items()})
        sums, made = body(sums, tuple(x[rows, ...] for x in features), some)
        parts.append(made.features)
    xp = array_namespace(features[0])
    return sums, Made(None, parts[0] if len(parts) == 1 else xp.concat(parts, axis=0))
