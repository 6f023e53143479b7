"""Of a series and the logarithms that it replaces, what no entry needs is not made where that is seen."""

import numpy as np
import pytest

from tests.backends import Backend
from xent import _dispatch, _series

P = np.array([0.5, 0.25, 0.125, 0.125])
QUOTIENTS = {
    "near": ([1.0, 0.9, 1.1, 1.0], {"near"}),
    "apart": ([4.0, 3.0, 0.1, 0.2], {"apart"}),
    "both": ([1.0, 3.0, 0.1, 1.01], {"near", "apart"}),
    "nothing": ([0.0, 1.0, 4.0, 1.0], {"near", "apart"}),
    "not a number": ([np.nan, 1.0, 1.0, 1.0], {"near", "apart"}),
}


@pytest.fixture
def made(monkeypatch):
    """The parts of the logarithm that are made, by name."""
    seen = set()
    for name, part in (("odd_tail", "near"), ("apart", "apart")):
        whole = getattr(_series, name)
        monkeypatch.setattr(
            _series,
            name,
            lambda *args, whole=whole, part=part: seen.add(part) or whole(*args),
        )
    return seen


@pytest.mark.parametrize("function", ["log_ratio", "excess"])
@pytest.mark.parametrize("kind", QUOTIENTS)
@pytest.mark.parametrize("backend", [Backend.NUMPY, Backend.TORCH], ids=str)
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_what_no_entry_needs_is_not_made(backend, kind, function, made):
    quotient, wanted = QUOTIENTS[kind]
    p, q = backend.asarray(P), backend.asarray(P * quotient)
    xp = _dispatch.engine_of("x", p).xp
    given = (p, q) if function == "log_ratio" else (p, q, p - q)
    getattr(_series, function)(xp, *given)
    assert made == wanted


@pytest.mark.parametrize("rows", [0, 3])
def test_of_no_row_and_of_one_class(rows):
    p = np.full((rows, 1), 0.5)
    assert _series.log_ratio(_dispatch.engine_of("x", p).xp, p, p).shape == p.shape
