"""Numbers are operands: each value gives its own result, whatever was called before."""

import numpy as np
import pytest

from tests.cases import CASES, EVERY, NAMED, in_brief
from tests.near import assert_near, assert_same, largest
from xent import _call

NUMBERS = {
    "label_smoothing": (0.125, 0.5),
    "z_loss": (0.125, 1.5),
    "softcap": (2.0, 5.0),
    "temperature": (2.0, 0.75),
    "base": (2.0, 10.0),
    "denominator": (7.0, 3.0),
}
"""Options that are numbers, and two values of each."""


def numbers_of(case):
    return [option for option in NUMBERS if case.takes(option)]


FIRST = {case.loss: case for case in reversed(CASES)}
MAIN = [FIRST["binary_cross_entropy"], FIRST["kl_divergence"], FIRST["perplexity"]]
MAIN += [NAMED["cross_entropy-labels-logits"], NAMED["cross_entropy-distributions-logits"]]
OF_NUMBERS = [
    pytest.param(case, option, id=f"{case}-{option}")
    for case in (filter(in_brief, CASES) if EVERY else MAIN)
    for option in numbers_of(case)
]
"""Losses and their numbers, for what compiles each of them."""


def has_numbers(case):
    return bool(numbers_of(case))


@pytest.fixture
def fresh(monkeypatch):
    """Return a function that forgets all plans."""
    return lambda: monkeypatch.setattr(_call, "_PLANS", {})


@pytest.mark.cases(of=has_numbers)
def test_two_values_of_an_option(backend, case, fresh):
    given = case.arguments(seed=60)
    for option in numbers_of(case):
        wanted = []
        for x in NUMBERS[option]:
            fresh()
            wanted.append(case.both(**given, **{option: x}))
        assert not np.array_equal(wanted[0][0], wanted[1][0])
        for x, (value, gradient) in (*zip(NUMBERS[option], wanted, strict=True),) * 2:
            there = backend.run(case.both, **given, **{option: x})
            assert_near(there[0], value)
            assert_near(there[1], gradient, scale=largest(gradient))
            assert_near(backend.run(case.function, **given, **{option: x}), value)


@pytest.mark.cases(of=has_numbers, slow=lambda case: str(case) == "cross_entropy-labels-logits")
def test_numbers_of_numpy_are_numbers(backend, case):
    """And decide no dtype."""
    given = {k: x.astype("f4") if x.dtype.kind == "f" else x for k, x in case.arguments().items()}
    given = {k: backend.asarray(x) for k, x in given.items()}
    for option in numbers_of(case):
        for x in NUMBERS[option]:
            want = backend.numbers(case.function(**given, **{option: x}))
            kinds = [np.float64, np.float32]
            kinds += [np.asarray] if option != "denominator" else []  # there an array is one (R1)
            kinds += [int, np.int64, np.uint8] if x == int(x) else []
            for same in (kind(x) for kind in kinds):
                assert_same(backend.numbers(case.function(**given, **{option: same})), want)


@pytest.mark.cases(of=has_numbers, slow=lambda case: str(case) == "cross_entropy-labels-logits")
def test_an_array_without_axes_is_a_number(backend, case):
    given = case.arguments(seed=61)
    for option in numbers_of(case):
        for x in NUMBERS[option]:
            want = case.function(**given, **{option: x})
            assert_near(backend.run(case.function, **given, **{option: np.asarray(x)}), want)


def test_none_and_0_are_no_option(backend):
    """Also after a call with one, and before it."""
    case = NAMED["cross_entropy-labels-logits"]
    given = case.arguments(seed=62)
    plain = backend.run(case.function, **given)
    for option, none in {
        "label_smoothing": 0,
        "z_loss": 0.0,
        "softcap": None,
        "base": None,
    }.items():
        backend.run(case.function, **given, **{option: NUMBERS[option][0]})
        assert_same(backend.run(case.function, **given, **{option: none}), plain)
