"""A warm call takes no memory anew from the system: what its blocks leave is there for the next ones.

Counted as page faults, in a process of its own whose heap no other call has made; a count is no timing.
"""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.cases import CASES
from xent.engines import heap
from xent.testing.case import narrowed

GLIBC = platform.libc_ver()[0] == "glibc"
pytestmark = pytest.mark.skipif(not GLIBC, reason="no other C library learns what to keep")
HOST = [Backend.NUMPY, Backend.TORCH]
ROWS, CLASSES, CALLS = 2048, 1024, 16
LOGITS = ROWS * CLASSES * 4
"""Bytes of the logits: one temporary of each block, taken anew, is as many."""
LOSSES = {case.loss: case for case in CASES if case.form == "logits"}
HALF = {Backend.NUMPY: ["float16"], Backend.TORCH: ["float16", "bfloat16"]}


def faults(function, *args, **kwargs):
    """Return how many bytes a call takes anew once it is warm: if any, then what each of many takes at least.

    The first calls still grow the heap: how many depends on where the blocks happen to lie.
    """
    from resource import RUSAGE_SELF, getpagesize, getrusage

    seen = []
    while len(seen) < CALLS and min(seen, default=LOGITS) > LOGITS // 4:
        before = getrusage(RUSAGE_SELF).ru_minflt
        function(*args, **kwargs)
        seen.append((getrusage(RUSAGE_SELF).ru_minflt - before) * getpagesize())
    return min(seen)


def counted(library):
    """Write what each loss takes anew, and its gradient; of half precision and options those of labels."""
    backend, kept, made = Backend(library), [], {}

    def given(rows):
        """Return large arrays, which stay: one that were freed would itself let the heap keep more."""
        tiled = {
            k: np.tile(x, (ROWS // len(x),) + (1,) * (x.ndim - 1))
            for k, x in narrowed(rows).items()
        }
        kept.append(tiled)
        return tiled if library == "numpy" else {k: own(x) for k, x in tiled.items()}

    def own(x):
        return backend.module.from_numpy(x)

    for name, case in LOSSES.items():
        arrays = given(case.arguments(rows=(8,), classes=CLASSES))
        made[name] = faults(case.function, **arrays)
        made[f"gradient of {name}"] = faults(case.both, **arrays)
    row = {"logits": np.linspace(-3, 3, CLASSES)[None], "target": np.zeros(1, int)}
    arrays = given(row)
    for option in ({"label_smoothing": 0.1}, {"softcap": 20.0}, {"z_loss": 1e-4}):
        made[str(option)] = faults(xent.cross_entropy, **arrays, **option)
    for dtype in HALF[backend]:
        x = arrays["logits"]
        half = x.astype(dtype) if library == "numpy" else x.to(getattr(backend.module, dtype))
        kept.append(half)
        one = {**arrays, "logits": half}
        made[dtype] = faults(xent.cross_entropy, **one)
        made[f"gradient in {dtype}"] = faults(xent.value_and_grad(xent.cross_entropy), **one)
    sys.stdout.write(json.dumps(made))


@pytest.mark.parametrize("backend", HOST, ids=str)
def test_a_warm_call_takes_no_page_anew(backend):
    script = f"from {__name__} import counted; counted({str(backend)!r})"
    learns = {
        k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_", "LD_PRE"))
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=learns,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(done.stdout)
    assert len(made) == 2 * len(LOSSES) + 3 + 2 * len(HALF[backend])
    assert {name: n for name, n in made.items() if n > LOGITS // 4} == {}


@pytest.fixture
def asked(monkeypatch):
    """Once for each time that the heap would have been taught."""
    seen = []
    monkeypatch.setattr(heap, "keep", lambda: seen.append(True))
    return seen


@pytest.mark.parametrize("backend", HOST, ids=str)
def test_a_call_on_few_numbers_leaves_the_heap_as_it_is(backend, asked):
    for rows, wanted in ((heap.MANY // 8 - 1, []), (heap.MANY // 8, [True])):
        x = backend.asarray(np.zeros((rows, 8), np.float32))
        xent.cross_entropy(backend.asarray(np.zeros(rows, int)), logits=x)
        assert asked == wanted


def test_what_lies_on_a_device_leaves_it_too(asked, monkeypatch):
    monkeypatch.setattr("xent.engines.eager.in_host_memory", lambda x: False)
    xent.cross_entropy(np.zeros(heap.MANY, int), logits=np.zeros((heap.MANY, 2)))
    assert asked == []
