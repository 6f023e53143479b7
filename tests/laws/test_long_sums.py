"""Long rows keep their digits along any axis: a sum of n numbers is not as good as its worst order."""

import numpy as np

import xent
from tests.backends import Backend
from tests.near import assert_near

CLASSES, ROWS = 100_000, 3
GOAL = 8
"""ULP, of a row of which the terms that count are alike."""


def rows():
    """Return logits that are nearly alike, the classes the first axis, and their exact softmax."""
    z = np.random.default_rng(5).uniform(-0.5, 0.5, (CLASSES, ROWS)).astype(np.float32)
    e = np.exp(z.astype(np.float64))
    return z, e / e.sum(0)


def laid(z):
    """Return the same with the classes first; last, but first in memory; last."""
    return {"first": (z, 0), "across": (z.T, 1), "last": (np.ascontiguousarray(z.T), 1)}


def test_long_rows(backend):
    # It sums along another axis as NumPy does, number by number.
    last = backend is Backend.STRICT
    z, a = rows()
    for where, (x, axis) in laid(z).items():
        if where == "last" or not last:
            hold(backend, x, np.moveaxis(a, 0, axis), axis)


def hold(backend, z, a, axis):
    assert_near(backend.run(xent.softmax, logits=z, axis=axis), a, GOAL)
    costs = backend.run(
        xent.cross_entropy, target=np.zeros(ROWS, int), logits=z, axis=axis, reduction="none"
    )
    assert_near(costs, -np.log(np.take(a, 0, axis)), GOAL)
    target = a.astype(np.float32, order="C")
    costs = backend.run(xent.cross_entropy, target=target, logits=z, axis=axis, reduction="none")
    assert_near(costs, -np.sum(a * np.log(a), axis), GOAL)
