"""Rényi's and Tsallis's measures and slopes as they are written, at 60 digits, and how ours are held."""

import mpmath
import numpy as np

from tests.near import assert_near
from xent.kernels import renyi, tsallis

GOAL = 8
ORDERS = [0.0, 0.25, 0.5, 0.999, 1.0, 1.001, 2.0, 5.0, 50.0]
DTYPES = ["float32", "float64"]


def rows(dtype):
    """Return rows of p and q: ordinary, near one another, and with classes that have next to nothing."""
    rng = np.random.default_rng(5)
    p = np.concatenate([rng.dirichlet(np.full(7, a), 6) for a in (3.0, 1.0, 0.1)])
    q = np.concatenate([rng.dirichlet(np.full(7, a), 6) for a in (3.0, 1.0, 0.1)])
    close = p[:6] * (1 + 1e-3 * rng.standard_normal((6, 7)))
    return (
        np.maximum(x, 1e-30).astype(dtype)
        for x in (np.concatenate([p, p[:6]]), np.concatenate([q, close]))
    )


def order_in(dtype, order):
    """Return the order as an array has it: libraries that trace it make one of it."""
    return float(np.dtype(dtype).type(order))


def power_of(x, b):
    """Return (xᵇ − 1)/b."""
    return mpmath.log(x) if b == 0 else (x**b - 1) / b


def slope_and_size(x, a, origin=0, mass=1):
    """Return (a yᵇ − 1)/b/mass of y = x e^−origin, and a number that its terms are as large as."""
    b, y = a - 1, x * mpmath.exp(-origin)
    by_logs = 1 + a * (abs(mpmath.log(x)) + abs(origin)) * max(1, y**b)
    size = by_logs if b == 0 else min((a * y**b + 1) / abs(b), by_logs)
    return (1 + a * power_of(y, b)) / mass, size / mass


def tsallis_of(p, q, a):
    """Return value, slopes in q, and slopes in p with their sizes, of Tsallis's divergence."""
    terms = [x * power_of(x / y, a - 1) for x, y in zip(p, q, strict=True)]
    in_p = [slope_and_size(x / y, a) for x, y in zip(p, q, strict=True)]
    in_q = [-((x / y) ** a) for x, y in zip(p, q, strict=True)]
    return sum(terms), in_q, in_p


def renyi_of(p, q, a):
    """Return the same of Rényi's."""
    b, mass = a - 1, sum(p)
    value, in_q, _ = tsallis_of(p, q, a)
    whole = sum(x * (x / y) ** b for x, y in zip(p, q, strict=True))
    r = value / mass if b == 0 else mpmath.log(whole / mass) / b
    in_p = [slope_and_size(x / y, a, r, mass) for x, y in zip(p, q, strict=True)]
    return r, [x / whole for x in in_q], in_p


def exact(formula, p, q, order):
    """Return each of them as an array, in float64."""
    with mpmath.workdps(60):
        pairs = [[[mpmath.mpf(float(x)) for x in row] for row in rows] for rows in (p, q)]
        each = [formula(*pair, mpmath.mpf(order)) for pair in zip(*pairs, strict=True)]
        return [np.asarray(x, dtype=float) for x in zip(*each, strict=True)]


FORMULAS = {"renyi": (renyi, renyi_of), "tsallis": (tsallis, tsallis_of)}


def held(got, want, scale):
    """Return what its dtype can hold to its last digit, and what that is measured by."""
    info = np.finfo(got.dtype)
    large = np.maximum(np.abs(want), scale)
    where = (large > float(info.smallest_normal) / float(info.eps)) & (large < float(info.max))
    assert where.any()
    return got[where], want[where].astype(got.dtype), large[where]


def assert_held(*made):
    """Hold what was made, each with what is wanted and what that is measured by."""
    for x in made:
        got, want, scale = held(*x)
        assert_near(got, want, GOAL, scale=scale)
