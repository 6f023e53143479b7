"""The site's pages that need one library alone run without the site; every public name has its page."""

import re
import runpy
from pathlib import Path

import pytest

import xent
from tests.documents.script import printed

DOCS = Path(__file__).parents[2] / "docs"
CELL = re.compile(r"^```\{code-cell\}\n(?:---\n.*?^---\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["information", "losses"])
def test_every_number_of_a_document(page, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    monkeypatch.setitem(matplotlib.rcParams, "figure.max_open_warning", 0)
    cells = CELL.findall((DOCS / "documents" / f"{page}.md").read_text(encoding="utf-8"))
    exec("\n".join(cells), {})
    matplotlib.pyplot.close("all")
    assert len(cells) > 10


@pytest.mark.parametrize("page", ["checking", "writing"])
def test_every_cell_of_a_guide_to_losses_of_your_own(page):
    cells = CELL.findall((DOCS / "guides" / f"{page}.md").read_text(encoding="utf-8"))
    exec("\n".join(cells), {"__name__": f"docs_{page}"})
    assert cells


def test_a_line_that_came_in_two_pieces_is_one():
    joined = runpy.run_path(str(DOCS / "_ext" / "streams.py"))["joined"]
    out, err, more = (
        {"output_type": "stream", "name": name, "text": text}
        for name, text in (("stdout", "L ="), ("stderr", "!"), ("stdout", " 2\n"))
    )
    picture = {"output_type": "display_data"}
    for _ in range(2):  # what was given is as it was
        assert joined([out, err, picture, more]) == [{**out, "text": "L = 2\n"}, err, picture]


def test_every_public_name_is_in_the_reference():
    pages = [path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md")]
    blocks = re.findall(r":nosignatures:\n\n((?:   \w+\n)+)", "\n".join(pages))
    names = [name for block in blocks for name in block.split()]
    assert sorted(names) == sorted(set(xent.__all__) - {"kernels", "math"})


def test_results_that_are_counted_are_whole_numbers():
    _, _, lines = runpy.run_path(str(DOCS / "_ext" / "measured.py"))["recorded"]()
    assert {type(line.special) for line in lines} == {int}


def test_cupys_start_is_numpys_on_arrays_that_are_moved(tmp_path):
    pytest.importorskip("sklearn")
    moved = (DOCS / "start" / "train_cupy.py").read_text(encoding="utf-8")
    here = tmp_path / "here.py"
    here.write_text(moved.replace("import cupy as cp", "import numpy as cp"), encoding="utf-8")
    assert printed(here) == printed(DOCS / "start" / "train_numpy.py")
