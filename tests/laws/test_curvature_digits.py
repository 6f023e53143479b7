"""Second derivatives of cross entropies near certainty, right or wrong, entry by entry, at 50 digits."""

import mpmath
import numpy as np
import pytest

import xent
from tests.near import EPS

ROWS = {
    "moderate": [0.5, -1.0, 2.0, 0.25],
    "certain": [21.0, 0.5, -1.0, 0.0],
    "wrong": [0.5, 21.0, -1.0, 0.0],
    "far apart": [-10.0, 3.0, 20.0, 11.0],
    "nearly equal": [1000.0, 1000.0005, 999.9995, 1000.001],
}
SOFT = [0.5, 0.25, 0.125, 0.125]
LOSSES = {
    "label": (xent.cross_entropy, {"target": np.asarray([0])}),
    "one-hot": (xent.cross_entropy, {"target": np.eye(4)[:1]}),
    "soft": (xent.cross_entropy, {"target": np.asarray([SOFT])}),
    "smoothed": (xent.cross_entropy, {"target": np.asarray([0]), "label_smoothing": 0.25}),
    "divergence": (xent.kl_divergence, {"target": np.asarray([SOFT])}),
    "of logits": (xent.kl_divergence, {"target_logits": np.asarray([[0.0, 1.0, -1.0, 0.5]])}),
}


def hessian(z):
    """Return diag(a) − a aᵀ, a the softmax of the numbers as they are."""
    with mpmath.workdps(50):
        e = [mpmath.exp(mpmath.mpf(float(x))) for x in z]
        a = [x / sum(e) for x in e]
        return [
            [x * (1 - x) if i == j else -x * y for j, y in enumerate(a)] for i, x in enumerate(a)
        ]


def off(got, want, eps):
    """Return by how many of its own ULP an entry is off at the most."""
    with mpmath.workdps(50):
        return max(
            float(abs(mpmath.mpf(float(x)) - y) / (abs(y) * eps))
            for x, y in zip(got, want, strict=True)
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("loss", LOSSES)
def test_digits(loss, row, dtype):
    function, given = LOSSES[loss]
    z = np.asarray([ROWS[row]], dtype=dtype)
    given = {
        k: x.astype(dtype) if np.asarray(x).dtype.kind == "f" and np.ndim(x) else x
        for k, x in given.items()
    }
    want = hessian(z[0])
    _, h = xent.grad_and_hessian_diagonal(function)(**given, logits=z)
    assert off(h[0], [want[i][i] for i in range(4)], EPS[dtype]) <= 4
    for k, unit in enumerate(np.eye(4, dtype=dtype)):
        got = xent.hvp(function)(**given, logits=z, tangent=unit[None])[0]
        assert off(got, [want[i][k] for i in range(4)], EPS[dtype]) <= 6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_digits_of_two_classes(dtype):
    z = np.asarray([-60.0, -16.0, -1e-3, 0.0, 2.0, 40.0], dtype=dtype)
    for t in (0.0, 0.25, 1.0):
        target = np.full_like(z, t)
        slopes = xent.grad_and_hessian_diagonal(xent.binary_cross_entropy)
        _, h = slopes(target, logits=z, reduction="sum")
        with mpmath.workdps(50):
            up = [mpmath.exp(mpmath.mpf(float(x))) for x in z]
            want = [x / (1 + x) ** 2 for x in up]
        assert off(h, want, EPS[dtype]) <= 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("beta", [0.5, 0.125])
def test_digits_of_a_divergence_of_what_is_rare(beta, dtype):
    """(1 − β) log(q/m) has the derivative (1 − β) β p/(q m), the difference of two of 1/q."""
    p = np.asarray([[1e-30, 1e-6, 1e-3, 0.1, 0.3, 0.25]], dtype=dtype)
    q = np.asarray([[0.5, 0.25, 0.3, 0.7, 0.1, 0.0625]], dtype=dtype)
    function = xent.grad_and_hessian_diagonal(xent.jensen_shannon_divergence)
    h = function(p, q, beta=beta, reduction="sum")[1]
    with mpmath.workdps(50):
        pairs = [
            (mpmath.mpf(float(x)), mpmath.mpf(float(y))) for x, y in zip(p[0], q[0], strict=True)
        ]
        want = [beta * (1 - beta) * x / (y * (beta * x + (1 - beta) * y)) for x, y in pairs]
    assert off(h[0], want, EPS[dtype]) <= 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "z", [[21.0, 0.5, -1.0, 0.0], [60.0, 0.5, -1.0, 0.0], [0.5, 21.0, -1.0, 0.0]]
)
def test_digits_of_the_likelihood_of_a_soft_target(z, dtype):
    """−log Σ t a near certainty: a − y, and a (1 − a) − y (1 − y), y = t a / Σ t a."""
    z, t = np.asarray([z], dtype=dtype), np.asarray([SOFT], dtype=dtype)
    function = xent.grad_and_hessian_diagonal(xent.negative_log_likelihood)
    found = function(t, logits=z)
    with mpmath.workdps(80):
        a = [mpmath.exp(mpmath.mpf(float(x))) for x in z[0]]
        hit = [mpmath.mpf(float(x)) * y for x, y in zip(t[0], a, strict=True)]
        a, y = ([x / sum(row) for x in row] for row in (a, hit))
        wanted = [
            [f(x) - f(v) for x, v in zip(a, y, strict=True)]
            for f in (lambda x: x, lambda x: x * (1 - x))
        ]
    for got, want in zip(found, wanted, strict=True):
        assert off(got[0], want, EPS[dtype]) <= 16


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_digits_of_the_logistic_function(backend, dtype):
    """σ″ = −tanh(z/2) σ(z) σ(−z): near 0 it is about −z/8, a difference of products would be 0 or an ULP."""
    size = np.concatenate([10.0 ** np.arange(-12, 0), [0.5, 0.999, 1.0, 1.001, 2.0, 10.0, 40.0]])
    z = np.concatenate([size, -size]).astype(dtype)
    with mpmath.workdps(50):
        t = [mpmath.tanh(mpmath.mpf(float(x)) / 2) for x in z]
        slope = [(1 - x * x) / 4 for x in t]
        curve = [-x * y for x, y in zip(t, slope, strict=True)]

    def both(z):
        return xent.grad_and_hessian_diagonal(xent.sigmoid)(logits=z)

    g, h = backend.run(both, z=z)
    assert off(g, slope, EPS[dtype]) <= 4
    assert off(h, curve, EPS[dtype]) <= 4
