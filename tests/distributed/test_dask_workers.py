"""Two processes of 400 MB each finish arrays larger than both; one that dies makes nobody wait."""

import os

import dask
import dask.array as da
import numpy as np
import pytest

import xent
from tests.near import assert_near

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::ResourceWarning")
LIMIT = 400_000_000
"""Bytes that a worker may have."""

GIGABYTES = float(os.environ.get("XENT_GIGABYTES", "0"))
"""The logits' size; what takes minutes is asked for by the session `distributed-dask`."""

TIMEOUT = 60 + 600 * GIGABYTES
"""Seconds after which a computation has hung."""


@pytest.fixture(scope="module")
def client():
    options = {"memory_limit": LIMIT, "dashboard_address": None, "threads_per_worker": 1}
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        cluster = distributed.LocalCluster(n_workers=2, processes=True, **options)
        with cluster, distributed.Client(cluster, timeout=60) as client:
            yield client


def computed(client, *lazy):
    return [x.result(timeout=TIMEOUT) for x in client.compute(lazy)]


def drawn(rows, classes):
    """Return labels, distributions and logits, lazy, in chunks of 16 MB."""
    draw = da.random.default_rng(0)
    cut = max(1, 4_000_000 // classes)
    logits = draw.random((rows, classes), chunks=(cut, classes), dtype=np.float32)
    labels = draw.integers(0, classes, size=rows, chunks=cut)
    probs = draw.random((rows, classes), chunks=(cut, classes), dtype=np.float32)
    return labels, probs / probs.sum(axis=1, keepdims=True), logits


def of_all(labels, probs, logits):
    """Return values, and gradients as one number each."""
    both = xent.value_and_grad(xent.cross_entropy)(labels, logits=logits)
    of_probs = xent.value_and_grad(xent.kl_divergence)(probs, logits=logits, denominator=2.0)
    return *(f(x) for x, f in zip(both, (abs, _norm), strict=True)), of_probs[0], _norm(of_probs[1])


def _norm(x):
    return (x * x).sum()


def test_two_processes_are_as_one(client):
    lazy = drawn(64, 8)
    plain = dask.compute(*lazy, scheduler="sync")
    for mine, right in zip(computed(client, *of_all(*lazy)), of_all(*plain), strict=True):
        assert_near(np.asarray(mine), np.asarray(right), 64)


def test_a_head_by_two_processes(client):
    draw = np.random.default_rng(1)
    given = draw.integers(0, 6, 8), draw.normal(size=(8, 4)), draw.normal(size=(6, 4))
    both = xent.value_and_grad(xent.linear_cross_entropy)
    value, slopes = both(*(da.from_array(x, chunks=2) for x in given))
    want, want_slopes = both(*given)
    got = computed(client, value, *slopes[:2])
    for mine, right in zip(got, (want, *want_slopes[:2]), strict=True):
        assert_near(np.asarray(mine), np.asarray(right), scale=np.max(np.abs(right)))


@pytest.mark.skipif(not GIGABYTES, reason="takes minutes: nox -s distributed-dask")
@pytest.mark.parametrize("loss", ["cross_entropy", "kl_divergence"])
def test_more_than_both_can_hold(client, loss):
    labels, probs, logits = drawn(int(GIGABYTES * 1e9) // 4096, 1024)
    target, options = (labels, {}) if loss == "cross_entropy" else (probs, {"denominator": 1e6})
    value, g = xent.value_and_grad(getattr(xent, loss))(target, logits=logits, **options)
    value, norm = computed(client, value, _norm(g))
    assert 0 < value < 10
    assert 0 < norm < 1


def _dies(chunk):
    if isinstance(
        distributed.get_worker(), distributed.Worker
    ):  # and not where Dask asks for a dtype
        os._exit(1)
    return chunk


def test_a_worker_that_dies_is_an_error(client):
    labels, _, logits = drawn(64, 8)
    dead = logits.map_blocks(_dies, dtype=logits.dtype, meta=logits._meta)
    value, g = xent.value_and_grad(xent.cross_entropy)(labels, logits=dead)
    with pytest.raises(distributed.scheduler.KilledWorker):
        computed(client, value, _norm(g))
