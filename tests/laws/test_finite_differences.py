"""Each gradient is that of its value: central differences in float64, extrapolated once."""

import numpy as np
import pytest

from tests.backends import Backend
from tests.cases import CASES, NAMED
from tests.near import largest

STEP = 1e-3
ACCURACY = 1e-9
"""Relative to the largest entry of a row: STEP⁴ of truncation, and eps / STEP of rounding."""


def derivative(function, x):
    """Return the gradient of a number that is a function of ``x``."""
    g = np.empty_like(x)
    for i in np.ndindex(x.shape):
        h = STEP * min(1.0, abs(x[i]))

        def at(k, i=i, h=h):
            y = x.copy()
            y[i] += k * h
            return float(np.sum(function(y)))

        g[i] = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)
    return g


def assert_derivative(gradient, wanted, value):
    scale = np.maximum(largest(wanted), np.max(np.abs(value)))
    assert np.all(np.abs(gradient - wanted) <= ACCURACY * scale), (gradient, wanted)


def check(case, **options):
    given = {**case.arguments(seed=3), **options}
    x = given.pop(case.form)
    value, gradient = case.both(**given, **{case.form: x})

    def function(y):
        return case.function(**given, **{case.form: y})

    assert np.any(gradient != 0) or case.loss == "softmax"  # the sum of which is constant
    assert_derivative(gradient, derivative(function, x), value)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_of_the_default(case):
    check(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_with_all_options(case):
    check(case, **case.options())


WITH_ONE = [(case, name) for case in CASES for name in case.options()]


@pytest.mark.parametrize(("case", "option"), WITH_ONE, ids=str)
def test_gradient_with_one_option(case, option):
    check(case, **{option: case.options()[option]})


REDUCED = [
    (case, reduction)
    for case in CASES
    if case.takes("reduction")
    for reduction in ("none", "sum", "mean")
]


@pytest.mark.parametrize(("case", "reduction"), REDUCED, ids=str)
def test_gradient_of_each_reduction(case, reduction):
    check(case, reduction=reduction)


@pytest.mark.parametrize("case", [c for c in CASES if not c.elementwise], ids=str)
def test_gradient_along_the_first_axis(case):
    given = case.arguments(seed=4)
    labels = case.kind == "labels"
    moved = {
        k: x if labels and k == case.target else np.moveaxis(x, -1, 0) for k, x in given.items()
    }
    gradient = case.grad(**moved, axis=0)
    np.testing.assert_array_equal(gradient.shape, moved[case.form].shape)
    wanted = case.grad(**given)
    scale = largest(wanted)
    assert np.all(np.abs(np.moveaxis(gradient, 0, -1) - wanted) <= ACCURACY * scale)


def test_this_check_can_fail():
    """A gradient that is off in the seventh digit is found."""
    case = NAMED["cross_entropy-labels-logits"]
    given = case.arguments()
    x = given.pop("logits")
    gradient = Backend.NUMPY.run(case.grad, **given, logits=x)
    wanted = derivative(lambda y: case.function(**given, logits=y), x)
    with pytest.raises(AssertionError):
        assert_derivative(gradient * (1 + 1e-7), wanted, 0.0)
