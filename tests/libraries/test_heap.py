"""A warm call takes no memory anew from the system: what its blocks leave is there for the next ones.

Counted as page faults, in a process of its own whose heap no other call has made; a count is no timing.
"""

import json
import subprocess
import sys

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.cases import CASES

resource = pytest.importorskip("resource", reason="Windows does not count page faults")
HOST = [Backend.NUMPY, Backend.TORCH]
ROWS, CLASSES, PAGE = 2048, 1024, 4096
PAGES = ROWS * CLASSES * 4 // PAGE
"""Of the logits: what one temporary of each block takes anew costs as many."""
CALLS = 4
LOSSES = {case.loss: case for case in CASES if case.form == "logits"}


def single(given):
    """Return numbers in float32."""
    return {k: np.float32(x) if x.dtype.kind == "f" else x for k, x in given.items()}


def faults(function, *args, **kwargs):
    """Return how many pages a call takes anew: the least of some, while whose first the heap still grows."""
    seen = []
    for _ in range(CALLS):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        function(*args, **kwargs)
        seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return min(seen)


def counted(library):
    """Write the page faults of every loss, in float32 and in float16, and of its gradient."""
    backend, kept, made = Backend(library), [], {}
    for name, case in LOSSES.items():
        # Tiled, and kept: an array that were freed would itself let the heap keep more.
        given = {
            k: backend.asarray(np.tile(x, (ROWS // 8,) + (1,) * (x.ndim - 1)))
            for k, x in single(case.arguments(rows=(8,), classes=CLASSES)).items()
        }
        kept.append(given)
        made[name] = faults(case.function, **given)
        made[f"gradient of {name}"] = faults(case.both, **given)
    half = backend.asarray(np.tile(np.float16(np.linspace(-3, 3, CLASSES)), (ROWS, 1)))
    labels = backend.asarray(np.zeros(ROWS, int))
    made["half"] = faults(xent.cross_entropy, labels, logits=half)
    sys.stdout.write(json.dumps(made))


@pytest.mark.parametrize("backend", HOST, ids=str)
def test_a_warm_call_takes_no_page_anew(backend):
    script = f"from {__name__} import counted; counted({str(backend)!r})"
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(done.stdout)
    assert len(made) == 2 * len(LOSSES) + 1
    assert {name: n for name, n in made.items() if n > PAGES // 4} == {}
