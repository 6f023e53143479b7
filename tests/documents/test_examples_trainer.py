"""Under transformers' Trainer no step tells the loss of the head from the model's own."""

import re

import pytest

from tests.documents.script import EXAMPLES, run


def test_losses_are_the_models_own(monkeypatch):
    for library in ("torch", "transformers", "accelerate"):
        pytest.importorskip(library)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # a second one only waits, for so small a model
    done = run(EXAMPLES / "trainer.py", "--steps", 12)
    assert done.returncode == 0, done.stderr
    line = r"^(\w[\w ]+?) +([\d.]+) nats at first, ([\d.]+) at last$"
    found = {name: [*map(float, x)] for name, *x in re.findall(line, done.stdout, re.MULTILINE)}
    assert list(found) == ["xent", "its own"], done.stdout
    first, last = found["xent"]
    assert first == pytest.approx(found["its own"][0], rel=8 * 2.0**-23)
    assert last == pytest.approx(found["its own"][1], rel=1e-4)  # rounding of 12 steps
    assert last < 2 < first
