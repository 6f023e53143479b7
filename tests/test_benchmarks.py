"""The benchmarks run, their results have the shape they should, and wrong results are seen."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import TOLERANCE, judge_gradients, judge_value, ulp
from benchmarks.cases import families, find
from benchmarks.family import BOTH, FORWARD, MODES, Contender
from benchmarks.goals import Goal, goals, report
from benchmarks.growth import exponent
from benchmarks.measure import Session, measure
from benchmarks.problem import problem
from benchmarks.resident import extra_memory
from benchmarks.run import finite, jobs
from benchmarks.runners import RUNNERS, TITLES, runner
from benchmarks.table import document, duration
from benchmarks.timing import interleave, order

ROOT = Path(__file__).parents[1]
EAGER = [name for name in ("numpy", "torch", "jax") if find_spec(name)]
LABELS, TINY = find("tiny-32x10")


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


def test_results_hold_no_path_and_no_host(results):
    import platform

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
            assert row["low"] <= row["seconds"] <= row["high"]
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


def test_goals_are_reported_from_results(results):
    found, _ = results
    text = report(found, goals())
    assert "NumPy, a call on 32 × 10" in text
    assert "not measured" in text
    assert text.count("\n| ") == len(goals()) + 2


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
    from dataclasses import replace

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


def test_calls_are_interleaved_and_warm_ups_dropped():
    log = []
    calls = {name: lambda name=name: log.append(name) for name in "abc"}
    found = interleave(calls, rounds=4, warmups=2, least=0)
    assert {name: len(times) for name, times in found.items()} == dict.fromkeys("abc", 4)
    rounds = log[-18:]
    assert [set(rounds[start : start + 3]) for start in range(0, 18, 3)] == [set("abc")] * 6
    assert {order(list("abc"), turn)[0] for turn in range(6)} == set("abc")


def test_memory_is_that_of_the_call():
    extra = extra_memory(lambda: np.ones(2**24, np.uint8))
    assert extra + 2**20 >= 2**24
    if Path("/proc/self/clear_refs").exists():
        assert extra < 2**24 + 2**22


def test_the_exponent_of_a_power_law_is_its_power():
    assert exponent([1, 2, 4, 8], [3.0, 12.0, 48.0, 192.0]) == pytest.approx(2)


def test_infinities_become_words():
    assert finite({"a": [float("inf"), 1.5]}) == {"a": ["inf", 1.5]}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2.0, "2 s"), (0.0123, "12.3 ms"), (4.56e-5, "45.6 µs"), (1e-8, "0.01 µs")],
)
def test_durations_are_readable(seconds, words):
    assert duration(seconds) == words
