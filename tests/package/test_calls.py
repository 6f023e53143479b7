"""A small call costs no more Python calls, files and moves than its goal, and they are counted rightly."""

import gc
import sys
from types import SimpleNamespace

import pytest

from benchmarks.__main__ import main
from benchmarks.calls import GOALS, TITLES, Cost, Goal, calls, cost, count
from benchmarks.runners import runner
from tests.backends import missing

pytestmark = pytest.mark.pinned

FILES = {
    "a.py": """
def f():
    g()
    k()
    sorted([2, 1])
def h():
    pass
def k():
    pass
""",
    "b.py": """
def g():
    h()
""",
}


def of(library, *values):
    """Return parameters that belong to a library, and are skipped where it is missing."""
    reason = missing(library)
    marks = [pytest.mark.skip(reason=reason)] if reason else []
    return pytest.param(library, *values, marks=marks, id="-".join((library, *values)))


@pytest.fixture
def known(tmp_path):
    """Functions in two files, whose calls and moves are known."""
    found = {}
    for name, source in FILES.items():
        exec(compile(source, str(tmp_path / name), "exec"), found)
    return SimpleNamespace(**{name: found[name] for name in "fghk"})


@pytest.mark.parametrize(
    ("backend", "kind"), [of(library, kind) for library in GOALS for kind in GOALS[library]]
)
def test_a_small_call_keeps_to_its_goal(backend, kind):
    missed = GOALS[backend][kind].missed(cost(calls(runner(backend))[kind]))
    assert not missed, "; ".join(missed)


@pytest.mark.parametrize("backend", [of(library) for library in TITLES])
def test_a_count_is_the_same_each_time(backend):
    for kind, call in calls(runner(backend)).items():
        assert cost(call) == cost(call), kind


@pytest.mark.parametrize("backend", [of("torch")])
def test_a_backward_pass_is_counted(backend):
    import torch

    def step():
        pass

    class Steps(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, number):
            ctx.number = number
            return x.clone()

        @staticmethod
        def backward(ctx, dy):
            for _ in range(ctx.number):
                step()
            return dy, None

    def calls_of(number):
        x = torch.ones((), requires_grad=True)
        return cost(lambda: Steps.apply(x, number).backward()).calls

    assert calls_of(7) == calls_of(0) + 7


def test_functions_files_and_moves_are_counted(known, tmp_path):
    # f, g, h, k; from f to g, to h, back to g, back to f, and none between f and k.
    assert count(known.f, tmp_path) == Cost(calls=4, files=2, moves=4)


def test_another_package_adds_calls_but_neither_files_nor_moves(known, tmp_path):
    def through():
        known.h()
        known.k()

    assert count(through, tmp_path) == Cost(calls=3, files=1, moves=0)
    assert count(through, tmp_path / "b.py") == Cost(calls=3, files=0, moves=0)


def test_functions_in_c_are_not_counted():
    assert count([2, 1].sort) == Cost(0, 0, 0)


def test_what_was_set_before_is_set_again():
    def profile(*event):
        pass

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        with pytest.raises(ZeroDivisionError):
            count(lambda: 1 / 0)
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(before)
    assert gc.isenabled()


def test_a_goal_names_what_is_beyond_it():
    goal = Goal(calls=3, files=2)
    assert str(goal) == "≤ 3 calls, 2 files"
    assert goal.missed(Cost(3, 2, 99)) == []
    assert goal.missed(Cost(4, 2, 0)) == ["4 calls, at most 3"]


def test_the_command_prints_a_line_for_each_call(capsys):
    assert main(["calls", "--backend", "numpy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(GOALS["numpy"])
    for kind, goal in GOALS["numpy"].items():
        assert sum(f"| {kind} |" in line and str(goal) in line for line in lines) == 1
