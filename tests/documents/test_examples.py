"""The examples run as a user runs them, and learn what they say they learn."""

import functools
import re

import pytest

from tests.documents.script import EXAMPLES, run

SCRIPT = EXAMPLES / "softmax_regression.py"
LIBRARIES = ("numpy", "torch", "jax", "cupy")
# A script that starts the example as if torch were not there.
WITHOUT_TORCH = """
import runpy, sys

class Absent:
    def find_spec(name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Absent)
script = sys.argv[1]
sys.argv = [script, "--backend", "torch"]
runpy.run_path(script, run_name="__main__")
"""


@functools.cache
def trained(library):
    """What the example prints: {"train": numbers, "test": numbers}."""
    done = run(SCRIPT, "--backend", library)
    assert done.returncode == 0, done.stderr
    lines = (line.split(maxsplit=1) for line in done.stdout.splitlines())
    return {name: [float(n) for n in re.findall(r"[\d.]+", numbers)] for name, numbers in lines}


@pytest.mark.parametrize("library", LIBRARIES)
def test_softmax_regression_learns(library):
    pytest.importorskip(library)
    nats, bits, perplexity, accuracy = trained(library)["test"]
    assert accuracy > 95
    assert nats < 0.1
    assert bits == pytest.approx(nats / 0.6931472, abs=2e-4)
    assert perplexity == pytest.approx(2.7182818**nats, abs=2e-4)


@pytest.mark.parametrize("library", LIBRARIES[1:])
def test_softmax_regression_ends_at_the_same_digits(library):
    pytest.importorskip(library)
    for name, numbers in trained("numpy").items():
        assert trained(library)[name] == pytest.approx(numbers, abs=1.5e-4)  # one in the last digit


def test_softmax_regression_saves_its_curve_and_shows_its_progress(tmp_path):
    file = tmp_path / "curve.png"
    done = run(SCRIPT, "--steps", 3, "--plot", file)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes().startswith(b"\x89PNG")
    assert "3/3" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((SCRIPT, "--backend", "tensorflow"), "choose from"),
        ((SCRIPT, "--steps", "0"), "--steps takes a positive number, got 0"),
        ((SCRIPT, "--steps", "1", "--plot", "curve.abc"), "--plot curve.abc: Format 'abc'"),
        (("-c", WITHOUT_TORCH, SCRIPT), "--backend torch: torch is not installed here"),
    ],
)
def test_softmax_regression_explains_what_is_wrong(arguments, said):
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
