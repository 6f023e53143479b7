"""What a formula may write of numbers moves as calculus has it, whichever side of an operator moves."""

import numpy as np
import pytest

from tests.near import assert_near
from xent import _dispatch
from xent._dual import OWN, Dual
from xent._dual_verbs import DualVerbs

X, V = np.asarray([0.5, 1.25, 3.0]), np.asarray([1.0, -2.0, 0.25])
SLOPES = {
    "1 + x, x + 1": (lambda x: (1 + x) + (x + 1), lambda x: 2 + 0 * x),
    "1 - x, x - 1": (lambda x: (1 - x) - (x - 1), lambda x: 0 * x - 2),
    "2 x, x 2, x x": (lambda x: 2 * x + x * 2 + x * x, lambda x: 4 + 2 * x),
    "2 / x, x / 2": (lambda x: 2 / x + x / 2, lambda x: 0.5 - 2 / x**2),
    "x ** 3": (lambda x: x**3, lambda x: 3 * x**2),
    "2 ** x": (lambda x: 2.0**x, lambda x: np.log(2) * 2**x),
    "x ** x": (lambda x: x**x, lambda x: x**x * (1 + np.log(x))),
    "-x, abs": (lambda x: abs(-x), np.ones_like),
}


@pytest.mark.parametrize("name", SLOPES)
def test_operators(name):
    function, slope = SLOPES[name]
    xp = DualVerbs(_dispatch.engine_of("x", X).xp)
    made = function(Dual(xp, X, {OWN: V}))
    assert_near(made.value, function(X))
    assert_near(made.parts[OWN], slope(X) * V)
