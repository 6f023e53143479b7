"""What the properties are tried on: rows of logits, and distributions that are exact in binary."""

import math
from functools import wraps
from inspect import signature

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PARTS = 1024
"""What the probabilities are multiples of one part of: they sum to exactly 1."""
GRID = 2.0**-10
_SIZE = 4
"""Of a row where every size is compiled anew."""


def examples(*strategies):
    """Make a test of a backend and of drawn arguments one of the backend.

    Each strategy is a function of the backend, which says how many examples there are.
    """

    def wrap(test):
        @wraps(test)
        def run(backend):
            def check(drawn):
                test(backend, *drawn)

            quiet = (HealthCheck.too_slow, HealthCheck.data_too_large)
            few = settings(
                max_examples=backend.examples, deadline=None, suppress_health_check=quiet
            )
            few(given(st.tuples(*(s(backend) for s in strategies)))(check))()

        run.__signature__ = signature(lambda backend: None)
        return run

    return wrap


def sizes(backend, *, low=1, high=9):
    return st.just(_SIZE) if backend.is_slow else st.integers(low, high)


def floats(bound):
    return st.floats(-bound, bound, allow_subnormal=False)


def scalars(bound=40.0):
    return lambda backend: floats(bound).map(np.float64).map(np.asarray)


def _array(elements, size):
    return st.lists(elements, min_size=size, max_size=size).map(lambda x: np.asarray(x, float))


def logits(bound=40.0, *, masked=False, low=1, high=9, count=1):
    """Rows of finite logits, or with some of −inf but the first."""
    elements = floats(bound)
    maybe = st.one_of(elements, st.just(-math.inf)) if masked else elements

    def row(size):
        return st.tuples(elements, _array(maybe, size - 1)).map(lambda x: np.append(*x))

    def rows(size):
        return row(size) if count == 1 else st.tuples(*[row(size)] * count)

    return lambda backend: sizes(backend, low=low, high=high).flatmap(rows)


def grid(backend):
    """A row of logits on a dyadic grid, and a shift that is exact there."""
    row = sizes(backend).flatmap(lambda n: _array(st.integers(-20000, 20000), n))
    return st.tuples(row.map(lambda x: x * GRID), st.integers(-(2**20), 2**20).map(float))


def distribution(size, *, full=False):
    """A distribution in parts of a power of two; ``full`` leaves no class without any."""
    parts = PARTS - size * full
    cuts = st.lists(st.integers(0, parts), min_size=size - 1, max_size=size - 1)
    return cuts.map(lambda c: (np.diff([0, *sorted(c), parts]) + full) / PARTS)


def distributions(count, *, full=False, low=1, high=9):
    return lambda backend: sizes(backend, low=low, high=high).flatmap(
        lambda n: st.tuples(*[distribution(n, full=full)] * count)
    )


def joints(backend):
    """Two joint distributions of a pair of variables."""
    both = distribution(_SIZE * 3, full=True).map(lambda p: p.reshape(3, _SIZE))
    return st.tuples(both, both)


def picks(backend):
    """A number that picks a class of any row."""
    return st.integers(0, 1000)


def permutations(backend):
    return st.randoms(use_true_random=False)
