"""What derivatives are tested with, and how they are compared."""

import numpy as np

ROUNDING = 1e-12
"""By how much a textbook formula and its derivatives may be off, relative to their size."""


def settings(case):
    """Return the options that a derivative is tested with: none; all; all but a given divisor."""
    every = case.options()
    free = {k: x for k, x in every.items() if k != "denominator"}
    return (
        [x for i, x in enumerate(({}, free, every)) if x not in ({}, free)[:i]] if every else [{}]
    )


def of(function, given, moving):
    """Return ``function`` of the moving arrays alone."""
    return lambda *x: function(**{**given, **dict(zip(moving, x, strict=True))})


def assert_close(got, want, rounding=ROUNDING, *, scale=None):
    """Hold two arrays to be the same but for rounding, relative to the largest entry, or ``scale``."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    error = np.max(np.abs(got - want), initial=0.0)
    scale = np.max(np.abs(want), initial=0.0) if scale is None else scale
    assert error <= rounding * scale, f"{got!r}\n{want!r}"


def assert_all_close(got, want):
    """Hold a value and its derivatives to be the same but for rounding, relative to the largest.

    A derivative that is 0, because its terms cancel or where a formula is linear, has no size of its
    own: what a textbook leaves of it are the roundings of terms as large as the others.
    """
    got, want = list(map(np.asarray, got)), list(map(np.asarray, want))
    scale = max(np.max(np.abs(x), initial=0.0) for x in want)
    for mine, right in zip(got, want, strict=True):
        assert_close(mine, right, scale=scale)


def curvature(a):
    """Return diag(a) − a aᵀ: the second derivative of cross entropy in the logits."""
    return np.diag(a) - np.outer(a, a)
