"""What is declared: cases, runners, and goals that are met or missed."""

import pytest

from benchmarks.cases import families
from benchmarks.family import BOTH, FORWARD, MODES
from benchmarks.goals import Goal, goals
from benchmarks.run import jobs
from benchmarks.runners import RUNNERS, TITLES


def test_names_are_known_once():
    names = [case.name for family in families() for case in (*family.cases, *family.growth)]
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
    rows = {("numpy", "a"): {"ok": True, "seconds": 1.0}, ("numpy", "b"): {"ok": True}}
    rows["numpy", "b"]["seconds"] = 3.0
    faster = Goal("", "", FORWARD, ["numpy", "a"], ["numpy", "b"], at_least=2.5)
    slower = Goal("", "", BOTH, ["numpy", "b"], ["numpy", "a"], at_most=2.5)
    assert faster.measured(rows) == slower.measured(rows) == 3.0
    assert faster.met(3.0)
    assert not slower.met(3.0)
    rows["numpy", "a"]["ok"] = False
    assert faster.measured(rows) is None


def test_a_goal_needs_one_bound():
    with pytest.raises(ValueError, match="one of them"):
        Goal("", "", FORWARD, ["numpy", "a"])
