"""The values of a loss pulled back: its gradient times what comes from above, for each value its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec

from xent import _dispatch, _dtype
from xent import _math as m
from xent._check import arguments, structure
from xent._made import Made
from xent._nested import mapped
from xent._transform import named, problem_of
from xent._typing import R

P = ParamSpec("P")


def vjp(loss: Callable[P, R]) -> Callable[..., tuple[R, Any]]:
    """Return a function of the arguments of ``loss`` and ``cotangent=`` that returns value and pullback.

    The vector–Jacobian product: Σ cotangentᵢ ∂valueᵢ/∂prediction, what a loss that is made of these
    values takes of each. `value_and_grad` is this with cotangents of 1.

    Parameters
    ----------
    loss : function
        What `value_and_grad` takes, but for perplexities of each sequence; and `log_probs`,
        `linear_log_probs`.

    Returns
    -------
    function
        (value, gradient). ``cotangent`` has the shape of the value: one per row for
        ``reduction="none"``, a number for a reduced value, a pair for log-probabilities and entropies.

    Raises
    ------
    TypeError, ValueError
        For any other function; of the function that is returned, for a cotangent of another shape,
        library or device.

    Examples
    --------
    >>> import numpy as np, xent
    >>> z = np.array([[0.0, 0.0], [0.0, 0.0]])
    >>> rows, dz = xent.vjp(xent.cross_entropy)([0, 1], logits=z, reduction="none", cotangent=[1.0, 4.0])
    >>> print(dz)
    [[-0.5  0.5]
     [ 2.  -2. ]]
    """
    problem = problem_of(loss)

    @named(loss, tuple[Any, Any], "cotangent")
    def pulled(*args: Any, cotangent: Any, **kwargs: Any) -> tuple[Any, Any]:
        checked = problem(*args, **kwargs)
        if not (hasattr(checked, "plan") or hasattr(checked, "heads")):  # of sequences of rows
            raise arguments.not_known("pullback", loss)
        value = checked.value()
        return value, _pulled(checked, value, cotangent)

    return Made(vjp, loss, pulled)


def _pulled(problem: Any, value: Any, cotangent: Any) -> Any:
    """Return the gradient of Σ cotangent · value."""
    several = isinstance(value, tuple)
    values = value if several else (value,)
    given = cotangent if several else (cotangent,)
    if not isinstance(given, (tuple, list)) or len(given) != len(values):
        raise arguments.not_alike("cotangent", given, f"one for each of {len(values)} values")
    names = [f"cotangent[{i}]" if several else "cotangent" for i in range(len(values))]
    beside = {
        "the prediction": _one_of(problem).operands.prediction,
        **dict(zip(names, given, strict=True)),
    }
    arrays = _dispatch.resolve(beside, like="the prediction")[1]
    ws = [structure.there(name, arrays) for name in names]
    for name, w, v in zip(names, ws, values, strict=True):
        structure.weight(name, w)
        if tuple(w.shape) != tuple(v.shape):
            raise arguments.not_alike(
                name, tuple(w.shape), f"the shape of the value, {tuple(v.shape)}"
            )
    return problem.engine.run(_gradient, problem, ws)


def _one_of(problem: Any) -> Any:
    """Return the problem, of pairs that of their first direction."""
    return problem.heads[0] if hasattr(problem, "heads") else problem


def _gradient(problem: Any, ws: list[Any]) -> Any:
    if _one_of(problem).plan.reduction != "none":
        return _scaled(problem.engine.xp, problem.value_and_gradient()[1], ws[0])
    return _weighed(problem, ws).value_and_gradient()[1]


def _weighed(problem: Any, ws: list[Any]) -> Any:
    """Return the problem of the sum of rows that weigh as much; of pairs, in both directions."""
    if hasattr(problem, "heads"):
        return problem._replace(heads=[_weighed(head, ws) for head in problem.heads])
    xp, operands = problem.engine.xp, problem.operands
    sample = operands.sample_weight
    dtype = _dtype.compute_dtype(xp, operands.prediction)
    rows = [problem.flat(_dtype.cast(xp, w, dtype)) for w in ws]
    if sample is not None:
        rows[0] = rows[0] * _dtype.cast(xp, sample, dtype)
    w = rows[0] if len(rows) == 1 else xp.moveaxis(xp.stack(rows), 0, -1)
    summed = replace(problem.plan, reduction="sum", even=False)
    return problem._replace(plan=summed, operands=operands._replace(sample_weight=w))


def _scaled(xp: Any, g: Any, w: Any) -> Any:
    """Return ``g · w``, of each gradient by name, 0 where that is."""

    def of(g: Any) -> Any:
        wide = _dtype.cast(xp, g, w.dtype) if _dtype.is_half(g) else g
        return _dtype.cast(xp, m.silent(xp, wide, w), g.dtype)

    return mapped(of, g)
