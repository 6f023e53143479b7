"""Losses of pairs are those of all N × N logits: values, all gradients, masks, certainty, precision."""

import ml_dtypes
import numpy as np
import pytest

import xent
from tests.linear.pairs import NUMBERS, SIGMOID, SOFTMAX, TRUTH, assert_truth, checked, pairs, run
from tests.near import assert_near, assert_same, assert_zero
from xent import _linear
from xent.engines import blocks, head

LOSSES = pytest.mark.parametrize("loss", [SOFTMAX, SIGMOID], ids=["softmax", "sigmoid"])
KEPT = np.asarray([True, False, True, True, False, True])
SAMPLED = np.asarray([0.5, 2.0, 1.0, 0.0, 3.0, 1.5])
OPTIONS = {
    "plain": {},
    "rows": {"reduction": "none", "where": KEPT},
    "bits": {"base": 2, "denominator": 7.0, "where": KEPT},
}


@LOSSES
@pytest.mark.parametrize("name", OPTIONS)
def test_value_and_gradients(backend, loss, name):
    checked(backend, loss, **pairs(), **NUMBERS[loss], **OPTIONS[name])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_pairs_that_weigh(backend, reduction):
    options = {"sample_weight": SAMPLED, "where": KEPT, "reduction": reduction}
    checked(backend, SOFTMAX, **pairs(), **NUMBERS[SOFTMAX], **options)


@LOSSES
def test_a_cotangent_weighs_each_pair(backend, loss):
    """What is pulled back is the sum of what each row pulls by itself."""
    given = {**pairs(), **NUMBERS[loss], "where": KEPT, "reduction": "none"}
    pulled = xent.vjp(loss)
    _, got = backend.call(pulled, **given, cotangent=SAMPLED)
    each = [pulled(**given, cotangent=row)[1] for row in np.eye(len(SAMPLED))]
    for name, x in got._asdict().items():
        parts = [w * getattr(g, name) for w, g in zip(SAMPLED, each, strict=True)]
        assert_near(backend.numbers(x), np.sum(parts, axis=0), 32, scale=np.sum(np.abs(parts)))
    _, whole = backend.call(pulled, **{**given, "reduction": "sum"}, cotangent=np.asarray(2.0))
    _, ones = backend.call(pulled, **given, cotangent=np.full(len(SAMPLED), 2.0))
    for x, y in zip(whole, ones, strict=True):
        assert_near(
            backend.numbers(x), backend.numbers(y), 32, scale=np.max(np.abs(backend.numbers(y)))
        )


def test_a_cotangent_is_a_weight_of_the_sample(backend):
    given = {**pairs(), **NUMBERS[SOFTMAX], "where": KEPT}
    _, got = backend.call(xent.vjp(SOFTMAX), **given, reduction="none", cotangent=SAMPLED)
    want = backend.call(xent.grad(SOFTMAX), **given, reduction="sum", sample_weight=SAMPLED)
    for x, y in zip(got, want, strict=True):
        assert_near(backend.numbers(x), backend.numbers(y), 8)


@LOSSES
def test_chunks_are_the_whole(backend, loss, monkeypatch):
    """One logit at a time, some classes of some rows, some rows; some of what is stored of them."""
    monkeypatch.setattr(blocks, "BLOCK", 200)
    monkeypatch.setattr(head, "WIDE", 1)
    monkeypatch.setattr(_linear, "ROWS", 5)
    monkeypatch.setattr(_linear, "FEW", 3)
    monkeypatch.setattr(_linear, "STRIP", 4)
    given = pairs(23) | NUMBERS[loss] | {"where": np.arange(23) % 5 != 2}
    for budget in (500,) if backend.is_slow else (1, 500, 1000, 4000):
        checked(backend, loss, **given, chunk_bytes=budget)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_chunks_of_pairs_that_are_in(backend, monkeypatch, reduction):
    """What is merged of rows that weigh, some of them taken out, is the whole as well."""
    monkeypatch.setattr(_linear, "ROWS", 5)
    monkeypatch.setattr(_linear, "FEW", 3)
    monkeypatch.setattr(head, "WIDE", 1)
    kept = {"where": np.arange(23) % 7 != 3} | {"sample_weight": np.arange(23) % 4 + 0.5}
    kept = kept if reduction == "mean" else {"where": kept["where"]}
    given = pairs(23) | NUMBERS[SOFTMAX] | kept
    checked(backend, SOFTMAX, **given, reduction=reduction, chunk_bytes=4000)


@LOSSES
def test_numbers_as_they_come(backend, loss):
    """A number of Python's has a gradient too, and what another dtype has gets it in that."""
    plain = {name: float(x) for name, x in NUMBERS[loss].items()}
    got = checked(backend, loss, **pairs(), **plain)
    assert [np.shape(x) for x in got[3:]] == [()] * len(plain)
    narrow = {name: np.float32(x) for name, x in NUMBERS[loss].items()}
    value, g = backend.call(xent.value_and_grad(loss), **pairs(), **narrow)
    assert backend.dtype_of(value) == backend.dtype_of(g.a) == "float64"
    assert_near(backend.numbers(value), got[0], 4)


@LOSSES
def test_the_gradients_have_names(backend, loss):
    g = backend.call(xent.grad(loss), **pairs(), **NUMBERS[loss])
    assert g._fields == ("a", "b", *NUMBERS[loss])
    assert all(map(backend.owns, g))


@LOSSES
@pytest.mark.parametrize("held", [np.nan, np.inf])
def test_a_pair_that_is_taken_out_is_nowhere(backend, loss, held):
    """Neither an anchor nor another's negative, whatever it holds (R9)."""
    given, options = pairs(), NUMBERS[loss]
    some = {name: x[KEPT] for name, x in given.items()}
    dirty = {name: np.where(KEPT[:, None], x, held) for name, x in given.items()}
    got = run(backend, loss, **dirty, **options, where=KEPT)
    want = checked(backend, loss, **some, **options)
    for mine, right in zip(got, want, strict=True):
        assert_near(mine[KEPT] if np.ndim(mine) == 2 else mine, right, 32, scale=abs(right).max())
        assert_zero(mine[~KEPT] if np.ndim(mine) == 2 else 0)


@LOSSES
def test_no_pair_is_left(backend, loss):
    for x in run(backend, loss, **pairs(), **NUMBERS[loss], where=np.zeros(6, bool)):
        assert_zero(x)


def test_one_pair_is_certain(backend):
    for x in run(backend, SOFTMAX, **pairs(1), temperature=0.5):
        assert_zero(x)


CERTAIN = [("float64", 27.75), ("float64", 700.0), ("float32", 27.75), ("float32", 80.0)]


@pytest.mark.parametrize(("dtype", "sure"), CERTAIN)
def test_near_certainty_no_digit_is_lost(backend, dtype, sure):
    """Of orthogonal unit vectors the loss is log1p((N − 1) e^−1/τ), 2.7e−12 at the first."""
    n = 4
    a, t = np.eye(n, dtype=dtype), np.asarray(1 / 32, dtype)
    b = a * np.asarray(sure / 32, dtype)
    value, da, db, dt = run(backend, SOFTMAX, a=a, b=b, temperature=t)
    rest = (n - 1) * np.exp(-sure)
    assert_near(value, np.log1p(rest), 4)
    own = rest / (1 + rest)
    assert_near(np.diag(da), np.full(n, -own * sure / n), 8)
    assert_near(np.diag(db), np.full(n, -own * 32 / n), 8)
    assert_near(dt, own * sure * 32, 8)


@pytest.mark.parametrize(("dtype", "sure"), CERTAIN)
def test_near_certainty_of_signs(backend, dtype, sure):
    n = 4
    given = {"a": np.eye(n, dtype=dtype), "b": np.eye(n, dtype=dtype)}
    value, da, _, ds, dt = run(backend, SIGMOID, **given, scale=2 * sure, bias=-sure)
    e = np.exp(-sure)
    assert_near(value, n * np.log1p(e), 4)
    slope = e / (1 + e) / n
    assert_near(np.diag(da), np.full(n, -slope * 2 * sure), 4)
    assert_near(ds, -n * slope, 4)
    assert_near(dt, n * (n - 2) * slope, 4)


def test_beyond_the_range_of_exponentials(backend):
    """R5: a logit without an end is a certainty, right or wrong."""
    a = 1e20 * np.eye(2, dtype="float32")
    assert_zero(backend.run(SOFTMAX, a=a, b=a, temperature=1.0))
    assert backend.run(SOFTMAX, a=a, b=a[::-1].copy(), temperature=1.0) == np.inf
    assert backend.run(SIGMOID, a=a, b=-a, scale=1.0, bias=0.0) == np.inf


@LOSSES
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(backend, loss, dtype):
    """A temperature rounds no embedding to half precision, and each gradient is rounded once."""
    if not backend.has(dtype):
        pytest.skip(f"{backend.library} has no {dtype}")
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float16
    given = {name: x.astype(kind) for name, x in pairs(40, 8).items()}
    numbers = {name: x.astype(np.float32) for name, x in NUMBERS[loss].items()}
    exact = {name: x.astype(np.float64) for name, x in given.items()}
    (value, *slopes), sizes = TRUTH[loss](**exact, **NUMBERS[loss])
    got = run(backend, loss, **given, **numbers)
    assert_truth((got[0], *got[3:]), ((value, *slopes[2:]), (sizes[0], *sizes[3:])))
    for mine, right in zip(got[1:3], slopes, strict=False):
        assert mine.dtype == kind
        assert_near(mine, right, 1, scale=np.maximum(abs(right), abs(right).max() / 64))


@LOSSES
def test_embeddings_of_two_dtypes(backend, loss):
    given = pairs()
    mixed = given | {"b": given["b"].astype(np.float32)}
    exact = given | {"b": mixed["b"].astype(np.float64)}
    value, g = backend.call(xent.value_and_grad(loss), **mixed, **NUMBERS[loss])
    assert backend.dtype_of(g.a) == "float64"
    assert backend.dtype_of(g.b) == "float32"
    want = checked(backend, loss, **exact, **NUMBERS[loss])
    assert_truth(
        (backend.numbers(value), backend.numbers(g.a)), (want[:2], (want[0], abs(want[1]).max()))
    )


@pytest.mark.parametrize("narrow", ["a", "b"])
@LOSSES
def test_numbers_keep_their_digits_beside_two_dtypes(backend, loss, narrow):
    given = pairs()
    mixed = given | {narrow: given[narrow].astype(np.float32)}
    exact = given | {narrow: mixed[narrow].astype(np.float64)}
    numbers = dict.fromkeys(NUMBERS[loss], 0.1)  # which float32 has seven digits of
    value = backend.call(loss, **mixed, **numbers)
    want = checked(backend, loss, **exact, **numbers)
    assert_truth((backend.numbers(value),), ((want[0],), (want[0],)))


def test_arguments_are_not_written_to(backend):
    given = pairs() | {"where": KEPT}
    before = {name: x.copy() for name, x in given.items()}
    run(backend, SOFTMAX, **given, temperature=0.5)
    for name, x in before.items():
        assert_same(given[name], x)
