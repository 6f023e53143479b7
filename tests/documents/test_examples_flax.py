"""A network of flax's ends at one place by optax's loss, by that of the logits and by that of the head."""

import re

import pytest

from tests.documents.script import EXAMPLES, run


def test_losses_end_where_optaxs_does():
    for library in ("flax", "optax", "sklearn"):
        pytest.importorskip(library)
    done = run(EXAMPLES / "flax_nnx.py", "--steps", 100)
    assert done.returncode == 0, done.stderr
    line = r"^(\w+) +([\d.]+) nats  accuracy ([\d.]+)%$"
    found = {name: [*map(float, x)] for name, *x in re.findall(line, done.stdout, re.MULTILINE)}
    assert list(found) == ["logits", "head", "optax"]
    for nats, right in found.values():
        assert nats == pytest.approx(found["optax"][0], rel=1e-4)  # rounding of 100 steps
        assert nats < 0.2
        assert right > 95
