"""Half precision: a loss and sums in float32, gradients rounded once, and both near float64's."""

import ml_dtypes
import numpy as np
import pytest

from tests.linear.textbook import BCE, CE, head, logistic_head, run, softmax_head
from tests.near import EPS, assert_near, wide
from xent import _linear

HALF = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
N, D, K = 96, 32, 200
WITHIN = 1e-4
"""Relative error of a loss, of the issue: half precision may round the logits, not the loss."""
LARGE = 8
"""ULP in float32, at the size of what a logit is summed of."""


@pytest.fixture(params=HALF)
def halved(request, backend):
    """Return arrays in half precision and the same numbers in float64."""
    if not backend.has(request.param):
        pytest.skip(f"no {request.param} here")

    def halve(given):
        rounded = {k: x.astype(HALF[request.param]) for k, x in given.items()}
        return rounded, {k: x.astype(np.float64) for k, x in rounded.items()}

    halve.dtype = request.param
    return halve


def assert_near_exact(got, exact, dtype, backend):
    """Hold a loss to 1e-4 and each gradient to a few roundings of its largest entry."""
    (value, gradients), truth = got, exact[0]
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, truth.value, rtol=WITHIN)
    for g, right in zip(gradients, truth[1:], strict=True):
        assert backend.dtype_of(g) == dtype
        error = np.max(np.abs(wide(g).astype(np.float64) - right))
        assert error <= 4 * EPS[dtype] * np.max(np.abs(right))


def example(halved):
    scaled = {k: x / np.sqrt(D) if k == "weight" else x for k, x in head((N,), D, K).items()}
    given, exact = halved(scaled)
    return given, exact, np.random.default_rng(3).integers(0, K, N)


@pytest.mark.parametrize("options", [{}, {"softcap": 8.0, "z_loss": 1e-3}], ids=["plain", "capped"])
@pytest.mark.parametrize("rows", [512, 7])
def test_cross_entropy(backend, halved, rows, options, monkeypatch):
    monkeypatch.setattr(_linear, "ROWS", rows)
    monkeypatch.setattr(_linear, "SHORT", 0)
    given, exact, labels = example(halved)
    options = {**options, "reduction": "sum"}
    got = run(backend, CE, target=labels, **given, **options, chunk_bytes=(64 << 20) + rows)
    assert_near_exact(got, softmax_head(labels, **exact, **options), halved.dtype, backend)


@pytest.mark.parametrize("size", [24, 94, 378, 200_000])
@pytest.mark.parametrize("bias", [True, False])
def test_large_logits_are_not_rounded(backend, halved, size, bias):
    """Rounded to half precision they would miss by a share of their size; the last are beyond float16's."""
    parts = head((N,), D, K)
    scale = np.sqrt(size / np.max(abs(parts["features"] @ parts["weight"].T)))
    sizes = {"features": scale, "weight": scale, "bias": size / 16}
    given, exact = halved({k: x * sizes[k] for k, x in parts.items() if bias or k != "bias"})
    labels = np.random.default_rng(3).integers(0, K, N)
    value, gradients = run(backend, CE, target=labels, **given)
    truth, scales = softmax_head(labels, **exact)
    assert_near(value, truth.value, scale=scales.value, ulp=LARGE)
    for g, right in zip(gradients[: len(given)], truth[1:], strict=False):
        error = np.max(abs(wide(g).astype(np.float64) - right))
        assert error <= 4 * EPS[halved.dtype] * np.max(abs(right))


def test_classes_in_parts(backend, halved, monkeypatch):
    monkeypatch.setattr(_linear, "FEW", 16)
    monkeypatch.setattr(_linear, "STRIP", 64)
    given, exact, labels = example(halved)
    got = run(backend, CE, target=labels, **given, reduction="sum", chunk_bytes=2000)
    assert_near_exact(got, softmax_head(labels, **exact, reduction="sum"), halved.dtype, backend)


def test_binary(backend, halved):
    given, exact, _ = example(halved)
    target = np.random.default_rng(4).uniform(size=(N, K))
    got = run(backend, BCE, target=target, **given, reduction="sum")
    assert_near_exact(got, logistic_head(target, **exact, reduction="sum"), halved.dtype, backend)


def test_many_small_gradients_are_not_lost(backend, halved, monkeypatch):
    """Summed in half precision, the sum would stand still at 1 / eps of one of them."""
    monkeypatch.setattr(_linear, "ROWS", 2)
    monkeypatch.setattr(_linear, "SHORT", 0)
    rows, budget = 3000, 64
    given, exact = halved({"features": np.ones((rows, 1)), "weight": np.zeros((2, 1))})
    labels = np.zeros(rows, np.int64)
    _, g = run(backend, CE, target=labels, **given, reduction="sum", chunk_bytes=budget)
    right = softmax_head(labels, **exact, reduction="sum")[0].weight
    np.testing.assert_allclose(wide(g[1]), right, rtol=EPS[halved.dtype])


@pytest.mark.parametrize("features", [[np.inf, 0.5], [240.0, 0.5]], ids=["infinite", "large"])
def test_a_logit_without_an_end_is_a_certainty(backend, halved, features):
    """R5; 240 · 2¹²⁷ is beyond the range of float32 and of bfloat16."""
    largest = 2.0**127 if halved.dtype == "bfloat16" else np.inf
    given = {
        "features": np.asarray([features] * 2),
        "weight": np.asarray([[largest, 1.0], [-largest, 1.0], [-1.0, 1.0]]),
    }
    rounded, _ = halved(given)
    loss, _ = run(backend, CE, target=np.asarray([0, 1]), **rounded, reduction="none")
    np.testing.assert_array_equal(wide(loss), [0, np.inf])
