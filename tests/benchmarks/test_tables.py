"""A number that would not come out again is in no table and no picture; a steady one is."""

import pytest

from benchmarks.family import FORWARD, MODES
from benchmarks.goals import Goal, report
from benchmarks.plot import draw
from benchmarks.table import NOISY, document

MACHINE = {"cpu": "a processor", "cores": 1, "memory_gib": None, "gpu": "a GPU", "system": "Linux"}


def _row(contender, samples):
    row = {"runner": "numpy", "contender": contender, "reference": "textbook", "ok": True}
    numbers = {"seconds": sorted(samples)[1], "samples": samples, "memory": 2**20}
    return row | numbers | {"floor": 1.0, "of_floor": 0.5}


@pytest.fixture
def found():
    """Results of which a contender is steady, one is noisy, and one is so in step with the reference."""
    rows = [_row("textbook", [4.0, 8.0, 6.0]), _row("xent", [2.0, 4.0, 3.0])]
    rows += [_row("steady", [3.0, 3.1, 3.2]), _row("noisy", [5.0, 3.0, 4.0])]
    about = {"case": "x", "title": "x", "shape": [8, 5], "dtype": "float32", "axis": -1}
    cases = [{**about, "date": "2026-02-03", "mode": mode, "rows": rows} for mode in MODES]
    return {
        "machine": MACHINE | {"python": "3", "libraries": {"numpy": "2.9"}},
        "settings": {"quick": False, "rounds": 3, "warmups": 0},
        "speeds": {},
        "missing": [],
        "growth": cases,
        "cases": cases,
    }


def _cells(text, contender):
    line = next(line for line in text.splitlines() if line.startswith(f"| NumPy | {contender} "))
    return line.strip("| ").split(" | ")[2:5]


def test_a_number_that_is_not_steady_is_not_printed(found):
    text = document(found)
    assert _cells(text, "steady") == ["3.1 s", NOISY, "50 %"]
    assert _cells(text, "noisy") == [NOISY] * 3
    assert _cells(text, "xent") == [NOISY, "2.00 ± 0 %", NOISY]
    assert "2.00 / 2.00" in text


def test_a_goal_is_neither_met_nor_missed_by_what_is_not_steady(found):
    pairs = [(["numpy", name], ["numpy", "textbook"]) for name in ("xent", "noisy", "absent")]
    text = report(found, [Goal("", "x", FORWARD, *pair, at_least=1.5) for pair in pairs])
    assert text.startswith("Of 3 goals 1 met, 2 not measured; a processor")
    assert [line.split(" | ")[3] for line in text.splitlines()[-3:]] == ["2.00×", NOISY, "–"]


def test_a_table_says_where_and_when_it_was_made(found):
    found["growth"] = [{**row, "date": "2026-02-01"} for row in found["cases"]]
    head = document(found)
    for word in ("a processor", "a GPU", "Python 3", "numpy 2.9", "2026-02-01 to 2026-02-03"):
        assert word in head


def test_pictures_are_drawn_of_what_is_steady(found, tmp_path):
    written = draw(found, tmp_path / "results.png")
    names = ["results.png", "results-times.png", "results-growth.png"]
    assert [path.name for path in written] == names
    assert all(path.stat().st_size for path in written)
