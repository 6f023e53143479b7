"""What a host's workflows run is there: each session that they name, and each that `nox` has for them."""

import re
import runpy
import sys
from functools import partial
from itertools import product
from pathlib import Path
from unittest.mock import MagicMock

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LIST = re.compile(r"^ +(\w+): \[(.*)\]$", re.MULTILINE)
INCLUDED = re.compile(r"^ +- \{(.*)\}$", re.MULTILINE)
MATRIX = re.compile(r"\$\{\{ matrix\.(\w+) \}\}")
WORD = re.compile(r'"[^"]*"|\S+')


def sessions(monkeypatch):
    """Return whether each session of noxfile.py is one of `nox` alone; nox itself need not be there."""
    made = {}

    def session(function=None, *, name=None, default=True, **_):
        if function is None:
            return partial(session, name=name, default=default)
        of = name or function.__name__
        cases = getattr(function, "cases", None)
        made.update(
            dict.fromkeys([of] if cases is None else [f"{of}({x})" for x in cases], default)
        )
        return function

    def parametrize(name, values):
        def mark(function):
            function.cases = [f"{name}={value!r}" for value in values]
            return function

        return mark

    nox = MagicMock(session=session, parametrize=parametrize)
    monkeypatch.setitem(sys.modules, "nox", nox)
    monkeypatch.setenv("PIP_COMPILE", "0")  # which noxfile.py would set
    runpy.run_path(str(ROOT / "noxfile.py"))
    return made


def run(workflow):
    """Return the sessions that a workflow runs, a name for each cell of its job's matrix."""
    found = set()
    for job in re.split(r"^  (?=\w+:$)", workflow, flags=re.MULTILINE):
        for words in re.findall(r"run: nox --session (.*)$", job, re.MULTILINE):
            for cell in matrix(job):
                named = MATRIX.sub(lambda of, cell=cell: cell.get(of[1], ""), words)
                found.update(word.strip('"') for word in WORD.findall(named))
    return {name for name in found if "=''" not in name}  # of what an include adds to other cells


def matrix(job):
    """Return the cells of a job's matrix: one without keys where it has none."""
    lists = [[(key, x) for x in re.findall(r"[^\s,\"]+", of)] for key, of in LIST.findall(job)]
    included = [dict(re.findall(r"(\w+): (\w+)", of)) for of in INCLUDED.findall(job)]
    return [*map(dict, product(*lists)), *included]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_session_that_is_named_is_there(path, monkeypatch):
    named = run(path.read_text(encoding="utf-8"))
    assert named
    assert named <= set(sessions(monkeypatch))


def test_every_session_of_nox_alone_is_run_at_each_change(monkeypatch):
    named = run((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert {name for name, default in sessions(monkeypatch).items() if default} <= named


def test_every_version_is_tried_weekly(monkeypatch):
    named = run((ROOT / ".github/workflows/versions.yml").read_text(encoding="utf-8"))
    assert {name for name in sessions(monkeypatch) if "(library=" in name} == named
