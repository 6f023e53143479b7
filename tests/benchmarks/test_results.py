"""The command runs, and its results have the shape they should."""

import json
import platform
import subprocess
import sys
from datetime import date
from importlib.util import find_spec
from math import prod
from pathlib import Path

import pytest

from benchmarks.accuracy import TOLERANCE
from benchmarks.family import MODES
from benchmarks.goals import goals, report
from benchmarks.runners import TITLES

TODAY = date.today()
ROOT = Path(__file__).parents[2]
EAGER = [name for name in ("numpy", "torch", "jax") if find_spec(name)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What the command writes for the tiniest case, in a process as a user starts it."""
    folder = tmp_path_factory.mktemp("benchmarks")
    chosen = ["tiny-32x10", "--quick", "--backend", *EAGER]
    files = ["--json", folder / "results.json", "--markdown", folder / "results.md"]
    words = [sys.executable, "-m", "benchmarks", *chosen, *files]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "results.json").read_text())
    return found, (folder / "results.md").read_text()


def test_other_cases_are_kept(results, tmp_path):
    found, _ = results
    file = tmp_path / "results.json"
    file.write_text(json.dumps(found))
    words = ["tiny-binary", "--quick", "--backend", "numpy", "--no-memory"]
    command = [sys.executable, "-m", "benchmarks", *words, "--onto", file, "--json", file]
    for _ in "12":  # the second time in the place of the first
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    both = json.loads(file.read_text())
    assert both["cases"][: len(MODES)] == found["cases"]
    assert [row["case"] for row in both["cases"][len(MODES) :]] == ["tiny-binary"] * len(MODES)
    file.write_text(json.dumps({**found, "settings": {**found["settings"], "rounds": 99}}))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "results are of other settings" in done.stderr


def test_results_describe_the_run(results):
    found, _ = results
    assert set(found) == {
        "format",
        "machine",
        "settings",
        "speeds",
        "missing",
        "cases",
        "growth",
    }
    assert found["settings"]["quick"]
    assert found["settings"]["tolerance"] == TOLERANCE
    assert found["speeds"]["cpu"]["read"] > 0
    assert "numpy" in found["machine"]["libraries"]
    assert {date.fromisoformat(row["date"]) for row in found["cases"]} <= {TODAY, date.today()}


def test_results_hold_no_path_and_no_host(results):
    found, _ = results
    text = json.dumps(found)
    assert str(ROOT) not in text
    assert str(Path.home()) not in text
    assert platform.node() not in found["machine"].values()


def test_every_backend_has_xent_right_in_both_modes(results):
    found, _ = results
    assert [case["mode"] for case in found["cases"]] == list(MODES)
    for case in found["cases"]:
        rows = {(row["runner"], row["contender"]): row for row in case["rows"]}
        for name in EAGER:
            row = rows[name, "xent"]
            assert row["ok"], row
            assert row["seconds"] > 0
            assert min(row["samples"]) <= row["seconds"] <= max(row["samples"])
            assert float(row["ulp"]) < 100


def test_the_table_has_a_line_for_every_contender(results):
    found, text = results
    assert "quick run" in text
    for row in found["cases"][0]["rows"]:
        assert any(
            line.startswith(f"| {TITLES[row['runner']]} | {row['contender']}")
            for line in text.splitlines()
        )
    for absent in found["missing"]:
        assert absent["why"] in text


def test_growth_is_timed_and_weighed_at_each_size(tmp_path):
    file = tmp_path / "growth.json"
    words = ["growth-size", "--quick", "--backend", "numpy", "--json", file]
    words += ["--plot", tmp_path / "growth.png"]
    command = [sys.executable, "-m", "benchmarks", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "growth-growth.png").exists()
    found = json.loads(file.read_text())["growth"]
    sizes = [prod(result["shape"]) for result in found if result["mode"] == MODES[0]]
    assert sizes == [10**2, 10**3, 10**4, 10**5]
    for result in found:
        assert [row["contender"] for row in result["rows"]] == ["textbook", "xent"]
        assert all(row["ok"] and row["memory"] >= 0 for row in result["rows"])
    # What the textbook form of 250 × 400 makes is a copy of the logits at least.
    assert max(row["memory"] for row in found[-1]["rows"]) >= 250 * 400 * 4


def test_goals_are_reported_from_results(results):
    found, _ = results
    text = report(found, goals())
    assert "NumPy, a call on 32 × 10" in text
    assert "not measured" in text
    assert text.count("\n| ") == len(goals()) + 2
