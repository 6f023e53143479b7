"""What the methods of a kernel return, looked at before any law, which would speak of our own methods."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent._check.calls import named
from xent._kernel import Kernel
from xent._nested import leaves
from xent.testing.case import Case


def hold(loss: str, case: Case) -> None:
    """Raise for a method that is missing, or that returns what no engine can take, on NumPy.

    Whatever else a loss raises is left to the laws.
    """
    try:
        kernel, xp, x, target, plan = case.prepared(**case.draw(), **case.each)
        axis = plan.axis if kernel.shape == "row" else None
        with np.errstate(all="ignore"):
            what = _broken(kernel, xp, x, target, plan.axis, _of_rows(x.shape, axis))
    except NotImplementedError as error:
        error.add_note(f"raised by {loss}, of {case}")
        raise
    except Exception:  # as a formula does that uses what a library lacks
        return
    if what is not None:
        raise TypeError(f"{type(kernel).__name__}.{what}: of {loss}, {case}")


def _of_rows(shape: tuple[int, ...], axis: int | None) -> tuple[int, ...]:
    """Return the shape of what has one entry per row, of size 1 along the axis."""
    return shape if axis is None else (*shape[:axis], 1, *shape[axis + 1 :])


def _broken(
    kernel: Kernel, xp: Any, x: Any, target: Any, axis: Any, rows: tuple[int, ...]
) -> str | None:
    """Return which method of a kernel returns the wrong thing, and which, None for none."""
    found = kernel.measure(xp, x, target, axis)
    if type(found) is not tuple or len(found) != 2:
        return f"measure returns {_said(found)}; it takes a pair, of statistics and what was made or None"
    s, made = found
    what = _broken_statistics(kernel, xp, s, rows)
    if what is not None:
        return what
    value = kernel.value(xp, s)
    if value is None or np.shape(value) != rows:
        return f"value returns {_said(value)}; it takes one for each row, of shape {rows}"
    gradient = kernel.gradient(xp, x, target, s, made, xp.ones_like(value), axis)
    if gradient is None or np.shape(gradient) != x.shape:
        return (
            f"gradient returns {_said(gradient)}; it takes the shape of the prediction, {x.shape}"
        )
    return None


def _broken_statistics(kernel: Kernel, xp: Any, s: Any, rows: tuple[int, ...]) -> str | None:
    """Return what is wrong with statistics, and with those that are merged, None for nothing."""
    own, measures = s, "measure"
    if kernel.before is not None:
        own, measures = s.own, "measure_after"
        if type(own) is tuple:
            return (
                f"measure_after returns {_said(own)}; it takes statistics alone, not what was made"
            )
    for leaf in leaves(own):
        if np.shape(leaf) != rows:
            return (
                f"{measures} returns statistics with {_said(leaf)}; each has the shape {rows}, as by "
                "keepdims=True"
            )
    merged = kernel.merge(xp, own, own) if kernel.merges else own
    for leaf in leaves(merged):
        if np.shape(leaf) != rows:
            return f"merge returns statistics with {_said(leaf)}; each has the shape {rows}"
    if type(merged) is not type(own) or len([*leaves(merged)]) != len([*leaves(own)]):
        return f"merge returns {_said(merged)}; it takes what {measures} returns, {_said(own)}"
    return None


def _said(x: Any) -> str:
    """Return what was returned, in a few words."""
    several = type(x) is tuple and len(x) > 0
    return f"a tuple of {len(x)}" if several else named(x)
