"""Of a soft target that is nearly certain the gradient at the peak keeps the digits of the other classes.

There it is what the target gives the others less what the softmax does: the rounded 1 − t has lost the first.
"""

import mpmath
import numpy as np
import pytest

import xent
from tests.near import assert_near

K = 5
FAR = np.asarray([[16.0, 0.0, -1.0, 2.0, -3.0], [0.5, 30.0, 12.0, 9.0, -4.0]])
FEW = [1e-7, 3e-8, 1e-10]
"""What one other class has: about, and less than, what a float32 near 1 can say."""
WEIGHTS = np.asarray([3.0, 0.7, 1.3, 0.1, 2.9])
OPTIONS = {
    "plain": {},
    "class weights": {"class_weight": WEIGHTS},
    "smoothed": {"label_smoothing": 1e-7},
}


def targets(few, dtype):
    """Return rows whose peak has nearly all, in the dtype."""
    t = np.full(FAR.shape, few / 3)
    t[:, -1] = few
    for row, peak in zip(t, np.argmax(FAR, axis=1), strict=True):
        row[peak] = 1 - np.sum(np.delete(row, peak))
    return t.astype(dtype)


def exact(t, z, class_weight=None, label_smoothing=0.0):
    """Return T a − t of each row, t weighted and smoothed, and what it is the difference of."""
    slopes, sizes = [], []
    with mpmath.workdps(60):
        for row, logits in zip(t, z, strict=True):
            e = [mpmath.exp(mpmath.mpf(float(x))) for x in logits]
            a = [x / sum(e) for x in e]
            eps = mpmath.mpf(label_smoothing)
            weights = np.ones(K) if class_weight is None else class_weight
            u = [
                ((1 - eps) * mpmath.mpf(x) + eps / K) * mpmath.mpf(float(w))
                for x, w in zip(row, weights, strict=True)
            ]
            mass, peak = sum(u), int(np.argmax(logits))
            slopes.append([float(mass * p - x) for p, x in zip(a, u, strict=True)])
            size = [float(mass * p + x) for p, x in zip(a, u, strict=True)]
            size[peak] = float((mass - u[peak]) * a[peak] + u[peak] * (1 - a[peak]))
            sizes.append(size)
    return np.asarray(slopes), np.asarray(sizes)


def head(z):
    """Return features and weights of which the logits are exactly ``z``, and their gradient the features'."""
    return {"features": z, "weight": np.eye(K, dtype=z.dtype), "bias": np.zeros(K, z.dtype)}


@pytest.mark.parametrize("few", FEW)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", OPTIONS)
def test_of_a_soft_target(backend, options, dtype, few):
    t, z = targets(few, dtype), FAR.astype(dtype)
    given = {k: x.astype(dtype) if k == "class_weight" else x for k, x in OPTIONS[options].items()}
    slope, size = exact(t.astype(float), z, **given)
    losses = [(xent.cross_entropy, {"logits": z})]
    if not backend.is_slow:
        losses += [(xent.linear_cross_entropy, {**head(z), "chunk_bytes": 8})]
        if not given:
            losses += [(xent.kl_divergence, {"logits": z})]
    for loss, prediction in losses:
        g = backend.run(xent.grad(loss), target=t, **prediction, **given, reduction="sum")
        g = g[0] if "features" in prediction else g
        assert_near(g, slope.astype(dtype), 8, scale=size)


@pytest.mark.parametrize("few", FEW)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rest", [None, "uniform"])
def test_of_a_sparse_target(backend, rest, dtype, few):
    """Where the rest is spread it is what is lacking to 1, which only its own dtype can say."""
    z = FAR.astype(dtype)
    t = targets(few, dtype)
    at = np.argsort(-t, axis=1, kind="stable")[:, :2]
    p = np.take_along_axis(t, at, axis=1)

    def gradient(indices, p, logits):
        target = xent.SparseDistribution(indices, p, rest=rest)
        return xent.grad(xent.cross_entropy)(target, logits=logits, reduction="sum")

    dense = np.zeros_like(t)
    np.put_along_axis(dense, at, p, axis=1)
    rows = [[mpmath.mpf(float(x)) for x in row] for row in dense]
    if rest == "uniform":
        with mpmath.workdps(60):
            rows = [[x or max(0, 1 - sum(row)) / (K - 2) for x in row] for row in rows]
    slope, size = exact(rows, z)
    g = backend.run(gradient, indices=at, p=p, logits=z)
    assert_near(g, slope.astype(dtype), 8, scale=size)
