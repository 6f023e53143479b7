"""Second derivatives of every loss are those of its gradient, by differences; the Hessian is symmetric."""

import numpy as np
import pytest

import xent
from tests.cases import CASES
from tests.near import assert_near, largest
from xent._curvature import _along, _diagonal

STEP = 1e-3
ACCURACY = 1e-9
"""Relative to the largest entry: STEP⁴ of truncation, and eps / STEP of rounding."""

SETTINGS = [
    (case, every) for case in CASES for every in ((False, True) if case.options() else (False,))
]


def drawn(case, every):
    """Return arguments, all options or none, and two directions."""
    given = case.arguments(seed=5)
    draw = np.random.default_rng(6)
    directions = draw.uniform(-1, 1, (2, *given[case.form].shape))
    return {**given, **(case.options() if every else {})}, *directions


def by_differences(case, given, v):
    """Return Hessian · v by central differences of the gradient, extrapolated once."""
    x = given[case.form]
    h = STEP * np.min(np.abs(x))

    def slope(k):
        return case.grad(**{**given, case.form: x + k * h * v})

    return (8 * (slope(1) - slope(-1)) - (slope(2) - slope(-2))) / (12 * h)


def arrays_of(x):
    """Return the numbers of a tuple, or of tuples in it, as arrays."""
    if isinstance(x, tuple):
        each = map(arrays_of, x)
        return type(x)(*each) if hasattr(x, "_fields") else tuple(each)
    return np.asarray(x) if isinstance(x, float) else x


def products(case, given):
    """Return the Hessian, row by row: its products with the unit vectors."""
    size = given[case.form].size
    units = np.eye(size).reshape(size, *given[case.form].shape)
    return np.stack([xent.hvp(case.function)(**given, tangent=e).ravel() for e in units])


@pytest.mark.parametrize(("case", "every"), SETTINGS, ids=str)
def test_products_by_differences(case, every):
    given, v, _ = drawn(case, every)
    got = xent.hvp(case.function)(**given, tangent=v)
    wanted = by_differences(case, given, v)
    scale = np.max(np.abs(wanted)) + np.max(np.abs(case.grad(**given)))
    assert np.all(np.abs(got - wanted) <= ACCURACY * scale), (got, wanted)


@pytest.mark.parametrize(("case", "every"), SETTINGS, ids=str)
def test_the_hessian_is_symmetric_and_its_diagonal_known(case, every):
    given, *_ = drawn(case, every)
    hessian = products(case, given)
    scale = np.max(np.abs(hessian), initial=np.max(np.abs(case.grad(**given))))
    assert_near(hessian, hessian.T, scale=scale)
    g, h = xent.grad_and_hessian_diagonal(case.function)(**given)
    assert_near(g, case.grad(**given), scale=largest(case.grad(**given)))
    assert_near(h.ravel(), np.diag(hessian), scale=scale)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_numbers_that_are_arrays(case):
    """As a compiler has them, of a kernel's parameters and of options: nothing else changes."""
    given, v, _ = drawn(case, every=True)
    engine, plan, operands, *_ = case.function.problem(**given)
    traced = operands._replace(numbers=arrays_of(operands.numbers))
    for made, numbers in ((_along, (v,)), (_diagonal, ())):
        got, want = (engine.apply(made, plan, x, *numbers) for x in (traced, operands))
        for mine, right in zip(got, want, strict=True):
            assert_near(mine, right, scale=largest(right))
