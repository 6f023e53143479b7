"""Laws of what is not there: a class of which the target, the prediction or both have nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from xent.testing.case import Case, narrowed
from xent.testing.compare import close, law, require, tends
from xent.testing.edges import FALLING
from xent.testing.kernels import slopes_in_target
from xent.testing.limits import FURTHER

PLACES = {"the target": (True, False), "the prediction": (False, True), "both": (True, True)}
"""What has nothing of class 0."""
NEAR_ONE = (2.0**-13, 2.0**-26, 2.0**-52)
"""What probabilities lack to 1, each the square of the one before."""


def _nothing(form: str, alone: bool) -> tuple[float, Any]:
    """Return what says in a form that a class has nothing, and three numbers that come near it.

    Far out where that is not beside another, which has as many of its own.
    """
    few = np.asarray(FALLING["probs"])
    if form in ("logits", "log_probs"):
        return -np.inf, -np.asarray(FURTHER) if alone else np.log(few)
    return 0.0, few


def _everything(form: str, alone: bool) -> tuple[float, Any]:
    """Return the same of what has everything."""
    lack = np.asarray(NEAR_ONE)
    if form == "logits":
        return np.inf, FURTHER if alone else -np.log(lack)
    most = 0.0 if form == "log_probs" else 1.0
    return most, most - lack


def _rows(case: Case, target: Any, prediction: Any) -> dict[str, Any]:
    """Return rows whose class 0 has these entries; None leaves what is moderate."""
    given = {k: np.repeat(x, 3, axis=0) for k, x in case.draw(seed=21, rows=1).items()}
    for name, own in ((case.target, target), (case.form, prediction)):
        if own is not None:
            given[name][:, 0] = own
    return {k: x[:, :1] for k, x in given.items()} if case.elementwise else given


def _both(lib: Any, case: Case, given: dict[str, Any]) -> tuple[Any, Any]:
    value, gradient = lib.run(case.both, **given, **case.each)
    return np.reshape(value, (3, -1))[:, 0], gradient


EDGES: dict[str, Callable[[str, bool], tuple[float, Any]]]
EDGES = {"nothing": _nothing, "everything": _everything}


@law(lambda case: case.kind != "labels" and bool(case.each))
def absent(lib: Any, case: Case) -> None:
    """A class of which target, prediction or both have nothing has the limits of that, and no NaN."""
    _hold(lib, case, "nothing")


@law(lambda case: case.elementwise and bool(case.each))
def certain(lib: Any, case: Case) -> None:
    """An element of which target, prediction or both have everything has the limits of that, and no NaN."""
    _hold(lib, case, "everything")


@law(lambda case: case.kind in ("distributions", "target_logits", "binary"), of=("numpy",))
def absent_in_target(lib: Any, case: Case) -> None:
    """Where a class has nothing, or an element everything, the gradient in the target is no NaN."""
    for edge in EDGES if case.elementwise else ("nothing",):
        for word, _, _, at in _places(case, edge):
            kernel, xp, x, t, plan = case.prepared(**at, **case.each)
            with np.errstate(all="ignore"):
                value = kernel.value(xp, kernel.measure(xp, x, t, plan.axis)[0])
                found = slopes_in_target(kernel, xp, x, t, plan.axis)
            for g in found:
                lost = np.any(np.isfinite(value) & np.isnan(g))
                require(not lost, f"the gradient in the target {word} is {g[0]}")


def _places(case: Case, edge: str) -> Iterator[tuple[str, bool, Any, Any]]:
    """Yield where an edge is, whether of one side alone, rows that come near it, and rows that are there."""
    of = EDGES[edge]
    form = "logits" if case.kind == "target_logits" else "probs"
    for what, (of_target, of_prediction) in PLACES.items():
        if of_target and case.kind == "nothing":
            continue
        alone = what != "both"
        (last, falling), (least, sinking) = of(form, alone), of(case.form, alone)
        series = _rows(case, falling if of_target else None, sinking if of_prediction else None)
        at = _rows(case, last if of_target else None, least if of_prediction else None)
        yield f"where {what} of class 0 {'has' if alone else 'have'} {edge}", alone, series, at


def _hold(lib: Any, case: Case, edge: str) -> None:
    for where, alone, series, at in _places(case, edge):
        value, gradient = _both(lib, case, series)
        for dtype in (np.float64, np.float32):
            got, slopes = _both(lib, case, narrowed(at, dtype))
            word = f"{where} in {np.dtype(dtype).name}"
            wanted = tends(value[0], value[1], value[2], got[0])
            size = 1 + np.abs(wanted) if np.isfinite(wanted) else 1.0
            close(f"the value {word}", got[0], wanted, 1e-4, scale=size)
            lost = np.isfinite(wanted) and np.isnan(slopes[0]).any()
            require(not lost, f"the gradient {word} is {slopes[0]}")
            if alone:
                a, b, c = gradient[:, 0]
                slope = tends(a, b, c, slopes[0, 0])
                size = 1 + np.abs(slope) if np.isfinite(slope) else 1.0
                close(f"the slope {word}", slopes[0, 0], slope, 1e-4, scale=size)
