"""Laws of limits: what a loss is where a logit is infinite or NaN, and that it loses no digits before."""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.testing.case import CLASSES, Case, narrowed
from xent.testing.compare import alike, close, largest, law, near, require, tends

FAR = 4000.0
"""A logit beside which the exponentials of moderate ones are 0."""
FURTHER = (1e20, 1e40, 1e80)
"""Logits that tell what becomes of a loss at infinity, even where it grows like a logarithm."""
PLACES = (
    ("of a label at +inf", 0, 1),
    ("of a label at -inf", 0, -1),
    ("beside a rival at +inf", 1, 1),
    ("beside a rival at -inf", 1, -1),
)


def knows_labels(case: Case) -> bool:
    """Whether a row is a label and logits."""
    return case.kind == "labels" and case.form == "logits"


def _rows(case: Case, at: int, logit: float, label: int = 0) -> dict[str, Any]:
    given = case.draw(seed=15, rows=1)
    given[case.form][0, at] = logit
    given[case.target][0] = label
    return given


def _settled(case: Case, at: int, sign: float) -> Any:
    """Return the textbook's value where it no longer changes with the logit, None where it does."""
    with np.errstate(all="ignore"):
        near_by, far = (np.sum(case.said(_rows(case, at, sign * x))) for x in (20.0, 30.0))
    return far if np.abs(far - near_by) <= 1e-7 * (1 + np.abs(far)) else None


def _both(lib: Any, case: Case, at: int, logit: float, dtype: Any = np.float64) -> Any:
    """Return value and gradient of a row."""
    given = narrowed(_rows(case, at, logit), dtype)
    return lib.run(case.both, **given, reduction="sum")


def _defined(what: str, value: Any, gradient: Any) -> None:
    """Raise for a NaN of finite logits, in the value, and in the gradient of a finite one."""
    require(not np.isnan(value), f"the value {what} is {value}, of finite logits")
    lost = np.isfinite(value) and np.isnan(gradient).any()
    require(not lost, f"the gradient {what} is {gradient}, of finite logits")


def _limit(lib: Any, case: Case, what: str, at: int, sign: int, got: Any) -> Any:
    """Return what value and gradient tend to, as `tends` says of what is got."""
    series = []
    for x in FURTHER:
        series.append(_both(lib, case, at, sign * x))
        _defined(f"{what}{sign * x:+g}", *series[-1])
    return [tends(*four) for four in zip(*series, got, strict=True)]


@law(lambda case: knows_labels(case) and "reduction" in case.names)
def infinite(lib: Any, case: Case) -> None:
    """A single infinite logit gives the limit, in value and gradient."""
    for what, at, sign in PLACES:
        for x in (20.0, 50.0, 100.0, 800.0, FAR):
            for dtype in (np.float64, np.float32):
                word = f"{what[:-4]}{sign * x:+g} in {np.dtype(dtype).name}"
                _defined(word, *_both(lib, case, at, sign * x, dtype))
        got = _both(lib, case, at, sign * np.inf)
        alike(got, _limit(lib, case, what[:-4], at, sign, got), 16, word=f" {what}")


@law(lambda case: knows_labels(case) and "reduction" in case.names and case.textbook is not None)
def settled(lib: Any, case: Case) -> None:
    """Far out the value is what the textbook's has become before."""
    for what, at, sign in PLACES:
        wanted = _settled(case, at, sign)
        if wanted is not None:
            value = lib.run(case.function, **_rows(case, at, sign * FAR), reduction="sum")
            word = f"the value {what[:-4]}{sign * FAR:+g}"
            close(word, value, wanted, 1e-6, scale=1 + np.abs(wanted))


@law(lambda case: case.form == "logits" and not case.elementwise and bool(case.each))
def lost(lib: Any, case: Case) -> None:
    """Two logits of +inf, a row of −inf and a NaN have no value, and what has one has a gradient."""
    for what, fill in (
        ("two logits of +inf", {1: np.inf, 3: np.inf}),
        ("a row of -inf", dict.fromkeys(range(CLASSES), -np.inf)),
        ("a NaN first", {0: np.nan}),
        ("a NaN last", {CLASSES - 1: np.nan}),
    ):
        given = case.draw(seed=16)
        for at, x in fill.items():
            given[case.form][1, at] = x
        rows, gradient = lib.run(case.both, **given, **case.each)
        there = rows[1]
        require(np.all(np.isnan(there)), f"the value of row 1, of {what}, is {there}, wanted nan")
        require(
            np.all(np.isnan(gradient[1])),
            f"the gradient of row 1, of {what}, is {gradient[1]}, wanted nan",
        )
        others = np.isfinite(rows[[0, 2]]).all() and np.isfinite(gradient[[0, 2]]).all()
        require(others, f"{what} in row 1 reaches rows 0 and 2: {rows}, {gradient}")


@law(lambda case: case.form == "logits" and case.kind in ("labels", "binary") and bool(case.each))
def digits(lib: Any, case: Case) -> None:
    """No digit is lost near certainty: float32 agrees with float64."""
    sure = np.asarray([4.0, 8.0, 12.0, 16.0])
    if case.elementwise:
        z = np.stack([sure, -sure], axis=-1)
        given = {case.target: np.asarray([[1.0, 0.0]] * 4), case.form: z}
    else:
        z = np.zeros((4, CLASSES))
        z[:, 0] = sure
        given = {case.target: np.zeros(4, int), case.form: z}
    wide = lib.run(case.both, **given, **case.each)
    narrow = lib.run(case.both, **narrowed(given), **case.each)
    alike(narrow, wide, word=" in float32")


@law(lambda case: case.form == "logits" and case.takes("softcap", "reduction"))
def capped(lib: Any, case: Case) -> None:
    """A softcap acts before anything else sees the logits."""
    given, cap = case.draw(seed=17), 4.0
    inside = {**given, case.form: cap * np.tanh(given[case.form] / cap)}
    wanted = lib.run(case.both, **inside)
    got = lib.run(case.both, **given, softcap=cap)
    slope = 1 - np.tanh(given[case.form] / cap) ** 2
    near("the value", got[0], wanted[0])
    near("the gradient", got[1], wanted[1] * slope, scale=largest(wanted[1]))


@law(lambda case: case.form == "logits" and case.takes("temperature", "reduction"))
def tempered(lib: Any, case: Case) -> None:
    """A temperature divides the logits before anything else sees them."""
    given, temperature = case.draw(seed=19), 2.0
    cooled = {
        k: x / temperature if k == case.form or case.kind == "target_logits" else x
        for k, x in given.items()
    }
    wanted = lib.run(case.both, **cooled)
    got = lib.run(case.both, **given, temperature=temperature)
    near("the value", got[0], wanted[0])
    near("the gradient", got[1], wanted[1] / temperature, scale=largest(wanted[1]))


@law(lambda case: case.takes("z_loss", "reduction") and case.form == "logits")
def z_loss(lib: Any, case: Case) -> None:
    """A z_loss adds its multiple of logsumexp² to each row."""
    given = case.draw(seed=18)
    lse = np.log(np.sum(np.exp(given[case.form]), axis=-1))
    rows = lib.run(case.function, **given, **case.each)
    got = lib.run(case.function, **given, z_loss=0.125, **case.each)
    near("the value", got, rows + 0.125 * lse**2)
