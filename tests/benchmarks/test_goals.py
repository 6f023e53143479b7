"""What is declared: cases, runners, and goals that are met or missed."""

import numpy as np
import pytest

from benchmarks.cases import families
from benchmarks.family import BOTH, FORWARD, MODES
from benchmarks.goals import Goal, goals
from benchmarks.run import jobs
from benchmarks.runners import RUNNERS, TITLES


def test_names_are_known_once():
    names = [case.name for family in families() for case in family.cases]
    assert len(names) == len(set(names))
    used = {name for family in families() for c in family.contenders for name in c.runners}
    assert used <= set(RUNNERS) == set(TITLES)


def test_an_unknown_case_is_refused():
    with pytest.raises(SystemExit, match="no case is called nonsense"):
        jobs(["nonsense"], None, quick=True)


def test_every_goal_has_a_runner_and_a_unit():
    for goal in goals():
        assert goal.mode in MODES
        assert {goal.row[0], *(goal.against or goal.row)[:1]} <= set(RUNNERS)
        assert goal.bound


def test_a_goal_is_met_or_missed_by_the_right_side():
    rows = {("numpy", "a"): {"ok": True, "seconds": 2.0, "samples": [1.0, 2.0, 4.0]}}
    rows["numpy", "b"] = {"ok": True, "seconds": 6.0, "samples": [3.0, 6.0, 12.0]}
    faster = Goal("", "", FORWARD, ["numpy", "a"], ["numpy", "b"], at_least=2.5)
    slower = Goal("", "", BOTH, ["numpy", "b"], ["numpy", "a"], at_most=2.5)
    # Round by round it is the same, though no round takes as long as another.
    assert faster.measured(rows) == slower.measured(rows) == (3.0, 3.0, 3.0)
    assert faster.met(3.0)
    assert not slower.met(3.0)
    rows["numpy", "a"]["ok"] = False
    assert faster.measured(rows) is None


def test_what_is_counted_is_compared_as_it_is():
    rows = {("numpy", "a"): {"ok": True, "memory": 0}, ("numpy", "b"): {"ok": True, "memory": 8}}
    alone = Goal("", "", FORWARD, ["numpy", "a"], quantity="memory", at_most=8)
    smaller = Goal("", "", FORWARD, ["numpy", "a"], ["numpy", "b"], quantity="memory", at_most=1)
    larger = Goal("", "", FORWARD, ["numpy", "b"], ["numpy", "a"], quantity="memory", at_most=1)
    found = [goal.measured(rows) for goal in (alone, smaller, larger)]
    assert [number.median for number in found] == [0, 0, np.inf]
    assert all(number.steady for number in found)


def test_a_goal_needs_one_bound():
    with pytest.raises(ValueError, match="one of them"):
        Goal("", "", FORWARD, ["numpy", "a"])
