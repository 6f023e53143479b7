"""Families of rows of logits with labels: ``(draw, rows, width, dtype) -> (logits, labels)``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ml_dtypes
import numpy as np

from conformance.accuracy.draw import DTYPES, Array, Draw, represented

Rows = tuple[Array, Array]
Family = Callable[[Draw, int, int, str], Rows]

#: From where on exp of a gap is subnormal, and where it is 0, by the dtype that is computed in.
EDGES = {"float64": (708.0, 746.0)}
SINGLE = (87.0, 104.0)


def _labels(draw: Draw, rows: int, width: int) -> Array:
    return draw.below(width, rows)


def uniform(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Between −8 and 8."""
    z = represented(draw.between(-8, 8, rows, width), dtype)
    return z, _labels(draw, rows, width)


def wide(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Between −10⁴ and 10⁴."""
    z = represented(draw.between(-1e4, 1e4, rows, width), dtype)
    return z, _labels(draw, rows, width)


def ties(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """A peak that several classes share exactly, in every third row all of them."""
    z = represented(draw.between(-4, 4, rows, width), dtype)
    peak = z.max(axis=1, keepdims=True)
    tied = draw.below(3, rows, width) == 0
    tied[::3] = True
    return np.where(tied, peak, z), _labels(draw, rows, width)


def near_ties(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Classes a few units in the last place apart."""
    base = represented(draw.between(-8, 8, rows, 1), dtype)
    eps = float(ml_dtypes.finfo(DTYPES[dtype]).eps)
    z = represented(base * (1 + eps * draw.below(5, rows, width)), dtype)
    return z, _labels(draw, rows, width)


def _certain(draw: Draw, rows: int, width: int, gap: Array, peak: Array, dtype: str) -> Rows:
    # Two rows in three have their label at the peak, where the loss is as small as exp(−gap).
    at = _labels(draw, rows, width)
    lower = gap[:, None] + draw.between(0, 8, rows, width)
    lower[np.arange(rows), at] = 0
    label = np.where(np.arange(rows) % 3 < 2, at, _labels(draw, rows, width))
    return represented(peak[:, None] - lower, dtype), label


def certain_at_zero(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Gaps of 5 to 700 below a peak of 0: the differences are exact."""
    return _certain(draw, rows, width, draw.between(5, 700, rows), np.zeros(rows), dtype)


def certain(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Gaps of 5 to 700 below a peak anywhere from −40 to 40."""
    gap, peak = draw.between(5, 700, rows), draw.between(-40, 40, rows)
    return _certain(draw, rows, width, gap, peak, dtype)


def nearly_certain(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Gaps of 5 to 40 below a peak from −40 to 40, where single precision has a loss too."""
    gap, peak = draw.between(5, 40, rows), draw.between(-40, 40, rows)
    return _certain(draw, rows, width, gap, peak, dtype)


def shifted(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Logits of a few units around ±10⁶ (±3·10⁴ in float16)."""
    z, label = uniform(draw, rows, width, dtype)
    far = 3e4 if dtype == "float16" else 1e6
    sign = np.where(draw.below(2, rows, 1) == 0, -1.0, 1.0)
    return represented(z + sign * far, dtype), label


def masked(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Classes that are −inf; never all of them, in every fourth row all but one."""
    z, label = uniform(draw, rows, width, dtype)
    out = draw.below(2, rows, width) == 0
    out[::4] = True
    out[np.arange(rows), _labels(draw, rows, width)] = False
    return np.where(out, -np.inf, z), label


def infinite(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """One logit of +inf: certainty."""
    z, label = uniform(draw, rows, width, dtype)
    at = _labels(draw, rows, width)
    z[np.arange(rows), at] = np.inf
    return z, np.where(np.arange(rows) % 2 == 0, at, label)


def subnormal_exponentials(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Gaps for which exp, and so the loss at the peak, is subnormal or just not."""
    low, high = EDGES.get(dtype, SINGLE)
    gap = draw.between(low - 9, high - 8, rows)
    return _certain(draw, rows, width, gap, np.zeros(rows), dtype)


def subnormal_logits(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """Logits that are subnormal themselves."""
    tiny = float(ml_dtypes.finfo(DTYPES[dtype]).tiny)
    z = represented(draw.between(-2, 2, rows, width) * tiny, dtype)
    return z, _labels(draw, rows, width)


def recurrence(draw: Draw, rows: int, width: int, dtype: str) -> Rows:
    """zₖ = xₖ/64 − 8, xₖ₊₁ = 389 xₖ + 257 mod 1024; the second row is all one value."""
    x, z = np.empty((rows, width)), draw.below(1024, rows)
    for k in range(width):
        x[:, k] = z
        z = (389 * z + 257) % 1024
    x = x / 64 - 8
    x[1::2] = 0.5
    return represented(x, dtype), _labels(draw, rows, width)


FAMILIES: Mapping[str, Family] = {
    "uniform": uniform,
    "wide": wide,
    "ties": ties,
    "near ties": near_ties,
    "certain, peak 0": certain_at_zero,
    "certain": certain,
    "nearly certain": nearly_certain,
    "shifted": shifted,
    "masked": masked,
    "infinite": infinite,
    "subnormal exp": subnormal_exponentials,
    "subnormal logits": subnormal_logits,
}

INF = np.inf
#: What other libraries were seen to get wrong, by name: rows of two logits and the label.
SEEN: Mapping[str, tuple[list[list[float]], list[int]]] = {
    "seen: [20, 0]": ([[20, 0], [0, 20], [17.5, -2.5]], [0, 1, 0]),
    "seen: [10001, 10000]": ([[10001, 10000], [1e7 + 1, 1e7], [-1e7, 1 - 1e7]], [0, 0, 1]),
    "seen: masked": ([[3, -INF], [-INF, 3], [3, -INF]], [0, 1, 1]),
    "seen: no limit": ([[INF, INF], [-INF, -INF], [INF, INF]], [0, 0, 1]),
    "seen: infinite": ([[INF, 0], [0, INF], [INF, 0], [INF, -INF]], [0, 1, 1, 0]),
}


def seen(name: str, dtype: str) -> Rows:
    """Return the rows of a defect that was seen."""
    z, label = SEEN[name]
    return represented(np.array(z, dtype=np.float64), dtype), np.array(label)
