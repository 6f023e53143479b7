"""NumPy's float16, made of float32 without a flag for each subnormal number: its bits are a cast's."""

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.cases import CASES
from tests.memory import peak
from xent.engines.numpy.half import FEW, PART, to_half

HALVES = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
FAR = np.float32(np.inf)


def beside(x):
    """Return numbers, and the two of float32 beside each."""
    with np.errstate(invalid="ignore"):
        return np.concatenate([np.nextafter(x, -FAR), x, np.nextafter(x, FAR)])


def between():
    """Return what lies halfway between two numbers of float16, where a cast rounds to even."""
    finite = np.sort(HALVES[np.isfinite(HALVES)])
    return finite[:-1] + (finite[1:] - finite[:-1]) / 2


@pytest.mark.parametrize(
    "x",
    [
        beside(HALVES),
        beside(between()),
        np.random.default_rng(70).integers(1 << 32, size=1 << 18, dtype=np.uint32).view(np.float32),
        HALVES.reshape(256, 256).T,
        HALVES.reshape(256, 256)[::-1, ::3],
        np.resize(np.sort(HALVES), 3 * PART + 1),
        np.repeat(HALVES[:1024:8], 32)[: FEW - 1],
        HALVES[:0],
        np.full((), 3e-7, np.float32),
    ],
    ids=["halves", "between", "any bits", "transposed", "strided", "parts", "few", "none", "one"],
)
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_every_bit_is_that_of_a_cast(x):
    got, want = to_half(x), x.astype(np.float16)
    assert got.dtype == np.float16
    assert got.shape == x.shape
    there = ~np.isnan(x)
    assert np.array_equal(got[there].view(np.uint16), want[there].view(np.uint16))
    assert np.isnan(got[~there]).all()


def test_it_raises_no_flag_of_the_processor():
    """Which takes NumPy twenty times as long as the number itself."""
    with np.errstate(all="raise"):
        assert to_half(np.tile(HALVES[:1024] / 3, FEW // 1024)).any()


def test_it_lies_as_what_it_is_of():
    x = np.zeros((30, 40, 5), np.float32).transpose(2, 0, 1)
    assert to_half(x).strides == x.astype(np.float16).strides


def test_it_takes_memory_for_a_part():
    x = np.zeros(1 << 22, np.float32)
    assert peak(to_half, x) < x.nbytes / 2 + 8 * 4 * PART


@pytest.mark.parametrize("case", [c for c in CASES if c.form == "logits"], ids=str)
def test_a_gradient_in_float16_is_made_so(case, monkeypatch):
    """Of every loss of logits, rather than by a cast that formulas or engines write themselves."""
    seen = []

    def noted(x):
        seen.append(x.shape)
        return to_half(x)

    monkeypatch.setattr("xent.engines.numpy.engine.to_half", noted)
    given = case.arguments()
    given[case.form] = given[case.form].astype(np.float16)
    Backend.NUMPY.run(case.both, **given)
    assert given[case.form].shape in seen


def test_a_value_without_axes_is_a_scalar_in_float16_too():
    assert isinstance(xent.logsumexp(logits=np.zeros(3, np.float16)), np.float16)
