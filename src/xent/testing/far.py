"""Laws of what is far out: classes that are all but certain, and all but impossible, of every loss.

There a value that is cut off, or a gradient that is put to 0 where it is small, is not seen among moderate
numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.testing.case import CLASSES, Case
from xent.testing.compare import MODERATE, close, has_rows, law
from xent.testing.gradients import STEP, differences
from xent.testing.told import told

RARE = (30.0, 90.0, 150.0, 300.0, 600.0)
"""Minus the logarithms of probabilities, all of which float64 holds."""
SURE = (8.0, 16.0, 24.0, 36.0, 60.0)
"""Logits beside which those of the other classes are moderate."""


def _rows(case: Case, logs: tuple[float, ...]) -> dict[str, Any]:
    """Return rows whose class 0 has these for its logit, or for its log-probability, and most of the target.

    Elements that are rows by themselves are those of class 0 alone.
    """
    given = case.draw(seed=19, rows=len(logs))
    own = np.asarray(logs)
    given[case.form][:, 0] = np.exp(own) if case.form in ("probs", "q") else own
    if case.kind == "labels":
        given[case.target][:] = 0
    if case.kind in ("distributions", "binary"):
        given[case.target] = 0.1 * given[case.target] + 0.9 * _one(case)
    return {k: x[:, :1] for k, x in given.items()} if case.elementwise else given


def _word(case: Case, what: str, given: dict[str, Any]) -> str:
    """Return what is compared, with what makes each row another."""
    own = ", ".join(f"{x:.3g}" for x in given[case.form][:, 0])
    return f"the {what}, the {case.form} of class 0 being {own},"


def _one(case: Case) -> Any:
    """Return the target that is class 0 for certain."""
    return np.ones(1) if case.elementwise else np.eye(CLASSES)[0]


@law(lambda case: has_rows(case) and case.textbook is not None)
def rare(lib: Any, case: Case) -> None:
    """The value is the textbook's where a class is all but impossible, as far as that tells it."""
    given = _rows(case, tuple(-x for x in RARE))
    wanted, doubt = told(case, given)
    got = lib.run(case.function, **given, **case.each)
    known = np.isfinite(doubt)
    off = np.where(known, doubt + 1e-11 * np.abs(wanted), 1.0)
    close(_word(case, "value", given), np.where(known, got, 0.0), wanted, 1, scale=off)


@law(has_rows)
def slopes(lib: Any, case: Case) -> None:
    """Far out, too, the gradient is the derivative of the value, each entry by its own digits."""
    given = _rows(case, tuple(-x for x in RARE))
    _hold_slopes(lib, case, given)
    if case.form == "logits":
        given = _rows(case, SURE)
        if case.kind in ("distributions", "binary"):
            given[case.target][:] = _one(case)
        _hold_slopes(lib, case, given)


def _hold_slopes(lib: Any, case: Case, given: dict[str, Any]) -> None:
    """Raise unless the gradient is what differences make of the value on NumPy, as far as they tell it."""
    x = given[case.form]

    def function(y: Any) -> Any:
        return case.function(**{**given, case.form: y}, **case.each)

    value, wanted = np.asarray(function(x)), differences(function, x)
    size = np.abs(value if value.ndim == 2 else value[:, None])
    with np.errstate(all="ignore"):
        rounding = MODERATE * 2.0**-52 * size / (STEP * np.minimum(1.0, np.abs(x)))
        off = rounding + 1e-6 * np.abs(wanted)
    known = np.isfinite(wanted) & np.isfinite(off)
    got = lib.run(case.both, **given, **case.each)[1]
    off = np.where(known, np.maximum(off, np.finfo(off.dtype).tiny), 1.0)
    close(_word(case, "gradient", given), np.where(known, got, wanted), wanted, 1, scale=off)
