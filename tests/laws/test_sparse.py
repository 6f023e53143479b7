"""A distribution of a few classes is the row that it stands for, and that row is never needed."""

import math
from functools import partial

import numpy as np
import pytest

import xent
from tests.memory import peak
from tests.near import BOTH, assert_near, largest
from xent import _linear

ROWS, CLASSES, ENTRIES = 5, 7, 3
DRAW = np.random.default_rng(4)
LOGITS = DRAW.normal(size=(ROWS, CLASSES)) * 3
PROBS = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
FORMS = {"logits": LOGITS, "probs": PROBS, "log_probs": np.log(PROBS)}
INDICES = np.stack([DRAW.permutation(CLASSES)[:ENTRIES] for _ in range(ROWS)])
WEIGHTS = DRAW.dirichlet(np.ones(ENTRIES + 1), size=ROWS)[:, :ENTRIES]
ENTRIES = {"indices": INDICES, "p": WEIGHTS}
HEAD = {
    "features": DRAW.normal(size=(ROWS, 4)),
    "weight": DRAW.normal(size=(CLASSES, 4)),
    "bias": DRAW.normal(size=CLASSES),
}
OPTIONS = {
    "plain": {},
    "weighed": {
        "where": np.arange(ROWS) != 2,
        "sample_weight": DRAW.uniform(0.5, 2, ROWS),
        "class_weight": DRAW.uniform(0.5, 2, CLASSES),
    },
    "smoothed": {"label_smoothing": 0.125, "base": 2},
    "each": {"reduction": "none"},
    "divided": {"reduction": "mean", "denominator": 3.0, "class_weight": np.arange(7.0)},
}
LOSSES = {
    "cross_entropy": (xent.cross_entropy, tuple(FORMS)),
    "categorical_cross_entropy": (xent.categorical_cross_entropy, ("logits",)),
    "kl_divergence": (xent.kl_divergence, tuple(FORMS)),
    "perplexity": (xent.perplexity, ("logits",)),
    "brier_score": (xent.brier_score, ("probs",)),
}
FITTING = {
    "cross_entropy": tuple(OPTIONS),
    "categorical_cross_entropy": ("plain", "weighed"),
    "kl_divergence": ("plain", "each"),
    "perplexity": ("plain", "weighed"),
    "brier_score": ("plain", "each"),
}
CASES = [
    (loss, form, o) for loss, (_, forms) in LOSSES.items() for form in forms for o in FITTING[loss]
]
BRIEF = [("cross_entropy", "logits", "weighed"), ("kl_divergence", "logits", "plain")]


def of_entries(loss, rest=None):
    """Return a loss of the arrays of a sparse distribution, as a backend passes them."""

    def run(indices, p, **given):
        return loss(xent.SparseDistribution(indices, p, rest), **given)

    return run


def dense(rest=None, indices=INDICES, probs=WEIGHTS, classes=CLASSES):
    """Return the rows that entries stand for."""
    rows, k = indices.shape
    t = np.zeros((rows, classes), probs.dtype)
    if rest:
        t += (1 - probs.sum(-1, keepdims=True)) / (classes - k)
        np.put_along_axis(t, indices, 0.0, -1)
    np.add.at(t, (np.arange(rows)[:, None], indices), probs)
    return t


def assert_alike(got, want, ulp=BOTH):
    for a, b in zip(got, want, strict=True):
        assert_near(a, b, ulp, scale=largest(b) if np.ndim(b) > 1 else None)


@pytest.mark.parametrize("rest", [None, "uniform"])
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_it_is_the_row_that_it_stands_for(backend, case, rest):
    if backend.is_slow and case not in BRIEF:
        pytest.skip(
            "each compilation takes seconds; what differs between libraries is in the others"
        )
    loss, form, options = LOSSES[case[0]][0], case[1], OPTIONS[case[2]]
    both = xent.value_and_grad(loss)
    given = {form: FORMS[form], **options}
    want = backend.run(both, target=dense(rest), **given)
    assert_alike(backend.run(of_entries(both, rest), **ENTRIES, **given), want)


def assert_as_dense(backend, loss, given, ulp=BOTH, rest=None):
    both = xent.value_and_grad(loss)
    want = backend.run(both, target=dense(rest), **given)
    got = backend.run(of_entries(both, rest), **ENTRIES, **given)
    assert_near(got[0], want[0], ulp)
    for a, b in zip(got[1], want[1], strict=True):
        assert_near(a, b, ulp, scale=np.max(np.abs(b)))


@pytest.mark.parametrize("axis", [0, 1])
def test_the_entries_are_last_whatever_the_axis(backend, axis):
    if backend.is_slow and axis == 0:
        pytest.skip("each compilation takes seconds")
    indices, p = (np.stack([x, x[::-1]]) for x in ENTRIES.values())
    z, t = (np.stack([x, x[::-1]]) for x in (LOGITS, dense()))
    options = {"logits": np.moveaxis(z, -1, axis), "axis": axis}
    both = xent.value_and_grad(xent.cross_entropy)
    want = backend.run(both, target=np.moveaxis(t, -1, axis), **options)
    assert_alike(backend.run(of_entries(both), indices=indices, p=p, **options), want)


@pytest.fixture
def _cut(monkeypatch):
    """Classes cut where even few rows are too long."""
    monkeypatch.setattr(_linear, "FEW", 2)
    monkeypatch.setattr(_linear, "STRIP", 2)


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("chunk_bytes", [1, None])
@pytest.mark.parametrize("rest", [None, "uniform"])
def test_of_a_linear_head(backend, rest, chunk_bytes):
    if backend.is_slow and rest and chunk_bytes is None:
        pytest.skip("each compilation takes seconds")
    weighed = {**HEAD, **OPTIONS["weighed"], "z_loss": 0.25, "chunk_bytes": chunk_bytes}
    assert_as_dense(backend, xent.linear_cross_entropy, weighed, rest=rest)
    plain = {**HEAD, "chunk_bytes": chunk_bytes}
    if not (backend.is_slow and (rest or chunk_bytes is None)):
        assert_as_dense(backend, xent.linear_head(xent.kl_divergence), plain, 512, rest)


@pytest.mark.parametrize("rest", [None, "uniform"])
def test_in_parts_of_the_classes(rest):
    part, cut = xent.part(xent.cross_entropy), 3
    target = xent.SparseDistribution(INDICES, WEIGHTS, rest)
    options = {"classes": CLASSES, **OPTIONS["weighed"]}
    parts = [
        part(target, logits=LOGITS[:, :cut], first=0, **options),
        part(target, logits=LOGITS[:, cut:], first=cut, **options),
    ]
    every = [x.statistics for x in parts]
    whole = [x.merged(every) for x in parts]
    value, g = xent.value_and_grad(xent.cross_entropy)(target, logits=LOGITS, **OPTIONS["weighed"])
    for x in whole:
        assert_near(x.value(), value)
    assert_near(np.concatenate([x.gradient() for x in whole], -1), g, scale=largest(g))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rest", [None, "uniform"])
def test_second_derivatives(rest, form):
    x, v = FORMS[form], DRAW.normal(size=LOGITS.shape)
    target = xent.SparseDistribution(INDICES, WEIGHTS, rest)
    given = {form: x, **OPTIONS["weighed"]}
    got = xent.hvp(xent.cross_entropy)(target, tangent=v, **given)
    want = xent.hvp(xent.cross_entropy)(dense(rest), tangent=v, **given)
    assert_near(got, want, scale=largest(want))
    both = xent.grad_and_hessian_diagonal(xent.cross_entropy)
    for a, b in zip(both(target, **given), both(dense(rest), **given), strict=True):
        assert_near(a, b, scale=largest(b))


def test_metrics_beside_it():
    target = xent.SparseDistribution(INDICES, WEIGHTS)
    value, metrics = xent.with_metrics(xent.linear_cross_entropy)(target, **HEAD)
    want, others = xent.with_metrics(xent.linear_cross_entropy)(dense(), **HEAD)
    for a, b in zip((value, *metrics), (want, *others), strict=True):
        assert_near(a, b)


def test_no_array_of_all_rows_and_classes_is_made():
    rows, classes, k = 2048, 8192, 8
    indices = np.arange(rows * k).reshape(rows, k) % classes
    target = xent.SparseDistribution(indices, np.full((rows, k), 0.125, "float32"))
    features, weight = np.ones((rows, 4), "float32"), np.ones((classes, 4), "float32")
    logits = np.zeros((rows, classes), "float32")
    both = xent.value_and_grad(xent.linear_cross_entropy)
    calls = [
        partial(both, target, features, weight, chunk_bytes=1 << 20),
        partial(xent.cross_entropy, target, logits=logits),
    ]
    for call in calls:
        assert peak(call) < rows * classes * 4 / 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rest_that_is_almost_nothing_keeps_its_digits(backend, dtype):
    """1 − Σ p is of the numbers that are given: in the loss it may be all that costs anything."""
    index = np.asarray([[4, 1, 5, 3], [0, 1, 2, 3]])
    p = np.asarray([[1e-7, 2e-7, 1 - 6e-7, 1e-7], [0.7, 0.2, 0.07, 0.03 - 2e-7]]).astype(dtype)
    q = np.asarray([[0, 0, 0, 0, 0, 20, 0, 0.0], [40, 40, 40, 40, 0, 0, 0, 0]]).astype(dtype)
    lack = np.asarray([math.fsum([1.0, *(-float(x) for x in row)]) for row in p]) / 4
    t = np.zeros(q.shape)
    np.put_along_axis(t, index, p.astype("float64"), -1)
    t = np.where(t == 0, lack[:, None], t)
    loss = of_entries(xent.cross_entropy, "uniform")
    given = {"indices": index, "p": p, "reduction": "none"}
    d = q.astype("float64") - q.max(-1, keepdims=True)
    log_q = d - np.log1p(np.sum(np.sort(np.exp(d), -1)[:, :-1], -1, keepdims=True))
    assert_near(backend.run(loss, **given, logits=q), -np.sum(t * log_q, -1), 16)
    one = backend.run(
        loss, **given, log_probs=np.where(t == lack[:, None], -1.0, 0.0).astype(dtype)
    )
    assert_near(one, 4 * lack, 4)
