"""A row's peak, which a compiled program finds by comparisons: what is made beside it is as elsewhere.

A row that has a second peak, or one that is as large but for rounding, has no place for it.
"""

import shutil
from functools import partial
from itertools import product

import numpy as np
import pytest
import torch

import xent
from tests.near import assert_near, largest, ulps
from xent.engines.torch.values import TRACED

# Of torch's own compiler, about what it traces and what it imports.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NEEDS_COMPILER = pytest.mark.skipif(not shutil.which("c++"), reason="Inductor needs a C++ compiler")

INF, NAN = np.inf, np.nan
NEXT = float(np.nextafter(np.float32(1e4), np.float32(0)))
ROWS = {
    "plain": [0.5, -1.0, 2.0, 0.25],
    "certain": [0.0, 30.0, -5.0, 1.0],
    "more certain": [-20.0, 85.0, -30.0, 0.0],
    "a tie": [2.0, 2.0, 2.0, 2.0],
    "a tie of two": [2.0, -7.0, -9.0, 2.0],
    "a tie of zeros": [-0.0, 0.0, -30.0, -40.0],
    "an ULP below": [1e4, NEXT, 9980.0, 0.0],
    "four ULP below": [1e4, 1e4 - 4 * (1e4 - NEXT), 9980.0, 0.0],
    "five ULP below": [1e4, 1e4 - 5 * (1e4 - NEXT), 9980.0, 0.0],
    "all within ULP": [-1e4, -NEXT, -NEXT, -1e4],
    "far in nats, near in ULP": [1e8, 1e8 - 8, 0.0, 0.0],
    "ULP of a nat": [1e7, 1e7 - 4, 0.0, 0.0],
    "ULP of a quarter": [3e6, 3e6 - 1, 3e6 - 0.25, 0.0],
    "subnormal": [1e-40, 0.0, -1e-40, 2e-40],
    "one at inf": [INF, 0.0, -1.0, 2.0],
    "two at inf": [INF, INF, 0.0, 1.0],
    "rivals at -inf": [-INF, 0.0, -INF, -INF],
    "a tie beside -inf": [-INF, 3.0, -INF, 3.0],
    "all at -inf": [-INF, -INF, -INF, -INF],
    "inf and -inf": [INF, -INF, 0.0, 1.0],
    "large": [3e37, -3e37, 0.0, 1.0],
    "large twice": [3e37, 3e37, -3e37, 0.0],
    "NaN": [0.0, NAN, 1.0, 2.0],
    "NaN beside inf": [INF, NAN, 1.0, 2.0],
}
EACH = {"reduction": "none", "validate": False}
SHARES = np.array([0.25, 0.125, 0.5, 0.125], np.float32)
HOT = np.array([0.0, 1.0, 0.0, 0.0], np.float32)
CALLS = {
    "soft": (partial(xent.cross_entropy, **EACH), SHARES),
    "one-hot": (partial(xent.cross_entropy, **EACH), HOT),
    "smoothed": (partial(xent.cross_entropy, label_smoothing=0.125, **EACH), np.array(1)),
    "with a penalty": (partial(xent.cross_entropy, z_loss=0.5, **EACH), SHARES),
    "focal": (partial(xent.focal_loss, **EACH), SHARES),
    "Brier": (partial(xent.brier_score, **EACH), SHARES),
    "generalised": (partial(xent.generalized_cross_entropy, **EACH), SHARES),
    "Kullback-Leibler": (partial(xent.kl_divergence, **EACH), SHARES),
    "its one-hot": (partial(xent.kl_divergence, **EACH), HOT),
}


OF_LOGITS = {
    "entropy": partial(xent.entropy, reduction="none"),
    "logsumexp": xent.logsumexp,
    "softmax": xent.softmax,
    "log_softmax": xent.log_softmax,
}


def both(loss, target, logits):
    return xent.value_and_grad(loss.func)(target, logits=logits, **loss.keywords)


def assert_rows(found, wanted):
    for got, want in zip(found, wanted, strict=True):
        assert got.dtype == torch.float32
        for row, a, b in zip(ROWS, got.numpy(), in_single(want), strict=True):
            assert ulps(a, b, scale=largest(b)) <= 4, f"{row}: {a}, should be {b}"


@pytest.mark.parametrize("way", ["aot_eager", pytest.param("inductor", marks=NEEDS_COMPILER)])
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_a_row_is_what_it_is_elsewhere(name, way):
    t = np.stack([CALLS[name][1]] * len(ROWS))
    is_what_it_is_elsewhere(name, way, t, np.array([*ROWS.values()], np.float32))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_and_so_is_one_of_one_class(name):
    t = np.stack([CALLS[name][1]] * len(ROWS))
    t = np.zeros_like(t) if t.ndim == 1 else t[:, 1:2]
    is_what_it_is_elsewhere(name, "aot_eager", t, np.array([*ROWS.values()], np.float32)[:, 1:2])


def is_what_it_is_elsewhere(name, way, t, z):
    loss = CALLS[name][0]
    torch._dynamo.reset()
    program = torch.compile(partial(both, loss), backend=way, fullgraph=True)
    wide = t.astype(float) if t.dtype == z.dtype else t
    assert_rows(
        program(torch.from_numpy(t), torch.from_numpy(z)), both(loss, wide, z.astype(float))
    )


@pytest.mark.parametrize("name", OF_LOGITS)
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_a_function_of_logits_is_what_it_is_elsewhere(name):
    function = OF_LOGITS[name]
    z = np.array([*ROWS.values()], np.float32)
    torch._dynamo.reset()
    program = torch.compile(lambda z: function(logits=z), backend="aot_eager", fullgraph=True)
    assert_rows([program(torch.from_numpy(z))], [function(logits=z.astype(float))])


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_along_another_axis_and_of_another_default_dtype():
    loss, of_one = CALLS["soft"]
    z = np.array([*ROWS.values()], np.float32)
    t = np.stack([of_one] * len(z))
    along = partial(loss.func, axis=0, **loss.keywords)
    torch._dynamo.reset()
    torch.set_default_dtype(torch.float64)
    try:
        program = torch.compile(partial(both, along), backend="aot_eager", fullgraph=True)
        value, g = program(torch.from_numpy(t.T.copy()), torch.from_numpy(z.T.copy()))
    finally:
        torch.set_default_dtype(torch.float32)
    assert_rows([value, g.T], both(loss, t.astype(float), z.astype(float)))


@NEEDS_COMPILER
def test_logits_that_are_rounded_otherwise_in_each_loop():
    """A loop that reads int16 is scalar here, and has another sine; −30 makes a thousand ULP of one."""
    h = np.pi / 2 - 1.5 * np.random.default_rng(0).random((4096, 32))
    h[:, 0] = np.pi / 2 - np.logspace(-4, -0.5, 4096)
    hot = torch.zeros(4096, 32, dtype=torch.int16)
    hot[:, 0] = 1

    def of_sine(h, hot):
        return both(CALLS["one-hot"][0], hot.to(h.dtype), 30 * torch.sin(h) - 30)

    torch._dynamo.reset()
    found = torch.compile(of_sine, fullgraph=True)(torch.asarray(h, dtype=torch.float32), hot)
    for got, want in zip(found, of_sine(torch.asarray(h, dtype=torch.float32), hot), strict=True):
        assert ulps(got.numpy(), want.numpy(), scale=30) <= 4


class Rounded(torch.Tensor):
    """A tensor that is another ULP off each time that it is compared."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        args = [x.as_subclass(torch.Tensor) if isinstance(x, cls) else x for x in args]
        if function.__name__ in ("ge", "__ge__"):
            args[0] = args[0].nextafter(torch.full_like(args[0], next(cls.towards)))
        return function(*args, **(kwargs or {}))


def placed(x):
    """Return the place of the peak of each row, and the sum beside it."""
    xp = TRACED.xp
    return xp.peak_and_place(x.as_subclass(Rounded), 1, lambda p: xp.exp(xp.shifted(x, p)))[1:]


@pytest.mark.parametrize("towards", [*product([-INF, INF], repeat=2)])
def test_what_is_rounded_again_has_its_place(towards):
    """In the count, and where it is looked for."""
    x = torch.tensor([[1e4, 3.0, -2.0], [-30.0, -29.0, -60.0], [0.75, 0.0, -9.0], [1e5, 9e4, 0.0]])
    Rounded.towards = iter(towards)
    place, rest = placed(x)
    assert torch.equal(place.here, x == x.amax(1, keepdim=True))
    assert torch.equal(place.near, place.here)
    beside = torch.where(place.here, 0.0, torch.exp(x - x.amax(1, keepdim=True)))
    assert torch.equal(rest, beside.sum(1, keepdim=True))


@pytest.mark.parametrize("towards", [*product([-INF, INF], repeat=2)])
@pytest.mark.parametrize("ulp", range(1, 9))
def test_no_rival_has_it(ulp, towards):
    x = torch.tensor([[1e4, 1e4 - ulp * (1e4 - NEXT), 0.0], [-1.0, -1 - ulp * 2**-23, -9.0]])
    Rounded.towards = iter(towards)
    place, rest = placed(x)
    assert not place.here[:, 1:].any()
    assert torch.equal(place.alone, place.here[:, :1])
    want = np.exp(x.numpy().astype("d") - x.numpy().max(1, keepdims=True)).sum(1) - 1
    assert_near(rest[:, 0].numpy(), want, 4)


def in_single(x):
    """Return numbers as they are, infinite where a float32 is."""
    return np.where(np.abs(x) > np.finfo(np.float32).max, np.copysign(INF, x), x)


@NEEDS_COMPILER
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_a_teacher_with_two_peaks_that_nearly_tie():
    """Whatever a compiler takes for its place: all is counted from the number that is there."""
    t = np.array(list(ROWS.values()), np.float32)
    z = t + np.array([0.75, 0.0, -0.5, 0.25], np.float32)

    def both(t, z):
        return xent.value_and_grad(xent.kl_divergence)(target_logits=t, logits=z, reduction="none")

    wanted = both(t.astype(np.float64), z.astype(np.float64))
    found = torch.compile(both, fullgraph=True)(torch.asarray(t), torch.asarray(z))
    for got, want in zip(found, wanted, strict=True):
        for row, a, b in zip(ROWS, got.numpy(), want, strict=True):
            assert ulps(a, np.float32(b), scale=largest(np.float32(b))) <= 16, f"{row}: {a}, {b}"
