"""Several threads, interrupts and endings: a call that is shared by workers ends as any call does."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import xent
from xent import _workers
from xent.engines import blocks

START = """
import atexit, signal, sys, threading, time
import numpy as np
import xent
from xent.engines import blocks

signal.signal(signal.SIGINT, signal.default_int_handler)
blocks.BLOCK = 1 << 12
LOGITS, LABELS = np.ones((512, 64), np.float32), np.zeros(512, int)

def call():
    with xent.set_workers(3):
        return round(float(xent.cross_entropy(LABELS, logits=LOGITS)), 3)
"""


def printed(script, timeout=60):
    done = subprocess.run(
        [sys.executable, "-c", START + script],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_a_call_from_atexit_and_from_a_thread_that_outlives_the_main_one():
    script = """
def late():
    threading.main_thread().join()
    print(call(), flush=True)

atexit.register(lambda: print(call(), flush=True))
call()
threading.Thread(target=late).start()
"""
    assert printed(script) == ["4.159"] * 2


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_interrupts_end_the_call_that_they_meet_and_nothing_else():
    """At the first block, at one in the midst, at the last: ten in turn, in whatever thread that is."""
    script = """
cut, left = blocks.cut, 0

def interrupted(*args):
    global left
    left -= 1
    if left == 0:
        signal.raise_signal(signal.SIGINT)
    return cut(*args)

blocks.cut = interrupted
met = 0
for left in (1, 2, 3, 5, 8, 13, 16, 1, 1, 1):
    try:
        call()
    except KeyboardInterrupt:
        met += 1
    assert threading.active_count() == 1
print(met, call())
"""
    assert printed(script) == ["10", "4.159"]


@pytest.fixture
def heeded():
    """Have an interrupt raise: a process that a script starts in the background ignores it from its start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
def test_after_an_interrupt_no_item_is_begun():
    begun = []

    def item(i):
        begun.append(i)
        if i == 0:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        _workers.each(item, range(10_000), 1)
    assert begun == [0]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_an_error_in_any_thread_is_the_error_of_the_call(workers):
    def item(i):
        if i == 7:
            raise LookupError(i)

    before = set(threading.enumerate())
    with pytest.raises(LookupError, match="7"):
        _workers.each(item, range(20), workers)
    assert set(threading.enumerate()) == before


def test_a_call_takes_as_many_threads_as_workers_and_not_one_per_block(monkeypatch):
    seen = set()
    cut = blocks.cut
    monkeypatch.setattr(blocks, "BLOCK", 1 << 12)
    monkeypatch.setattr(blocks, "cut", lambda *args: seen.add(threading.get_ident()) or cut(*args))
    with xent.set_workers(3):
        xent.cross_entropy(np.zeros(4096, int), logits=np.ones((4096, 64), np.float32))
    assert 1 <= len(seen) <= 3


def test_no_thread_can_be_started(monkeypatch):
    """As at the end of a program: the call goes on in its own."""

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    done = []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    _workers.each(done.append, range(5), 3)
    assert done == [0, 1, 2, 3, 4]


def test_a_number_of_workers_is_checked_where_it_is_said():
    for workers in (0, "many", None, -(10**6), 2.5, np.float64(2)):
        with pytest.raises(ValueError, match="workers"):
            xent.set_workers(workers)
