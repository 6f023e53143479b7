"""Lazy stays lazy (R15), and however the chunks are cut the result is NumPy's."""

from functools import partial

import dask
import dask.array as da
import numpy as np
import pytest

import xent
from tests.backends import converted
from tests.cases import NAMED, TRIED
from tests.near import assert_near, largest

CHUNKS = [((5,), (6,)), ((2, 3), (6,)), ((5,), (1, 2, 3)), ((1,) * 5, (1,) * 6), ((4, 1), (3, 3))]


class ComputedError(Exception):
    """A block was computed."""


def explosive(x):
    """Return a Dask array of ``x`` that raises when any of its blocks is computed."""

    def explode(block):
        raise ComputedError

    x = da.from_array(x, chunks=2)
    return da.map_blocks(explode, x, dtype=x.dtype, meta=np.empty((0,) * x.ndim, x.dtype))


def lazily(given):
    return converted(given, explosive)


@pytest.mark.parametrize("case", TRIED, ids=str)
def test_nothing_is_computed_on_the_way(case):
    for options in ({}, case.options(), case.each):
        results = case.both(**lazily({**case.arguments(), **options}))
        for x in results:
            assert isinstance(x, da.Array)
            with pytest.raises(ComputedError):
                x.compute()
        assert isinstance(case.function(**lazily({**case.arguments(), **options})), da.Array)


OTHERS = [
    (xent.self_information, {"p": np.full((2, 2), 0.5)}),
    (xent.likelihood, {"target": np.asarray([0, 1]), "probs": np.full((2, 2), 0.5)}),
    (xent.softmax_jacobian, {"logits": np.zeros((2, 2))}),
    (xent.is_distribution, {"p": np.full((2, 2), 0.5)}),
    (xent.one_hot, {"labels": np.asarray([0, 1]), "num_classes": 2}),
    (xent.smooth_labels, {"target": np.full((2, 2), 0.5), "smoothing": 0.5}),
]


@pytest.mark.parametrize(("function", "given"), OTHERS, ids=lambda x: getattr(x, "__name__", ""))
def test_nothing_is_computed_by_the_others(function, given):
    assert isinstance(function(**lazily(given)), da.Array)
    lazy = converted(given, partial(da.from_array, chunks=1))
    np.testing.assert_array_equal(function(**lazy).compute(), function(**given))


def chunked(x, chunks):
    """Return a Dask array of rows, of classes or of both, cut as the prediction is."""
    rows, classes = chunks
    cut = {2: (rows, classes), 1: (rows if x.shape == (5,) else classes,)}[x.ndim]
    return da.from_array(x, chunks=cut)


def lazy(given, chunks):
    return converted(given, partial(chunked, chunks=chunks))


@pytest.mark.parametrize("chunks", CHUNKS, ids=lambda c: "x".join(str(len(n)) for n in c))
@pytest.mark.parametrize("case", TRIED, ids=str)
def test_chunks_do_not_matter(case, chunks):
    plain = case.arguments(seed=50, rows=(5,), classes=6)
    options = case.options(seed=50, rows=(5,), classes=6)
    for given in (plain, plain | options):
        value, gradient = dask.compute(*case.both(**lazy(given, chunks)), scheduler="sync")
        wanted, wanted_gradient = case.both(**given)
        assert_near(np.asarray(value), wanted)
        assert_near(gradient, wanted_gradient, scale=largest(wanted_gradient))


@pytest.mark.parametrize("case", [c for c in TRIED if not c.elementwise], ids=str)
def test_chunks_along_any_axis(case):
    given = case.arguments(seed=51, rows=(3, 2), classes=5)
    wanted, wanted_gradient = case.both(**given)
    for axis in (0, 1):
        moved = {k: np.moveaxis(x, -1, axis) if x.ndim == 3 else x for k, x in given.items()}
        arrays = {k: da.from_array(x, chunks=2) for k, x in moved.items()}
        value, gradient = dask.compute(*case.both(**arrays, axis=axis), scheduler="sync")
        assert_near(
            np.asarray(value), np.moveaxis(wanted, -1, axis) if case.keeps_shape else wanted
        )
        there = np.moveaxis(gradient, axis, -1)
        assert_near(there, wanted_gradient, scale=largest(wanted_gradient))


def test_target_and_prediction_may_be_cut_differently():
    case = NAMED["cross_entropy-distributions-logits"]
    given = case.arguments(seed=52, rows=(5,), classes=6)
    arrays = {k: da.from_array(x, chunks=2 + i) for i, (k, x) in enumerate(given.items())}
    value, gradient = dask.compute(*case.both(**arrays), scheduler="sync")
    assert_near(np.asarray(value), case.function(**given))
    assert_near(gradient, case.grad(**given), scale=largest(gradient))


def test_labels_are_found_in_whichever_chunk_they_are():
    z = np.arange(12.0).reshape(2, 6) % 5
    for label in range(6):
        y = np.asarray([label, 5 - label])
        arrays = {"target": da.from_array(y, chunks=1), "logits": da.from_array(z, chunks=2)}
        rows = xent.cross_entropy(**arrays, reduction="none").compute(scheduler="sync")
        assert_near(rows, xent.cross_entropy(y, logits=z, reduction="none"))


def test_a_chunk_of_masked_classes():
    z = np.asarray([[-np.inf, -np.inf, 1.0, 2.0], [0.0, -np.inf, -np.inf, -np.inf]])
    for chunks in (1, 2, 3):
        logits = da.from_array(z, chunks=chunks)
        both = xent.value_and_grad(xent.cross_entropy)([3, 0], logits=logits, reduction="none")
        value, gradient = dask.compute(*both, scheduler="sync")
        wanted = xent.value_and_grad(xent.cross_entropy)([3, 0], logits=z, reduction="none")
        assert_near(value, wanted[0], 4)
        assert_near(gradient, wanted[1], 4)
