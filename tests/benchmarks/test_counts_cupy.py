"""What a call asks of CuPy is what the table says, no more and no less, within the goals; it never waits."""

import pytest

from benchmarks.counts.cases import CASES, MODES
from benchmarks.counts.cupy import CUPY

NAMED = {case.name: case for case in CASES}


@pytest.mark.parametrize(("name", "mode"), CUPY.held)
def test_a_call_costs_what_is_held(name, mode):
    assert CUPY.contenders["xent"](NAMED[name], mode) == CUPY.held[name, mode]


def test_every_case_is_held_that_can_be_counted():
    found = {name for name, case in NAMED.items() if case.dtype != "bfloat16"}
    assert set(CUPY.held) == {(name, mode) for name in found for mode in MODES}


@pytest.mark.parametrize(("name", "mode"), CUPY.goals)
def test_the_goals_are_met(name, mode):
    pairs = zip(CUPY.held[name, mode], CUPY.goals[name, mode], strict=True)
    assert all(count <= goal for count, goal in pairs)


def test_the_textbook_form_is_what_it_is_known_to_be():
    """max 1, subtract 2, exp 2, sum 1; and softmax 2, one more in place 2."""
    counts = [CUPY.contenders["textbook"](NAMED["labels"], mode) for mode in MODES]
    assert [round(count.passes) for count in counts] == [6, 10]
    assert [count.waits for count in counts] == [0, 0]
