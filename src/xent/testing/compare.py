"""The laws, by their names; and comparisons that say where two arrays differ, in ULP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xent import _dtype
from xent.testing.case import Case

MODERATE = 64
"""ULP within which a loss is the same computed in two ways, at moderate arguments."""


@dataclass(frozen=True)
class Law:
    """What holds of every loss.

    Attributes
    ----------
    name : the law in a few words
    holds : (library, case) -> None, which raises where it is broken
    when : whether it is about a case
    of : the libraries that it is about, None for all
    """

    name: str
    holds: Callable[[Any, Case], None]
    when: Callable[[Case], bool]
    of: tuple[str, ...] | None


LAWS: list[Law] = []


def law(
    when: Callable[[Case], bool] = lambda case: True, of: tuple[str, ...] | None = None
) -> Callable[[Callable[[Any, Case], None]], Callable[[Any, Case], None]]:
    """Make a function a law, which its docstring names."""

    def wrap(holds: Callable[[Any, Case], None]) -> Callable[[Any, Case], None]:
        name = (holds.__doc__ or holds.__name__).splitlines()[0].rstrip(".")
        LAWS.append(Law(name, holds, when, of))
        return holds

    return wrap


def has_rows(case: Case) -> bool:
    """Whether each row has its value."""
    return bool(case.each)


def require(holds: Any, what: str) -> None:
    """Raise unless something holds; no `assert`, which Python can be told to leave out."""
    if not holds:
        raise AssertionError(what)


def eps(x: Any) -> float:
    """Return the distance from 1 to the next number of a dtype."""
    return _dtype.EPS.get(x.dtype.name, 2.0**-52)


def tiny(x: Any) -> float:
    """Return the smallest number of full precision of a dtype."""
    return 2.0**-126 if x.dtype.name in ("float32", "bfloat16") else 2.0**-1022


def largest(x: Any) -> Any:
    """Return the largest finite entry of each row, by which the terms of a gradient are measured."""
    size = np.abs(np.where(np.isfinite(x), x, 0.0))
    return np.max(size, axis=-1, keepdims=True, initial=0.0) if size.ndim else size


def near(what: str, got: Any, want: Any, ulp: float = MODERATE, *, scale: Any = None) -> None:
    """Raise unless two arrays agree within so many ULP of ``want``, or of ``scale``.

    Infinities and NaN agree with their like alone. Below the smallest number of full precision, which a
    library may take for 0, nothing is as exact.
    """
    got, want = np.asarray(got), np.asarray(want)
    require(got.shape == want.shape, f"{what} has shape {got.shape}, wanted {want.shape}")
    one, least = eps(got), tiny(got) * (ulp > 0)
    got, want = got.astype(np.float64), want.astype(np.float64)
    size = np.abs(want) if scale is None else np.broadcast_to(scale, want.shape)
    with np.errstate(all="ignore"):
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        off = np.abs(got - want)
        off = np.where(same | (off < least), 0.0, off / (one * size))
    off = np.where(np.isnan(off), np.inf, off)
    if np.any(off > ulp):
        at = tuple(int(i) for i in np.unravel_index(np.argmax(off), off.shape))
        raise AssertionError(
            f"{what}{_place(at)} is {float(got[at])!r}, wanted {float(want[at])!r}: "
            f"{off[at]:.3g} ULP off, {ulp:.3g} allowed"
        )


def alike(got: Any, want: Any, ulp: float = MODERATE, *, word: str = "") -> None:
    """Raise unless two values and their gradients agree, these beside the largest of their row."""
    near(f"the value{word}", got[0], want[0], ulp)
    near(f"the gradient{word}", got[1], want[1], ulp, scale=largest(want[1]))


def tends(a: Any, b: Any, c: Any, got: Any) -> Any:
    """Return what numbers tend to that are a at x, b at x² and c at x⁴, far out; infinite without a limit.

    There powers of x have settled, or grow without end, and steps of a power of log x are in one ratio:
    if they shrink they have a sum (Aitken), as those of a square root of log x do, by √½, but not those of
    log log x, by 1. What the terms of that cancel to is 0. A low power of x has not settled: what it
    still lacks is ρ, ρ² and ρ⁴ of a number. Of the two limits it is the one that is nearer to ``got``.
    """
    with np.errstate(all="ignore"):
        before, step = b - a, c - b
        ratio = np.where(before == 0, 0.0, step / before)
        rho = (np.sqrt(1 + 4 * np.maximum(ratio, 0.0)) - 1) / 2
        sums = (c + step * r / (1 - r) for r in (ratio, rho * rho))
        limit = nearer(got, *sums)
        limit = np.where(ratio < 0.85, limit, np.copysign(np.inf, step))
        limit = np.where(np.abs(limit) < 1e-3 * np.abs(a), 0.0, limit)
        rests = ~(np.abs(step) > 1e-12 * np.abs(c)) | ~np.isfinite(c)
    return np.where(rests, c, limit)


def nearer(x: Any, a: Any, b: Any) -> Any:
    """Return of two numbers the one that is nearer to ``x``, the first where that is no number."""
    return np.where(np.abs(x - b) < np.abs(x - a), b, a)


def close(what: str, got: Any, want: Any, rounding: float, *, scale: Any) -> None:
    """Raise unless two float64 arrays agree but for ``rounding``, relative to ``scale``."""
    near(what, np.asarray(got, np.float64), want, rounding * 2.0**52, scale=scale)


def zero(what: str, x: Any) -> None:
    """Raise unless an array is exactly 0."""
    near(what, x, np.zeros_like(x), 0)


def _place(at: tuple[int, ...]) -> str:
    if not at:
        return ""
    row, *more = at
    return f" of row {row}" + (f", class {', '.join(map(str, more))}" if more else "")
