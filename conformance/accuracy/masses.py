"""Families of pairs of distributions (p, q): ``(draw, rows, width, dtype) -> (p, q)``.

Probabilities are counts over a power of two, so that a row sums to exactly 1 in every dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ml_dtypes
import numpy as np

from conformance.accuracy.draw import DTYPES, Array, Draw, represented

Pair = tuple[Array, Array]
Family = Callable[[Draw, int, int, str], Pair]


def digits(dtype: str) -> int:
    """Return the bits of a dtype's significand."""
    return int(ml_dtypes.finfo(DTYPES[dtype]).nmant) + 1


def simplex(draw: Draw, rows: int, width: int, dtype: str) -> Pair:
    """Two distributions that know nothing of each other."""
    bits = digits(dtype) - 1
    return draw.simplex(rows, width, bits), draw.simplex(rows, width, bits)


def near_equal(draw: Draw, rows: int, width: int, dtype: str) -> Pair:
    """Q is p with a few of the smallest units moved from one class to another."""
    unit, every = 2.0 ** (1 - digits(dtype)), np.arange(rows)
    p = draw.simplex(rows, width, digits(dtype) - 1)
    q = p.copy()
    for _ in range(3):
        source, goal = q.argmax(axis=1), draw.below(width, rows)
        moved = unit * (1 + draw.below(3, rows)) * (q[every, source] > 4 * unit)
        q[every, source] -= moved
        q[every, goal] += moved
    return p, q


def closer(draw: Draw, rows: int, width: int, dtype: str) -> Pair:
    """Q is p changed by 2⁻³ to 2⁻¹² of itself: around |r| = ¼ and well within the series."""
    p = draw.simplex(rows, width, digits(dtype) - 1)
    change = np.ldexp(draw.between(-1, 1, rows, width), -draw.below(10, rows, 1))
    return p, np.minimum(represented(p * (1 + change), dtype), 1.0)


def equal(draw: Draw, rows: int, width: int, dtype: str) -> Pair:
    """Q is p."""
    p, _ = simplex(draw, rows, width, dtype)
    return p, p


def zeros(draw: Draw, rows: int, width: int, dtype: str) -> Pair:
    """Classes that p, q or both exclude: q = 0 < p in every fourth row alone."""
    p, q = simplex(draw, rows, width, dtype)
    p = np.where(draw.below(3, rows, width) == 0, 0.0, p)
    out = draw.below(3, rows, width) == 0
    out[np.arange(rows) % 4 != 0] &= p[np.arange(rows) % 4 != 0] == 0
    return p, np.where(out, 0.0, q)


def one_hot(draw: Draw, rows: int, width: int, dtype: str) -> Pair:
    """P is certain of one class."""
    _, q = simplex(draw, rows, width, dtype)
    return np.eye(width)[draw.below(width, rows)], q


def edges(draw: Draw, rows: int, width: int, dtype: str) -> Pair:
    """All but a few of the smallest units are on one class, mostly the same for p and q."""
    low, every = digits(dtype), np.arange(rows)
    p, q = (np.ldexp(draw.below(3, rows, width).astype(float), -low) for _ in range(2))
    at = draw.below(width, rows)
    other = np.where(every % 4 == 0, draw.below(width, rows), at)
    for x, here in ((p, at), (q, other)):
        x[every, here] = 0
        x[every, here] = 1 - x.sum(axis=1)
    return represented(p, dtype), represented(q, dtype)


def tiny(draw: Draw, rows: int, width: int, dtype: str) -> Pair:
    """Probabilities over the whole range of exponents, one of them nearly 1."""
    low = int(ml_dtypes.finfo(DTYPES[dtype]).minexp) + 1
    p, q = (draw.powers(low, -3, rows, width) for _ in range(2))
    at = draw.below(width, rows)
    p[np.arange(rows), at] = q[np.arange(rows), at] = 1 - 2.0**-4
    return represented(p, dtype), represented(q, dtype)


def subnormal(draw: Draw, rows: int, width: int, dtype: str) -> Pair:
    """Half of the classes have subnormal probabilities, never all of them."""
    p, q = simplex(draw, rows, width, dtype)
    least = float(ml_dtypes.finfo(DTYPES[dtype]).tiny)
    out = draw.below(2, rows, width) == 0
    out[np.arange(rows), p.argmax(axis=1)] = False
    low_p, low_q = (represented(draw.unit(rows, width) * least, dtype) for _ in range(2))
    return np.where(out, low_p, p), np.where(out, low_q, q)


FAMILIES: Mapping[str, Family] = {
    "simplex": simplex,
    "near equal": near_equal,
    "closer": closer,
    "equal": equal,
    "zeros": zeros,
    "one-hot": one_hot,
    "edges": edges,
    "tiny": tiny,
    "subnormal": subnormal,
}

SEEN: Mapping[str, tuple[list[list[float]], list[list[float]]]] = {
    "seen: p = q = 0": ([[0.5, 0.5, 0], [1, 0, 0]], [[0.25, 0.75, 0], [1, 0, 0]]),
    "seen: p = q": ([[0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3]], [[0.1, 0.2, 0.7], [1 / 3] * 3]),
    "seen: not continuous": ([[0.5, 0.5, 0]], [[1, 0, 0]]),
}


def seen(name: str, dtype: str) -> Pair:
    """Return the rows of a defect that was seen."""
    p, q = SEEN[name]
    return represented(np.array(p, dtype=float), dtype), represented(
        np.array(q, dtype=float), dtype
    )


def targets(draw: Draw, z: Array, label: Array, dtype: str) -> Array:
    """Return targets for rows of logits, five kinds in turn: soft, certain, sparse, nearly certain,
    and of half the mass; 0 at a masked class in all rows but every fourth.
    """
    rows, width = z.shape
    kind, hot = np.arange(rows) % 5, (np.arange(width) == label[:, None]).astype(float)
    soft = draw.simplex(rows, width, digits(dtype) - 1)
    sparse = np.where(draw.below(2, rows, width) == 0, soft, 0.0)
    unit = 2.0 ** (1 - digits(dtype))
    almost = np.where(hot == 1, 1 - unit * (width - 1), unit) if width * unit < 1 else hot
    t = np.select([kind[:, None] == k for k in range(4)], [soft, hot, sparse, almost], soft / 2)
    silent = np.isinf(z) & (z < 0) & (np.arange(rows) % 4 != 0)[:, None]
    return represented(np.where(silent, 0.0, t), dtype)
