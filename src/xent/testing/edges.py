"""Laws of the edges of probability: near 1 and near 0, where a label's entry is a probability itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.testing.case import CLASSES, Case, narrowed
from xent.testing.compare import MODERATE, alike, close, eps, largest, law, near, require, tends
from xent.testing.told import told

RIVAL = 1e-30
"""A probability of the other classes that is next to nothing, and no 0 for a textbook's logarithm."""
FALLING = {"probs": (1e-75, 1e-150, 1e-300), "log_probs": (-1e20, -1e40, -1e80)}
"""Entries that tell what becomes of a loss at a probability of 0, each the square of the one before."""


def knows_probabilities(case: Case) -> bool:
    """Whether a row is a label and probabilities, or their logarithms."""
    return case.kind == "labels" and case.form != "logits" and bool(case.each)


def _rows(case: Case, own: Any, rival: float = RIVAL) -> dict[str, Any]:
    """Return rows whose label is class 0, with this for its entry."""
    x = np.full((len(own), CLASSES), np.log(rival) if case.form == "log_probs" else rival)
    x[:, 0] = own
    return {case.target: np.zeros(len(own), int), case.form: x}


def _near_one(case: Case, steps: Any, one: float) -> Any:
    """Return entries that are so many steps below that of certainty."""
    return (0.0 if case.form == "log_probs" else 1.0) - np.asarray(steps) * one


def _sure(case: Case) -> dict[str, Any]:
    """Return rows at certainty and just below, that float32 holds."""
    given = _rows(case, _near_one(case, [0, 1, 2, 3, 5, 64, 4096, 2.0**21], 2.0**-24))
    given[case.form] = given[case.form].astype(np.float32).astype(np.float64)
    return given


def _of(case: Case, probs: Any) -> Any:
    with np.errstate(divide="ignore"):
        p = np.asarray(probs, np.float64)
        return np.log(p) if case.form == "log_probs" else p


@law(knows_probabilities)
def certain(lib: Any, case: Case) -> None:
    """No digit is lost where a probability is 1 or just below: float32 agrees with float64."""
    given = _sure(case)
    got = lib.run(case.both, **narrowed(given), **case.each)
    wanted = lib.run(case.both, **given, **case.each)
    alike(got, wanted, word=" in float32")


@law(lambda case: knows_probabilities(case) and case.textbook is not None)
def said(lib: Any, case: Case) -> None:
    """Where a probability is 1 or just below, the value in float32 is the textbook's in float64."""
    given = _sure(case)
    got = lib.run(case.function, **narrowed(given), **case.each)
    wanted, doubt = told(case, given)
    known, scale = np.isfinite(doubt), np.abs(wanted) + doubt / (MODERATE * eps(got))
    scale[0] = max(scale[0], 1.0)  # at 1 itself, where a textbook is exact but for its rounding
    near("the value", got[known], wanted[known], scale=scale[known])


@law(knows_probabilities)
def steep(lib: Any, case: Case) -> None:
    """In float64 just below 1 the value changes as the gradient says, from one number to the next."""
    for n in (1, 2, 3, 16, 1024):
        own = _near_one(case, [2 * n, 3 * n, 4 * n], 2.0**-53)
        value, gradient = lib.run(case.both, **_rows(case, own), **case.each)
        slope = gradient[:, 0]
        if not np.isfinite(slope).all():
            continue
        wanted = (slope[0] + 4 * slope[1] + slope[2]) / 6 * (own[0] - own[2])
        rounding = MODERATE * eps(value) * np.max(np.abs(value)) + 0.02 * np.abs(wanted)
        close(
            f"the change {2 * n} to {4 * n} ULP below 1",
            value[0] - value[2],
            wanted,
            1,
            scale=rounding,
        )


@law(knows_probabilities)
def rare(lib: Any, case: Case) -> None:
    """The slope is right where a probability is small, too."""
    for p in (1e-3, 1e-6, 1e-12, 1e-30):
        h = 1e-3
        own = _of(case, [p * (1 - h), p, p * (1 + h)])
        given = _rows(case, own, 0.125)
        value, gradient = lib.run(case.both, **given, **case.each)
        slope = gradient[1, 0]
        require(np.isfinite(slope), f"the slope at a probability of {p} is {slope}")
        change = own[2] - own[0]
        rounding = MODERATE * eps(value) * np.max(np.abs(value)) + 1e-4 * np.abs(slope * change)
        word = f"the change by the gradient about a probability of {p}"
        close(word, slope * change, value[2] - value[0], 1, scale=rounding)
        narrow = lib.run(case.both, **narrowed(given), **case.each)[1]
        if np.max(np.abs(gradient)) < 1e37:
            word = f"the gradient at a probability of {p} in float32"
            near(
                word,
                narrow,
                gradient,
                2 * MODERATE * np.maximum(1, np.abs(own).max()),
                scale=largest(gradient),
            )


@law(knows_probabilities)
def impossible(lib: Any, case: Case) -> None:
    """A probability of 0 gives the limit, in value and slope: infinite where it grows without end."""
    value, gradient = lib.run(case.both, **_rows(case, FALLING[case.form], 0.125), **case.each)
    given = _rows(case, _of(case, [0.0]), 0.125)
    for dtype in (np.float64, np.float32):
        got = lib.run(case.both, **narrowed(given, dtype), **case.each)
        word = f"at a probability of 0 in {np.dtype(dtype).name}"
        for what, x, of in (
            ("value", got[0], value),
            ("slope", got[1][:, 0], gradient[:, 0]),
        ):
            wanted = tends(of[0], of[1], of[2], np.float64(x[0]))
            size = 1 + np.abs(wanted) if np.isfinite(wanted) else 1.0
            close(f"the {what} {word}", x, np.asarray([wanted]), 1e-4, scale=size)
