"""Comparison in ULP and in bits, never by an absolute tolerance."""

import ml_dtypes
import numpy as np

from tests.backends import ON_GPU

EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
GOAL = 32
"""ULP within which every loss is at the moderate arguments of `cases`: the loosest of its goals."""
BOTH = 2 * GOAL
"""ULP within which two computations of the same loss agree there."""


def wide(x):
    """Return an array in which half precision can be compared."""
    x = np.asarray(x)
    return x.astype(np.float32) if x.dtype in (np.float16, ml_dtypes.bfloat16) else x


def ulps(got, want, *, scale=None):
    """Return by how many ULP of ``want``, or of ``scale``, the worst entry is off.

    0 where both are the same, infinities and NaN included; inf where only one is finite.
    """
    eps = EPS[np.asarray(got).dtype.name]
    got, want = wide(got).astype(np.float64), wide(want).astype(np.float64)
    assert got.shape == want.shape
    scale = np.abs(want) if scale is None else np.broadcast_to(scale, want.shape)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        off = np.where(same, 0.0, np.abs(got - want) / (eps * scale))
    return float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0))


def assert_near(got, want, ulp=BOTH, *, scale=None):
    off = ulps(got, want, scale=scale)
    assert off <= ulp, f"off by {off} ULP, {ulp} allowed:\n{got!r}\n{want!r}"


def assert_same(got, want):
    """Hold two arrays to be the same to the last bit, but for which NaN it is."""
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    got, want = wide(got), wide(want)
    signs = np.signbit(got) == np.signbit(want)
    same = ((got == want) & signs) | (np.isnan(got) & np.isnan(want))
    assert np.all(same), f"not the same:\n{got!r}\n{want!r}"


def assert_same_there(backend, got, want):
    """Hold the same; nearly on a GPU, where what is added together depends on the rest of a program."""
    if backend.library in ON_GPU:
        assert_near(got, want, 8)
    else:
        assert_same(got, want)


def assert_zero(x):
    """Hold an array to be exactly 0."""
    assert np.all(wide(x) == 0), repr(x)


def largest(g):
    """Return the largest entry of each row, which a gradient's terms are measured by."""
    return np.max(np.abs(wide(g)), axis=-1, keepdims=True, initial=0.0)
