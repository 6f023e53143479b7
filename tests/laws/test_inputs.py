"""Inputs are never written to, and may lie in memory as they like (R14)."""

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.cases import CASES, NAMED
from tests.near import assert_near, assert_same, largest
from xent.engines import blocks


def test_inputs_are_not_written_to(backend, case):
    given = {**case.arguments(), **case.options()}
    arrays = {k: backend.asarray(x) for k, x in given.items() if isinstance(x, np.ndarray)}
    before = {k: backend.numbers(x).copy() for k, x in arrays.items()}
    case.both(**(given | arrays))
    case.function(**(given | arrays))
    for name, x in arrays.items():
        assert_same(backend.numbers(x), before[name])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_large_inputs_are_not_written_to(case, monkeypatch):
    """Those of several blocks are cut in views."""
    monkeypatch.setattr(blocks, "BLOCK", 64)
    given = case.arguments(rows=(10,), classes=32)
    before = {k: x.copy() for k, x in given.items()}
    case.both(**given)
    for name, x in given.items():
        assert_same(x, before[name])


def strided(x):
    """Return the same numbers, reversed in memory and with gaps."""
    wide = np.empty((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    view = wide[..., ::-2]
    view[...] = x
    return view


@pytest.mark.parametrize("case", CASES, ids=str)
def test_memory_may_be_laid_out_in_any_way(case):
    given = case.arguments(rows=(2, 3))
    value, gradient = case.both(**given)
    for layout in (np.asfortranarray, strided):
        there, gradient_there = case.both(**{k: layout(x) for k, x in given.items()})
        assert_near(there, value)
        assert_near(gradient_there, gradient, scale=largest(gradient))


def test_gradient_is_a_new_array():
    p = np.asarray([0.5, 0.5])
    for function in (xent.cross_entropy, xent.kl_divergence):
        assert not np.shares_memory(xent.grad(function)(p, log_probs=np.log(p)), p)


@pytest.mark.parametrize("function", [xent.softmax, xent.log_softmax, xent.sigmoid])
def test_links_return_a_new_array(backend, function):
    z = backend.asarray(np.asarray([[0.0, 1.0]]))
    before = backend.numbers(z).copy()
    function(z)
    assert_same(backend.numbers(z), before)


def test_a_row_that_is_one_vector(backend):
    """A loss of one row has a 0-d value and no batch."""
    value = backend.run(xent.cross_entropy, target=np.asarray(1), logits=np.asarray([0.0, 0.0]))
    assert value.shape == ()
    assert_near(value, np.log(2.0), 2)


def test_scalars_of_numpy_are_arrays():
    value = xent.binary_cross_entropy(np.float64(1.0), logits=np.float64(0.0))
    assert Backend.NUMPY.owns(value)
    assert_near(value, np.log(2.0), 2)


@pytest.mark.parametrize(
    "name", ["cross_entropy-labels-logits", "kl_divergence-distributions-probs"]
)
def test_a_list_of_arrays_is_an_array_of_their_library(backend, name):
    arrays = {k: backend.asarray(x) for k, x in NAMED[name].arguments().items()}
    rows = {k: [x[i, ...] for i in range(x.shape[0])] for k, x in arrays.items()}
    value = NAMED[name].function(**rows)
    assert backend.owns(value)
    assert_same(backend.numbers(value), backend.numbers(NAMED[name].function(**arrays)))
