"""Laws of masks: a row that is taken out, ignored or weighs nothing is not there."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.testing.case import CLASSES, ROWS, Case
from xent.testing.compare import alike, law, require, zero


@law(lambda case: case.takes("where"))
def masked(lib: Any, case: Case) -> None:
    """A row that is taken out adds 0 and has gradient 0, whatever it holds."""
    given, keep, where = case.draw(seed=11), np.arange(ROWS) != 1, _all_but_one(case)
    left = lib.run(case.both, **{k: x[keep] for k, x in given.items()})
    for bad in (np.nan, np.inf):
        spoilt = {k: x.copy() for k, x in given.items()}
        for x in spoilt.values():
            x[1] = bad if x.dtype.kind == "f" else -5
        got = lib.run(case.both, **spoilt, where=where)
        alike((got[0], got[1][keep]), left, 16, word=f" beside a row of {bad}")
        zero(f"the gradient, taken out for its {bad},", _of_row(got[1], 1))
        if case.each:
            zero(
                "the value of the row",
                lib.run(case.function, **spoilt, where=where, **case.each)[1],
            )


@law(lambda case: case.takes("ignore_index"))
def ignored(lib: Any, case: Case) -> None:
    """A row whose label is ignored is one that is taken out."""
    given = case.draw(seed=12)
    wanted = lib.run(case.both, **given, where=_all_but_one(case))
    given[case.target][1] = -100
    given[case.form][1] = np.nan
    for ignored in (-100, (-1, -100)):
        alike(lib.run(case.both, **given, ignore_index=ignored), wanted, 4)


@law(
    lambda case: case.takes("sample_weight") and case.kind in ("labels", "distributions", "binary")
)
def silenced(lib: Any, case: Case) -> None:
    """A sample weight of 0 silences an infinite cost, and nothing left is 0."""
    given = case.draw(seed=13)
    lost = {"logits": -np.inf, "log_probs": -np.inf}.get(case.form, 0.0)
    given[case.form][1, 0] = lost
    given[case.target][1] = {"labels": 0, "distributions": np.eye(CLASSES)[0], "binary": 1.0}[
        case.kind
    ]
    shape = given[case.form].shape if case.elementwise else (ROWS,)
    s = np.ones(shape)
    s[1] = 0
    got = lib.run(case.both, **given, sample_weight=s)
    require(np.all(np.isfinite(got[0])), f"the value is {got[0]}, wanted a finite one")
    zero("the gradient, weighing nothing,", _of_row(got[1], 1))
    if "reduction" not in case.names:
        return
    nothing = lib.run(case.both, **given, sample_weight=np.zeros(shape))
    zero("the value of nothing", nothing[0])
    zero("the gradient of nothing", nothing[1])


def _all_but_one(case: Case) -> Any:
    """Return the mask that takes a row out."""
    keep = np.arange(ROWS) != 1
    return np.repeat(keep[:, None], CLASSES, axis=1) if case.elementwise else keep


def _of_row(x: Any, row: int) -> Any:
    """Return one row in its place, and 0 in the others."""
    there = np.zeros_like(x)
    there[row] = x[row]
    return there
