"""Dask arrays whose sizes are not known before they are computed, whose chunks are empty, or masked."""

import dask
import dask.array as da
import numpy as np
import pytest

import xent
from tests.backends import converted
from tests.cases import CASES, NAMED, in_brief
from tests.linear.textbook import CE
from tests.near import assert_near, largest

LABELS = NAMED["cross_entropy-labels-logits"]
KEPT = np.asarray([True, False, True, True, False])


def lazy(x):
    return da.from_array(x, chunks=2)


def some(given, keep):
    """Return the arguments with some of their rows."""
    return {k: keep(x) if np.shape(x)[:1] == (5,) else x for k, x in given.items()}


def same(both, given, rows=(5,)):
    """Hold value and gradient of rows that are taken out lazily to those of the rows that are left."""
    want = both(**some(given, lambda x: x[KEPT]))
    got = both(**some(converted(given, lazy), lambda x: x[lazy(KEPT)]))
    for mine, right in zip(dask.compute(got, scheduler="sync")[0], want, strict=True):
        if right is not None:
            assert_near(np.asarray(mine), np.asarray(right), scale=largest(np.asarray(right)))


@pytest.mark.parametrize("case", [c for c in CASES if in_brief(c)], ids=str)
def test_rows_of_an_unknown_number(case):
    given = case.arguments(seed=81, rows=(5,))
    same(case.both, given)
    same(case.both, given | case.options(seed=81, rows=(5,)))


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_beside_other_axes(axis, reduction):
    """Whichever axis has the classes, and whichever of the others is not known."""
    draw = np.random.default_rng(83)
    z, y = draw.normal(size=(5, 3, 4)), draw.integers(0, 4, (5, 3))
    both = xent.value_and_grad(xent.cross_entropy)
    for weights in ({}, {"ignore_index": 1}, {"class_weight": draw.uniform(1, 2, 4)}):
        z_axis = np.moveaxis(z, -1, axis)
        given = {"axis": axis, "reduction": reduction, **weights}
        want = both(y[KEPT], logits=np.moveaxis(z[KEPT], -1, axis), **given)
        rows = (slice(None),) * (axis == 0) + (lazy(KEPT),)
        got = both(lazy(y)[lazy(KEPT)], logits=lazy(z_axis)[rows], **converted(given, lazy))
        for mine, right in zip(dask.compute(got, scheduler="sync")[0], want, strict=True):
            assert_near(np.asarray(mine), right, scale=np.max(np.abs(right)))


def test_of_what_is_no_loss():
    draw = np.random.default_rng(84)
    z, y = draw.normal(size=(5, 3)), draw.integers(0, 3, 5)
    keep, p = lazy(KEPT), xent.softmax(z)
    pairs = [
        (xent.softmax_jacobian(lazy(z)[keep]), xent.softmax_jacobian(z[KEPT])),
        (xent.one_hot(lazy(y)[keep], 3), xent.one_hot(y[KEPT], 3)),
        (xent.smooth_labels(lazy(p)[keep], 0.5), xent.smooth_labels(p[KEPT], 0.5)),
        (xent.is_distribution(lazy(p)[keep]), xent.is_distribution(p[KEPT])),
        (xent.self_information(lazy(p)[keep]), xent.self_information(p[KEPT])),
        (xent.likelihood(lazy(y)[keep], lazy(p)[keep]), xent.likelihood(y[KEPT], p[KEPT])),
    ]
    for mine, right in pairs:
        np.testing.assert_allclose(mine.compute(scheduler="sync"), right, rtol=1e-15)


def test_without_rows_or_classes():
    """An empty axis, in one chunk or more, is what it is to NumPy."""
    empty = [(0, 4), (2, 0, 4)]
    for shape in empty:
        z, y = np.zeros(shape), np.zeros(shape[:-1], int)
        given = {"target": y, "logits": z, "class_weight": np.ones(4), "reduction": "sum"}
        same_as_numpy(xent.value_and_grad(xent.cross_entropy), given)
        given = {"target": y, "features": z, "weight": np.ones((3, 4)), "reduction": "sum"}
        same_as_numpy(lambda **given: _flat(xent.value_and_grad(CE)(**given)), given)
    for shape in [*empty, (5, 0), (2, 0), (0, 0), (0,)]:
        for link in (xent.softmax, xent.log_softmax, xent.logsumexp, xent.sigmoid):
            same_as_numpy(xent.value_and_grad(link), {"logits": np.zeros(shape)})
    head = xent.value_and_grad(xent.linear_head(xent.binary_cross_entropy))
    none = {"target": np.zeros((5, 0)), "features": np.zeros((5, 3)), "weight": np.zeros((0, 3))}
    same_as_numpy(lambda **given: _flat(head(**given)), {**none, "reduction": "sum"})


def same_as_numpy(both, given):
    want = both(**given)
    for mine, right in zip(dask.compute(both(**converted(given, lazy)))[0], want, strict=True):
        if right is not None:
            assert_near(np.asarray(mine), np.asarray(right))


def _flat(both):
    return both[0], *both[1]


def test_of_a_linear_head():
    draw = np.random.default_rng(82)
    given = {"target": draw.integers(0, 4, 5), "features": draw.normal(size=(5, 3))}
    given |= {"weight": draw.normal(size=(4, 3)), "sample_weight": draw.uniform(size=5)}

    def both(**given):
        value, slopes = xent.value_and_grad(CE)(**given)
        return value, *slopes

    same(both, given)


@pytest.mark.parametrize("name", ["target", "sample_weight", "where"])
def test_rows_that_turn_out_to_differ(name):
    """They would be broadcast, and a wrong number be the result."""
    given = {**LABELS.arguments(rows=(5,)), "sample_weight": np.ones(5), "where": KEPT}
    left = some(converted(given, lazy), lambda x: x[lazy(KEPT)])
    left[name] = lazy(given[name])[lazy(np.asarray([True, True, True, False, False]))]
    with pytest.raises(ValueError, match="differ in their rows"):
        LABELS.function(**left).compute(scheduler="sync")


def test_what_must_be_known():
    z, y = lazy(np.zeros((5, 4))), lazy(np.zeros(5, int))
    with pytest.raises(ValueError, match=r"number of classes.*compute_chunk_sizes"):
        xent.cross_entropy(y, logits=z[:, z[0] > 0])
    with pytest.raises(ValueError, match=r"takes \(nan,\).*call compute_chunk_sizes"):
        xent.cross_entropy(y, logits=z[lazy(KEPT)])
    with pytest.raises(ValueError, match=r"D = nan.*call compute_chunk_sizes"):
        xent.linear_cross_entropy(y, z[:, z[0] > 0], z)
    cut = lazy(np.zeros((2, 5), int))[:, lazy(KEPT)]
    logits = lazy(np.zeros((2, 5, 4)))[:, lazy(KEPT)]
    with pytest.raises(ValueError, match=r"unknown; call compute_chunk_sizes"):
        xent.cross_entropy(cut, logits=logits, class_weight=lazy(np.ones(4)))


def test_chunks_without_rows_or_classes():
    given = LABELS.arguments(rows=(5,))
    cut = {
        "target": da.from_array(given["target"], chunks=((0, 2, 0, 3),)),
        "logits": da.from_array(given["logits"], chunks=((0, 2, 0, 3), (0, 1, 0, 3))),
    }
    want = LABELS.both(**given)
    for mine, right in zip(
        dask.compute(LABELS.both(**cut), scheduler="sync")[0], want, strict=True
    ):
        assert_near(np.asarray(mine), np.asarray(right), scale=largest(np.asarray(right)))


def test_masked_chunks_are_refused():
    given = converted(LABELS.arguments(rows=(5,)), lazy)
    masked = da.ma.masked_array(given["logits"], given["logits"] > 0)
    with pytest.raises(
        TypeError, match=r"logits is numpy\.ma\.MaskedArray; its mask would be lost"
    ):
        xent.cross_entropy(given["target"], logits=masked)
