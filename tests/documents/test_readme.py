"""What README and CONTRIBUTING say is so: examples, tables, commands, neighbours' habits."""

import doctest
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import xent

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
EXAMPLE_COMMAND, TEST_COMMAND, _ = re.findall(r"^```sh\n(.*?)\n```", README, re.MULTILINE)


def section(title):
    """Return the rows of the table under a heading, as lists of cells."""
    _, _, text = README.partition(f"\n## {title}\n")
    lines = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(example):
    for module in re.findall(r"\b(torch|jax|dask)\b", example):
        pytest.importorskip(module)
    test = doctest.DocTestParser().get_doctest(example, {}, "README.md", "README.md", 0)
    failures, tried = doctest.DocTestRunner().run(test)
    assert tried
    assert not failures


def test_every_function_is_in_the_table():
    listed = {name for row in section("The functions") for name in re.findall(r"`(\w+)`", row[0])}
    assert listed == {
        name for name, found in vars(xent).items() if callable(found) and not name.startswith("_")
    }


def test_the_versions_are_those_that_the_extras_take():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for library, versions, _ in section("What runs where"):
        extra = {"array-api-strict": "strict"}.get(library, library.lower())
        (required,) = extras["optional-dependencies"][extra]
        assert versions.split()[0] == required.partition(">=")[2], library


def test_the_commands_are_those_of_ci_and_of_the_example():
    assert TEST_COMMAND in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for name in groups["dependency-groups"]["example"]:
        assert name in EXAMPLE_COMMAND.split()


def test_the_loss_that_contributing_adds_works(tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    file, held, record = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "absolute.py").write_text(file, encoding="utf-8")
    (tmp_path / "held.py").write_text(held, encoding="utf-8")
    check = "import doctest, absolute, xent; assert doctest.testmod(absolute) == (0, 2); " + (
        "print(*xent.value_and_grad(absolute.absolute_error)([[1.0, 0.0]], [[0.75, 0.25]])); import held"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("0.5 [[-1.  1.]]\nabsolute_error holds\n"), done.stderr
    exec(record, known := {})
    assert known["RECORD"].formula(np, None, {}, np.asarray([0.75, 0.25]), np.eye(2)[0]) == 0.5


def softmax(z):
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def sample():
    """What the names in the table of habits stand for."""
    draw = np.random.default_rng(7)
    logits, p, q, target = draw.normal(size=(4, 6, 3))
    p, q, target = softmax(p), softmax(q), softmax(target)
    return {
        "logits": logits,
        "labels": np.asarray([0, 2, 1, 1, 0, 2]),
        "target": target,
        "p": p,
        "q": q,
        "log_q": np.log(q),
        "w": np.asarray([0.2, 1.0, 3.0]),
        "w2": np.asarray(2.5),
        "s": np.asarray([1.0, 0.5, 2.0, 0.0, 1.0, 3.0]),
        "s2": np.exp(logits),
        "p3": np.stack([p, q]),
        "log_q3": np.log(np.stack([q, target])),
        "y": np.round(target),
        "z": logits,
        "h": 1 / (1 + np.exp(-logits)),
        "a": p - 0.3,
        "b": q - 0.3,
        "i": np.arange(6),
        "eye": np.eye(6),
        "images": draw.normal(size=(2, 4, 5, 3)),
        "pixels": np.where(draw.random((2, 5, 3)) < 0.3, -100, 1),
    }


def habits():
    """Return (library, their call, ours), as the table has them."""
    rows, library = [], ""
    for named, theirs, ours, *_ in section("Coming from another library"):
        library = named or library
        rows.append((library, theirs.strip("`"), ours.strip("`")))
    return rows


MODULES = {
    "torch": {"F": "torch.nn.functional"},
    "torchvision": {"torchvision": "torchvision", "_ops": "torchvision.ops"},
    "optax": {"optax": "optax"},
    "Keras": {"keras": "keras"},
    "scikit-learn": {"sklearn": "sklearn", "_metrics": "sklearn.metrics"},
    "SciPy": {
        "scipy": "scipy",
        "_stats": "scipy.stats",
        "_special": "scipy.special",
        "_distance": "scipy.spatial.distance",
    },
}
ARRAYS = {"torch": "torch", "torchvision": "torch", "optax": "jax.numpy"}


@pytest.fixture
def library_of(monkeypatch):
    """Return the names that a habit's code may use, or skip by the name of what is missing."""
    monkeypatch.setenv("KERAS_BACKEND", "numpy")

    def names(library):
        for module in MODULES[library].values():
            pytest.importorskip(module)
        asarray = importlib.import_module(ARRAYS.get(library, "numpy")).asarray
        return {
            "xent": xent,
            **{name: importlib.import_module(path) for name, path in MODULES[library].items()},
            **{name: asarray(array) for name, array in sample().items()},
        }

    return names


@pytest.mark.parametrize(("library", "theirs", "ours"), habits())
def test_habit(library, theirs, ours, library_of):
    names = library_of(library)
    np.testing.assert_allclose(
        np.asarray(eval(ours, names)), np.asarray(eval(theirs, names)), rtol=1e-5
    )
