"""A series and what it stands for are one where they meet, and what no entry is seen to need is not made."""

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.laws.two_rows import FALLS, divergence, fallen
from tests.near import assert_near
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rare", [0, -4, -12, -30, -60])
def test_rows_of_which_one_class_has_another_share(backend, dtype, rare):
    """Up to e times its share, and beyond: what is off is the half ULP of the exponent of its own share."""
    few = (2.0**-20, 0.25, 0.5, 0.97, *np.linspace(1, 1.5, 40), 2.0, 3.0)
    gaps = [s * x for x in few for s in (-1, 1)]
    t = np.asarray(np.random.default_rng(5).normal(size=(len(gaps), 40)), dtype)
    t[:, 7] += rare
    z = t.copy()
    z[:, 7] += np.asarray(gaps, dtype)
    got = backend.run(xent.kl_divergence, target_logits=t, logits=z, reduction="none")
    want = [divergence(*rows) for rows in zip(t, z, strict=True)]
    assert max(want) < 0.5
    assert_near(got, want, 6 + abs(rare) / 2)


@pytest.mark.parametrize("masked", [[], [-np.inf]], ids=["finite", "beside an infinity"])
@pytest.mark.parametrize(
    ("dtype", "rare", "least"),
    [("float32", -85, -1e36), ("float64", -80, -1e34), ("float64", -700, -1e303)],
)
def test_a_student_that_is_masked_by_a_large_number(backend, dtype, rare, least, masked):
    """Rows are near where p is as small as log(p / q) is large."""
    t, z = np.asarray([0, rare, *masked], dtype), np.asarray([0, least, *masked], dtype)
    got = backend.run(xent.kl_divergence, target_logits=t, logits=z)
    assert_near(got, divergence(t, z), 8 + abs(rare) / 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("fall", FALLS)
def test_a_student_that_falls_at_the_first_of_many_classes(backend, dtype, fall):
    """The others keep their digits, which a difference from that class would lose."""
    t, z = fallen(dtype, fall)
    got = backend.run(xent.kl_divergence, target_logits=t, logits=z, reduction="none")
    want = [divergence(*rows) for rows in zip(t, z, strict=True)]
    assert max(want) < 0.5
    assert_near(got, want, 6)
