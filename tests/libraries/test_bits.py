"""What is chosen by bits, and what is left to the library; that they agree is a law of `test_overrides`."""

import numpy as np
import pytest

from tests.laws.large import mixed
from tests.laws.verbs import INSIDE, MODERATE, Given
from xent import _dispatch
from xent.engines import bits

BY_BITS = {"numpy": ["float32", "float64"], "torch": ["float32"]}
"""The dtypes whose numbers are chosen by bits."""


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_choice_that_nobody_guesses_is_made_by_bits(backend, dtype, monkeypatch):
    if backend.library not in BY_BITS:
        pytest.skip(f"{backend.library} has another choice")
    made, chosen = [], bits.chosen
    monkeypatch.setattr(bits, "chosen", lambda *given: made.append(chosen(*given)) or made[-1])
    engine = _dispatch.engine_of("x", backend.asarray(np.zeros(1)))
    if backend.library == "torch":
        from xent.engines.torch.lent import PLAIN as engine  # noqa: N811  # in the place of the other
    mixed(engine.xp, Given(backend.asarray, MODERATE, INSIDE, dtype))
    assert [x is not None for x in made] == [dtype in BY_BITS[backend.library]] * 5


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros(8), np.zeros(8, "f4")),
        (np.zeros(8, "i4"), np.zeros(8, "i4")),
        (np.zeros(1), np.zeros(1)),
        (1.0, 2.0),
    ],
)
def test_of_two_dtypes_of_whole_numbers_and_of_few_it_is_not(a, b):
    assert bits.chosen(np, {np.dtype("f8"): np.int64}, np.arange(8) > 3, a, b) is None


@pytest.mark.parametrize(("count", "is_so"), [(0, False), (100, False), (101, True), (1100, False)])
def test_what_is_guessed_well_is_not_mixed(count, is_so):
    assert bits.is_mixed(count, 1200) is is_so
