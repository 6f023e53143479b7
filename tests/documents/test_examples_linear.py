"""The examples of linear heads run as a user runs them, and end where they say they end."""

import re

import pytest

from tests.documents.script import EXAMPLES, run

SHORT = ["--steps", "40"]


def said(script, *arguments):
    """Run an example on its own; return what it printed, and what it showed on the way."""
    done = run(EXAMPLES / script, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_lbfgs_ends_at_scikit_learns_solution(backend):
    pytest.importorskip(backend)
    printed, shown = said("regression_lbfgs.py", "--backend", backend)
    lines = re.findall(r"^(.+?) +xent ([\d.]+)  scikit-learn ([\d.]+) .* ([\d.]+)%$", printed, re.M)
    assert [line[0] for line in lines] == ["breast cancer", "digits"]
    for name, mine, theirs, accuracy in lines:
        assert float(mine) == pytest.approx(float(theirs), rel=1e-8)
        assert float(accuracy) > 98
        assert f"{name}:" in shown
    assert "J=" in shown


def curves(*runs):
    """Return the final loss of each run and of each way of writing the loss, in nats."""
    printed, shown = said("language_model_head.py", "--run", *runs, *SHORT)
    assert "40/40" in shown
    return {name: float(n) for name, n in re.findall(r"^(.+?) +([\d.]+) nats", printed, re.M)}


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_the_head_learns_as_the_textbooks_does(library):
    pytest.importorskip(library)
    ends = curves(library)
    assert set(ends) == {f"{library}, textbook", f"{library}, xent"}
    assert ends[f"{library}, xent"] == pytest.approx(ends[f"{library}, textbook"], rel=1e-6)
    assert ends[f"{library}, xent"] < 4  # fewer nats than all characters alike would take


def test_both_libraries_learn_the_same():
    for library in ("torch", "jax"):
        pytest.importorskip(library)
    ends = curves("torch", "jax")
    assert max(ends.values()) == pytest.approx(min(ends.values()), rel=3e-5)


def test_curves_are_saved(tmp_path):
    pytest.importorskip("torch")
    file = tmp_path / "curves.png"
    said("language_model_head.py", "--run", "torch", "--steps", 2, "--plot", file)
    assert file.read_bytes().startswith(b"\x89PNG")
