"""Times and memory are measured as they should be, and written so that one can read them."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.resident import extra_memory
from benchmarks.run import finite
from benchmarks.spread import ratio, spread
from benchmarks.table import duration
from benchmarks.timing import interleave, order


def test_calls_are_interleaved_and_warm_ups_dropped():
    log = []
    calls = {name: lambda name=name: log.append(name) for name in "abc"}
    found = interleave(calls, rounds=4, warmups=2, least=0)
    assert {name: len(times) for name, times in found.items()} == dict.fromkeys("abc", 4)
    rounds = log[-18:]
    assert [set(rounds[start : start + 3]) for start in range(0, 18, 3)] == [set("abc")] * 6
    assert {order(list("abc"), turn)[0] for turn in range(6)} == set("abc")


def test_memory_is_that_of_the_call():
    extra = extra_memory(lambda: np.ones(2**24, np.uint8))
    assert extra + 2**20 >= 2**24
    if Path("/proc/self/clear_refs").exists():
        assert extra < 2**24 + 2**22


def test_a_spread_is_the_middle_half_of_the_samples():
    assert spread([7.0, 1.0, 3.0, 2.0, 6.0, 5.0, 4.0]) == (2.0, 4.0, 6.0)
    assert spread([80.0, 100.0, 125.0]).steady
    assert not spread([79.0, 100.0, 100.0]).steady
    assert not spread([100.0, 100.0, 126.0]).steady
    assert not spread([100.0]).steady


def test_a_ratio_is_taken_in_each_round():
    assert ratio([2.0, 40.0, 6.0], [1.0, 20.0, 3.0]) == (2.0, 2.0, 2.0)
    assert not ratio([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]).steady


def test_infinities_become_words():
    assert finite({"a": [float("inf"), 1.5]}) == {"a": ["inf", 1.5]}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2.0, "2 s"), (0.0123, "12.3 ms"), (4.56e-5, "45.6 µs"), (1e-8, "0.01 µs")],
)
def test_durations_are_readable(seconds, words):
    assert duration(seconds) == words
