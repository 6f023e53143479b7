"""Values pulled back: with weights of 1 it is the gradient, and each row's weight is its own."""

import numpy as np
import pytest

import xent
from tests.near import GOAL, assert_near, largest


def has_values(case):
    return case.has_rows


@pytest.mark.cases(of=has_values)
def test_each_value_is_weighed_by_itself(backend, case):
    given = {**case.arguments(seed=70), **case.each}
    rows, g = case.both(**given)
    draw = np.random.default_rng(71)
    w = draw.uniform(0.5, 2, np.shape(rows))
    pulled = xent.vjp(case.function)
    value, slope = backend.call(pulled, **given, cotangent=backend.asarray(w))
    assert_near(backend.numbers(value), rows, GOAL)
    if case.keeps_shape and not case.elementwise:  # a row of several values: their sum, by columns
        each = np.zeros_like(g)
        for i in range(w.shape[-1]):
            one = np.zeros_like(w)
            one[..., i] = 1
            each = each + w[..., i : i + 1] * pulled(**given, cotangent=one)[1]
        g = each
    else:
        g = g * (w if case.elementwise else w[..., None])
    assert_near(backend.numbers(slope), g, 16, scale=largest(g))


@pytest.mark.cases(of=lambda case: case.takes("reduction") and case.record.reduction != "none")
def test_a_reduced_value_is_weighed_as_a_whole(backend, case):
    given = case.arguments(seed=72)
    wanted, g = case.both(**given)
    pulled, cotangent = xent.vjp(case.function), backend.asarray(np.asarray(3.0))
    value, slope = backend.call(pulled, **given, cotangent=cotangent)
    assert_near(backend.numbers(value), wanted, GOAL)
    assert_near(backend.numbers(slope), 3 * g, 16, scale=largest(3 * g))
