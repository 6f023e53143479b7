"""Logistic regression on chunks ends where scikit-learn does, and makes each chunk once a pass."""

import re
import runpy

import pytest

from tests.documents.script import EXAMPLES, printed

SCRIPT = EXAMPLES / "logistic_dask.py"


def test_ends_at_scikit_learns_solution():
    for library in ("dask", "sklearn"):
        pytest.importorskip(library)
    said = printed(SCRIPT, "--chunks", 3)
    assert float(re.search(r"solution (\S+)$", said)[1]) < 1e-6


def test_a_pass_makes_each_chunk_once():
    for library in ("dask", "sklearn"):
        pytest.importorskip(library)
    example, made = runpy.run_path(str(SCRIPT)), []
    rows, chunk = example["rows"], example["chunk"]

    def counted(block_info=None):
        made.append(block_info[None]["chunk-location"][0])
        return chunk(block_info)

    rows.__globals__["chunk"] = counted
    steps = example["fit"](*rows(3), 2)
    assert not made
    for done in (1, 2):
        next(steps)
        assert sorted(made) == sorted([0, 1, 2] * done)
