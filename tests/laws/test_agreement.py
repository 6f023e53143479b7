"""All libraries, eager and compiled, return what NumPy does."""

import pytest

from tests.backends import Backend
from tests.cases import CASES
from tests.near import assert_near, largest


@pytest.mark.cases(slow=bool)
def test_value_and_gradient_agree_over_libraries(any_backend, case):
    given = case.arguments()
    value, gradient = any_backend.run(case.both, **given)
    assert_near(value, case.function(**given))
    wanted = case.grad(**given)
    assert_near(gradient, wanted, scale=largest(wanted))


@pytest.mark.cases(of=lambda case: len(case.options()) > 0)
def test_all_options_together_agree_over_libraries(backend, case):
    given = {**case.arguments(), **case.options()}
    value, gradient = backend.run(case.both, **given)
    assert_near(value, case.function(**given))
    wanted = case.grad(**given)
    assert_near(gradient, wanted, scale=largest(wanted))


def test_value_is_that_of_value_and_grad(any_backend, case):
    given = case.arguments()
    assert_near(any_backend.run(case.function, **given), any_backend.run(case.both, **given)[0], 4)


def test_grad_is_that_of_value_and_grad(backend, case):
    given = case.arguments()
    gradient = backend.run(case.both, **given)[1]
    assert_near(backend.run(case.grad, **given), gradient, 4, scale=largest(gradient))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_large_and_small_batches_agree(case):
    """The sizes at which NumPy sums in another order."""
    for classes in (1, 2, 9, 129):
        given = case.arguments(rows=(5,), classes=classes)
        value = Backend.NUMPY.run(case.function, **given, **case.each)
        for i in range(5):
            row = {name: x[i : i + 1] for name, x in given.items()}
            if case.has_rows:
                assert_near(Backend.NUMPY.run(case.function, **row, **case.each), value[i : i + 1])
