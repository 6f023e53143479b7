"""NumPy's own habits: flags and warnings, scalars, arrays that lie in memory in every way (R14a)."""

import json
import warnings

import numpy as np
import pytest

import xent
from tests.cases import CASES
from tests.laws.test_dtypes import DTYPES, cast
from tests.memory import peak
from tests.near import assert_near, assert_same, largest
from xent.engines import blocks


def far(given, form):
    """Return the arguments with rows whose exponentials, products and casts over- and underflow."""
    x = given[form].copy()
    limits = np.finfo(x.dtype)
    if form == "logits":
        x[0] = (limits.min, limits.max, limits.tiny, -np.inf)
    elif form == "log_probs":
        x[0] = (limits.min, -np.inf, -limits.smallest_subnormal, 0.0)
    else:
        x[0] = (0.0, limits.tiny, limits.smallest_subnormal, 1.0)
    return given | {form: x}


@pytest.mark.parametrize("dtype", [k for k in DTYPES if k != "bfloat16"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_flags_and_filters_change_nothing(case, dtype):
    given = far(cast(case.arguments(), dtype), case.form)
    for function in (case.function, case.both):
        wanted = function(**given)
        with np.errstate(all="raise"), warnings.catch_warnings():
            warnings.simplefilter("error")
            got = function(**given)
        for a, b in zip(*(x if isinstance(x, tuple) else (x,) for x in (got, wanted)), strict=True):
            assert_same(a, b)


HEADS = [case for case in CASES if case.form == "logits" and case.target == "target"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("case", HEADS, ids=str)
def test_nor_do_they_of_a_linear_head(case, dtype):
    """Whose costs, products and casts overflow and underflow."""
    head = xent.value_and_grad(xent.linear_head(case.function))
    features = np.asarray([[6e4, 1.0], [1e-4, -6e4], [0.0, 1.0]], np.float32)
    weight = np.asarray([[1.0, 6e4], [-1.0, 1e-7], [0.5, 0.0], [-6e4, 1.0]], dtype)
    target = case.arguments()["target"]
    wanted = head(target, features, weight)
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        got = head(target, features, weight)
    for a, b in zip((got[0], *got[1][:2]), (wanted[0], *wanted[1][:2]), strict=True):
        assert_same(a, b)


def test_nor_do_they_of_what_is_validated():
    log_probs = np.asarray([[0.0, -1000.0]])
    with np.errstate(all="raise"):
        assert xent.cross_entropy([0], log_probs=log_probs, validate=True) == 0


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_value_without_axes_is_a_scalar(case):
    given = case.arguments()
    value = case.function(**{k: x[0] for k, x in given.items()})
    if not case.keeps_shape or case.takes("reduction"):
        assert isinstance(value, np.float64)
        assert json.loads(json.dumps(value)) == value
        assert type(case.both(**{k: x[0] for k, x in given.items()})[0]) is np.float64


def unaligned(x):
    room = np.ndarray(x.shape, x.dtype, buffer=bytearray(x.nbytes + 1), offset=1)
    room[...] = x
    return room


def swapped(x):
    return x.astype(x.dtype.newbyteorder())


def mapped(x, path):
    np.save(path, x)
    return np.load(path, mmap_mode="r")


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {"unaligned": unaligned, "byte-swapped": swapped, "read-only": read_only}


@pytest.fixture(params=[*LAYOUTS, "memory-mapped"])
def layout(request, tmp_path):
    """How an array may lie, as a function of one that lies as usual."""
    count = iter(range(9))
    return LAYOUTS.get(request.param, lambda x: mapped(x, tmp_path / f"{next(count)}.npy"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_arrays_may_lie_in_any_way(case, layout):
    given = {**case.arguments(), **case.options()}
    there = {k: layout(x) if isinstance(x, np.ndarray) else x for k, x in given.items()}
    value, gradient = case.both(**given)
    got, got_gradient = case.both(**there)
    assert type(got) is type(value)
    assert type(got_gradient) is np.ndarray
    assert_near(got, value, 4)
    assert_near(got_gradient, gradient, 4, scale=largest(gradient))


@pytest.mark.parametrize("case", [c for c in CASES if c.has_rows], ids=str)
def test_they_cost_no_more_memory(case, layout, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 1 << 14)
    given = cast(case.arguments(rows=(512,), classes=64), "float32")
    usual = peak(case.both, **given)
    assert peak(case.both, **{k: layout(x) for k, x in given.items()}) < 1.1 * usual + (1 << 14)


def test_a_broadcast_array_is_cut_into_blocks():
    logits, labels = np.zeros(4000, np.float32), np.zeros(8000, int)
    there = np.broadcast_to(logits, (8000, 4000))
    assert peak(xent.cross_entropy, target=labels, logits=there) < 4 * blocks.BLOCK
