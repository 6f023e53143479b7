"""The laws of `laws.py` hold on each of Keras's backends, of which a process has one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAWS = Path(__file__).with_name("laws.py")
OPTIONS = ("-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning")  # Keras's own
REFUSED = """
import keras
keras.backend.backend = lambda: "tensorflow"
try:
    import xent.nn.keras
except ImportError as error:
    assert "runs on Keras's backends jax, numpy and torch" in str(error)
else:
    raise AssertionError
"""


def run(backend, *arguments):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
def test_laws(backend):
    run(backend, "-m", "pytest", LAWS, "-q", "--backend=numpy", *OPTIONS)


def test_another_backend_is_refused():
    run("numpy", "-c", REFUSED)
