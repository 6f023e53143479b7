"""Classes that a link is told to leave out of its rows are not there, whatever they hold (R9)."""

import ml_dtypes
import numpy as np
import pytest

import xent
from tests.cases import LOSSES, NAMED
from tests.near import assert_near, assert_same, assert_zero, ulps

CASES = [NAMED[f"{name}-nothing-logits"] for name in ("softmax", "log_softmax", "logsumexp")]
OUT = {"softmax": 0.0, "log_softmax": -np.inf}
"""The value of a class that is not there."""

KEEP = np.asarray([True, False, True, True, False])
Z = np.random.default_rng(70).uniform(-3, 3, (2, 3, KEEP.size))
of_links = pytest.mark.parametrize("case", CASES, ids=str)


def spoilt(bad):
    return np.where(KEEP, Z, bad)


@of_links
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_the_others_are_a_row_of_their_own(any_backend, case, bad):
    where = np.broadcast_to(KEEP, Z.shape).copy()
    value, gradient = any_backend.run(case.both, logits=spoilt(bad), where=where)
    wanted, slope = any_backend.run(case.both, logits=Z[..., KEEP])
    if case.keeps_shape:
        assert_same(value[..., ~KEEP], np.full((2, 3, 2), OUT[case.loss]))
        value = value[..., KEEP]
    assert_near(value, wanted)
    assert_near(value, case.record.formula(np, Z[..., KEEP]), 64)
    assert_zero(gradient[..., ~KEEP])
    assert_near(gradient[..., KEEP], slope, scale=1.0)


@of_links
@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_of_no_classes_a_row_is_empty(backend, case, bad):
    z, where = np.asarray([[bad, 1.0], [2.0, bad]]), np.asarray([[False, False], [True, False]])
    value, gradient = backend.run(case.both, logits=z, where=where)
    empty = {"softmax": [0.0, 0.0], "log_softmax": [-np.inf] * 2, "logsumexp": -np.inf}
    assert_same(value[0], np.asarray(empty[case.loss]))
    one = {"softmax": [1.0, 0.0], "log_softmax": [0.0, -np.inf], "logsumexp": 2.0}
    assert_same(value[1], np.asarray(one[case.loss]))
    assert_zero(gradient[0])


@of_links
@pytest.mark.parametrize("shape", [(5,), (1, 5), (3, 1), (2, 1, 5), (2, 3, 5), ()], ids=str)
def test_a_mask_is_broadcast(backend, case, shape):
    where = np.random.default_rng(71).uniform(size=shape) < 0.6
    whole = np.broadcast_to(where, Z.shape).copy()
    got = backend.run(case.both, logits=Z, where=where)
    for a, b in zip(got, backend.run(case.both, logits=Z, where=whole), strict=True):
        assert_same(a, b)


@of_links
def test_along_any_axis(backend, case):
    turned = np.moveaxis(Z, -1, 0)
    got = backend.run(case.both, logits=turned, axis=0, where=KEEP[:, None, None])
    value, gradient = backend.run(case.both, logits=Z, where=KEEP)
    value = np.moveaxis(value, -1, 0) if case.keeps_shape else value
    assert_near(got[0], value)
    assert_near(got[1], np.moveaxis(gradient, -1, 0), scale=1.0)


@of_links
def test_all_classes_are_the_row(backend, case):
    where = np.ones(Z.shape, bool)
    got = backend.run(case.both, logits=Z, where=where)
    for a, b in zip(got, backend.run(case.both, logits=Z), strict=True):
        assert np.all(ulps(a, b) <= 1)


@of_links
def test_a_list_is_a_mask(case):
    assert_same(case.function(Z, where=KEEP.tolist()), case.function(Z, where=KEEP))


@of_links
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_dtype_is_kept(backend, case, dtype):
    if not backend.has(dtype):
        pytest.skip(f"{backend} has no {dtype}")
    z = Z.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    for x in backend.call(case.both, logits=z, where=KEEP):
        assert backend.dtype_of(x) == dtype


def test_a_masked_softmax_adds_up(backend):
    a = backend.run(xent.softmax, logits=spoilt(np.nan), where=KEEP)
    assert_near(a.sum(-1), np.ones((2, 3)))


def test_every_link_of_a_row_takes_it():
    for name in LOSSES:
        case = NAMED.get(f"{name}-nothing-logits")
        if case is not None and case.is_link and "axis" in case.parameters:
            assert case in CASES
