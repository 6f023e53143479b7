"""A perplexity of each sequence is that of its rows alone (R10)."""

import numpy as np
import pytest

import xent
from tests.cases import CASES
from tests.libraries.textbook import textbook
from tests.near import assert_near, assert_same, assert_zero, largest

PERPLEXITIES = [case for case in CASES if case.loss == "perplexity"]
MAIN = PERPLEXITIES[0]
ROWS = (4, 5)
of_cases = pytest.mark.parametrize("case", PERPLEXITIES, ids=str)


def given_of(case, options=True):
    given = case.arguments(seed=80, rows=ROWS)
    more = case.options(rows=ROWS) if options else {}
    more.pop("denominator", None)
    return given | more


def alone(given, axis):
    """Yield the arguments of each sequence, and where its rows are."""
    for i in range(ROWS[1 - axis]):
        place = (i, slice(None)) if axis else (slice(None), i)
        of_rows = {k for k, x in given.items() if isinstance(x, np.ndarray) and x.shape[:2] == ROWS}
        yield {k: x[place] if k in of_rows else x for k, x in given.items()}, place


@of_cases
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("options", [False, True], ids=["plain", "every"])
def test_each_is_that_of_its_rows(backend, case, axis, options):
    given = given_of(case, options)
    value, gradient = backend.run(case.both, **given, sequence_axis=axis - 2 * options)
    assert value.shape == (ROWS[1 - axis],)
    for i, (some, place) in enumerate(alone(given, axis)):
        assert_near(value[i], np.asarray(textbook(np, case, some)))
        slope = case.grad(**some)
        assert_near(gradient[place], slope, scale=largest(slope))


def test_compiled_too(any_backend):
    given = given_of(MAIN)
    value = any_backend.run(MAIN.function, **given, sequence_axis=1)
    for i, (some, _) in enumerate(alone(given, 1)):
        assert_near(value[i], np.asarray(textbook(np, MAIN, some)))


@of_cases
def test_a_sequence_of_which_nothing_is_left_is_1(backend, case):
    given, where = given_of(case, options=False), np.ones(ROWS, bool)
    where[1] = where[0, 1] = False
    given[case.form][~where] = np.nan
    value, gradient = backend.run(case.both, **given, where=where, sequence_axis=1)
    assert_same(value[1], np.asarray(1.0))
    assert_zero(gradient[~where])
    assert_near(value[0], case.function(**next(alone({**given, "where": where}, 1))[0]))
    assert np.any(gradient[0] != 0)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")  # Dask computes when asked
def test_one_beyond_all_bounds_leaves_the_others(backend):
    z = np.asarray([[[0.0, 1e4], [0.0, 1.0]], [[0.5, 0.0], [0.0, 2.0]]])
    y = np.zeros((2, 2), int)
    value, gradient = backend.run(MAIN.both, target=y, logits=z, sequence_axis=1)
    assert value[0] == np.inf
    assert not np.any(np.isnan(gradient))
    assert_near(value[1], MAIN.function(y[1], logits=z[1]))
    wanted = MAIN.grad(y[1], logits=z[1])
    assert_near(gradient[1], wanted, scale=largest(wanted))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rows_of_many_axes(axis):
    draw = np.random.default_rng(81)
    z, y = draw.normal(size=(2, 3, 4, 5)), draw.integers(0, 5, (2, 3, 4))
    rows = xent.cross_entropy(y, logits=z, reduction="none")
    value = xent.perplexity(y, logits=z, sequence_axis=axis)
    assert_near(value, np.exp(rows.mean(axis)))
    turned = xent.perplexity(y, logits=np.moveaxis(z, -1, 0), axis=0, sequence_axis=axis)
    assert_near(turned, value)


@pytest.mark.parametrize("dtype", ["bool", "int32", "float32"])
def test_weights_of_any_dtype(backend, dtype):
    given = given_of(MAIN, options=False)
    s = np.arange(20).reshape(ROWS) % 3
    wanted = MAIN.both(**given, sample_weight=s.astype(dtype).astype(float), sequence_axis=1)
    got = backend.run(MAIN.both, **given, sample_weight=s.astype(dtype), sequence_axis=1)
    for a, b in zip(got, wanted, strict=True):
        assert_near(a, b, scale=largest(b))
