"""Keras ends on each backend where softmax regression written out ends."""

import functools
import re
import runpy
from importlib.util import find_spec

import numpy as np
import pytest

from tests.documents.script import EXAMPLES, run

STEPS = 100


@functools.cache
def textbook():
    """Return what the test rows cost, in nats, after gradient descent in float64, and how many are right."""
    (x, y), (x_test, y_test) = runpy.run_path(str(EXAMPLES / "softmax_regression.py"))["digits"](np)
    one_hot, w, speed = np.eye(10)[y], np.zeros((64, 10)), 0.0
    b, drift = np.zeros(10), 0.0
    for _ in range(STEPS):
        odds = np.exp(x @ w + b)
        slope = (odds / odds.sum(1, keepdims=True) - one_hot) / len(x)
        speed, drift = 0.9 * speed - 0.5 * x.T @ slope, 0.9 * drift - 0.5 * slope.sum(0)
        w, b = w + speed, b + drift
    z, rows = x_test @ w + b, np.arange(len(y_test))
    nats = np.mean(np.log(np.exp(z).sum(1)) - z[rows, y_test])
    return nats, 100 * np.mean(z.argmax(1) == y_test)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_ends_where_the_textbook_does(backend, monkeypatch):
    for library in ("keras", backend):
        if (
            find_spec(library) is None
        ):  # the backend is chosen once in a process, so it is not imported
            pytest.skip(f"{library} is not installed")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    done = run(EXAMPLES / "keras_digits.py", "--steps", STEPS)
    assert done.returncode == 0, done.stderr
    said = re.fullmatch(r"(\w+) +([\d.]+) nats  accuracy ([\d.]+)%\n", done.stdout)
    nats, right = textbook()
    assert said[1] == backend
    assert float(said[2]) == pytest.approx(nats, rel=2e-5)
    assert float(said[3]) == pytest.approx(right, rel=1e-4)  # of the last digit that is printed
