"""The network learns, and no step tells xent's loss from the framework's own."""

import runpy

import pytest

from tests.documents.script import EXAMPLES, run

SCRIPT = EXAMPLES / "train_network.py"
STEPS = 200
ROUNDING = 1e-4
"""Relative: what 200 steps make of the last digits of float32."""

# Of torch's own compiler, about what it traces and what it imports.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def train():
    """Return the example's own functions that train."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPT.parent)  # as Python does for a script
        return runpy.run_path(str(SCRIPT))["RUNS"]


@pytest.mark.parametrize("run", ["torch", "compiled", "jax"])
def test_curve_is_that_of_the_frameworks_own_loss(train, run):
    pytest.importorskip("jax" if run == "jax" else "torch")
    (*curve, accuracy), (*own, own_accuracy) = (
        list(train[run](STEPS, own=own)) for own in (False, True)
    )
    assert len(curve) == STEPS
    assert curve == pytest.approx(own, rel=ROUNDING)
    assert curve[-1] < 0.1 < 2 < curve[0]
    assert accuracy > 0.95
    assert accuracy == pytest.approx(own_accuracy, abs=1 / 360)  # one image


def test_compiled_ends_at_the_digits_of_eager(train):
    pytest.importorskip("torch")
    eager, compiled = (list(train[run](STEPS, own=False)) for run in ("torch", "compiled"))
    assert compiled[:-1] == pytest.approx(eager[:-1], rel=ROUNDING)


def test_saves_its_curves_and_shows_its_progress(tmp_path):
    pytest.importorskip("jax")
    file = tmp_path / "curves.png"
    done = run(SCRIPT, "--run", "jax", "--steps", 3, "--plot", file)
    assert done.returncode == 0, done.stderr
    assert [line.partition("  ")[0] for line in done.stdout.splitlines()] == [
        "jax, xent",
        "jax, its own",
    ]
    assert file.read_bytes().startswith(b"\x89PNG")
    assert "4/4" in done.stderr


def test_explains_a_number_of_steps_that_is_none():
    done = run(SCRIPT, "--steps", 0)
    assert done.returncode == 2
    assert "--steps takes a positive number, got 0" in done.stderr
