"""`xent.testing.check` passes losses whose slope settles late or never, and finds wrong ones among such."""

import numpy as np
import pytest

from tests.laws import broken, broken_edges, strangers
from tests.laws.checked import QUICK, each_library, failures, here, of
from xent.kernels import labels
from xent.testing import check

FUNCTIONS = {
    strangers.Logarithm: np.log1p,
    strangers.Root: np.sqrt,
    strangers.Saturated: lambda c: c / (1 + c),
    strangers.Square: lambda c: c * c,
}


def said_by(function):
    """Return the textbook's formula."""
    return lambda t, q: FUNCTIONS[function](broken.cross_entropy(t, q))


def skip_but_one(backend, function):
    if backend not in QUICK and function is not strangers.Logarithm:
        pytest.skip("each law costs this library a compilation or a graph")


@each_library
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_of_the_cost_of_logits_holds(backend, function):
    skip_but_one(backend, function)
    loss = broken.of_labels(strangers.of_cost(function, labels.FromLogits()))
    check(loss, said_by(function), libraries=here(backend))


@each_library
@pytest.mark.parametrize("function", [strangers.Logarithm, strangers.Saturated, strangers.Square])
def test_so_does_one_of_log_probabilities(backend, function):
    skip_but_one(backend, function)
    loss = broken_edges.of_log_probs(strangers.of_cost(function, labels.FromLogProbs()))
    check(loss, said_by(function), libraries=here(backend))


@each_library
def test_and_one_of_probabilities(backend):
    loss = broken_edges.of_probs(strangers.LogarithmOfProbs())
    check(loss, said_by(strangers.Logarithm), libraries=here(backend))


class Endless(strangers.Saturated):
    """Its value is infinite where its limit is 1."""

    def of(self, xp, c):
        return xp.where(xp.isinf(c), c, super().of(xp, c))


class NotNumbers(strangers.Saturated):
    """Its value is ∞ / ∞ there."""

    def of(self, xp, c):
        return c / (1 + c)


class StillSteep(strangers.Logarithm):
    """Its slope is that of c there."""

    def slope(self, xp, c):
        return xp.where(xp.isinf(c), 1.0, super().slope(xp, c))


class Bounded(strangers.Logarithm):
    """Its value is finite where it grows without end."""

    def of(self, xp, c):
        return xp.log1p(xp.clip(c, None, 1e100))


WRONG = {Endless: "value", NotNumbers: "value", StillSteep: "slope", Bounded: "value"}


@pytest.mark.parametrize("function", WRONG)
def test_a_wrong_limit_of_such_is_found(function):
    textbook, said = said_by(function.__base__), WRONG[function]
    of_logits = broken.of_labels(strangers.of_cost(function, labels.FromLogits()))
    what = of("A single infinite logit", failures(of_logits, textbook))
    assert what.startswith(f"the {said.replace('slope', 'gradient')} ")
    of_logs = broken_edges.of_log_probs(strangers.of_cost(function, labels.FromLogProbs()))
    what = of("A probability of 0", failures(of_logs, textbook))
    assert what.startswith(f"the {said} ")
