"""Wrong results are seen, and shown as what they are."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy import TOLERANCE, judge_gradients, judge_value, ulp
from benchmarks.cases import families, find
from benchmarks.family import Contender
from benchmarks.measure import Session, measure
from benchmarks.problem import problem
from benchmarks.runners import runner
from benchmarks.table import document

LABELS, _ = find("tiny-32x10")


def wrong(how):
    return lambda labels, logits: np.float32(1)


def wrong_gradient(how):
    return lambda labels, logits: (np.float32(1), (np.zeros_like(logits),))


def broken(how):
    return lambda labels, logits: 1 / 0


def absent(how):
    import no_such_library_of_losses as library

    return library.loss


@pytest.fixture(scope="module")
def judged():
    """A run in which contenders are wrong, broken and missing."""
    strangers = (
        Contender("wrong", ("numpy",), wrong, wrong_gradient),
        Contender("broken", ("numpy",), broken),
        Contender("absent", ("numpy",), absent),
    )
    family = replace(LABELS, contenders=LABELS.contenders + strangers)
    session = Session({"numpy": runner("numpy")}, quick=True, rounds=1, warmups=0)
    found = measure(family, (8, 5), -1, "float32", session)
    return found, session


def test_a_wrong_contender_is_shown_with_its_error(judged):
    found, _ = judged
    about = {"case": "x", "title": "x", "shape": [8, 5], "dtype": "float32", "axis": -1}
    for result in found:
        rows = {row["contender"]: row for row in result["rows"]}
        assert not rows["wrong"]["ok"]
        assert rows["wrong"]["relative_error"] > TOLERANCE["float32"]
        assert rows["textbook"]["ok"]
    machine = {"cpu": "a", "cores": 1, "memory_gib": None, "gpu": None, "system": "b"}
    whole = {
        "machine": machine | {"python": "3", "libraries": {}},
        "settings": {"quick": True, "rounds": 1, "warmups": 0},
        "speeds": {},
        "missing": [],
        "growth": [],
        "cases": [about | result for result in found],
    }
    assert "**wrong by" in document(whole)
    assert "**ZeroDivisionError: division by zero**" in document(whole)


def test_a_missing_contender_is_named_with_the_reason(judged):
    _, session = judged
    note = {"runner": "numpy", "contender": "absent"}
    assert note | {"why": "no_such_library_of_losses is not installed"} in session.missing


def test_one_wrong_element_of_a_gradient_is_enough():
    inputs = problem(LABELS, (64, 10), -1, "float32")
    exact = LABELS.exact(inputs, -1)
    (truth,) = exact.gradients
    slope = truth.whole.copy()
    assert judge_gradients(exact.value, (slope,), exact, "float32")["ok"]
    slope[63, 9] += 1e-3
    assert not judge_gradients(exact.value, (slope,), exact, "float32")["ok"]
    slope[63, 9] = np.nan
    assert not judge_gradients(exact.value, (slope,), exact, "float32")["ok"]


def test_nan_is_wrong():
    inputs = problem(LABELS, (4, 3), -1, "float32")
    assert not judge_value(np.nan, None, LABELS.exact(inputs, -1), "float32")["ok"]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_ulp_is_numpys_spacing(dtype):
    numbers = np.asarray([1.0, 1.5, 2.0, 3e4, 1e-3], dtype)
    np.testing.assert_array_equal(ulp(numbers.astype(float), dtype), np.spacing(numbers))


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_exact_gradients_are_the_slopes_of_exact_losses(family):
    case = family.cases[0]
    shape = tuple(min(n, 6) for n in case.quick)
    inputs = problem(family, shape, case.axis, "float32")
    slopes = family.exact(inputs, case.axis).gradients
    for name, slope in zip(family.wrt, slopes, strict=True):
        given, step = inputs[name].astype(np.float64), 1e-6
        for index in range(given.size):
            up, down = given.copy(), given.copy()
            up.flat[index] += step
            down.flat[index] -= step
            high, low = (family.exact({**inputs, name: z}, case.axis).value for z in (up, down))
            # A difference of two losses is rounded as they are; a slope among larger ones as they are.
            scale = max(abs(high), np.max(np.abs(slope.whole)))
            assert abs(slope.whole.flat[index] - (high - low) / (2 * step)) <= 1e-8 * scale
