"""The gradient of a skewed divergence keeps its digits where one row has next to nothing of the other's.

There all classes have nearly the same slope, to which no gradient in logits is due: the rest is all of it.
"""

import mpmath
import numpy as np
import pytest

import xent
from tests.near import assert_near

GOAL = 16
"""That of a divergence of two rows of logits."""
ROWS = {
    "ordinary": ([1.0, -0.5, 0.3, 2.0], [0.2, 0.7, -1.0, 0.4]),
    "sure of the same": ([40.0, 0.0, -1.0, 2.0], [42.0, 1.0, -3.0, 0.5]),
    "sure of another": ([40.0, 0.0, -1.0, 2.0], [0.0, 30.0, 1.0, -2.0]),
    "far apart": ([0.0, 80.0, 0.0, -80.0], [80.0, 0.0, 40.0, -80.0]),
    "the target lacks one": ([1.0, -np.inf, 0.3, 2.0], [0.2, 0.7, -1.0, 0.4]),
    "the prediction lacks one": ([1.0, -0.5, 0.3, 2.0], [0.2, 0.7, -np.inf, 0.4]),
    "both lack one": ([1.0, -np.inf, 0.3, 2.0], [0.2, -np.inf, -1.0, 0.4]),
    "all but one": ([0.0, -np.inf, -np.inf, -np.inf], [1.0, 0.7, -1.0, 0.4]),
}


def softmax(z):
    e = [mpmath.exp(mpmath.mpf(x)) for x in z]
    return [x / sum(e) for x in e]


def slope_of(x, y, skew):
    """Return the derivative of x log(x/m) in x and in y, with m = αx + (1 − α)y."""
    m = skew * x + (1 - skew) * y
    in_x = mpmath.log(x / m) + 1 - skew * x / m if x else mpmath.mpf(0)
    return in_x, -(1 - skew) * x / m if m else mpmath.mpf(0)


def exact(p, q, skew, reverse):
    """Return qⱼ Σₖ qₖ (gⱼ − gₖ), and the same of sizes."""
    pairs = [(y, x) if reverse else (x, y) for x, y in zip(p, q, strict=True)]
    g = [slope_of(*pair, skew)[0 if reverse else 1] for pair in pairs]
    each = [[x * y * (a - b) for y, b in zip(q, g, strict=True)] for x, a in zip(q, g, strict=True)]
    return [float(sum(row)) for row in each], [float(sum(map(abs, row))) for row in each]


def with_floor(size, dtype):
    """Return sizes, at least of what has all its digits in the dtype."""
    info = np.finfo(dtype)
    return np.maximum(size, float(info.smallest_normal) / float(info.eps))


RARE = {
    "float32": ([0.3, -80.1, 1.3, -0.7], [-1.1, -79.3, 0.4, -60.7]),
    "float64": ([0.3, -700.1, 1.3, -0.7], [-1.1, -690.3, 0.4, -600.7]),
}
"""Classes whose difference from the peak is rounded, and carries as much into what is hardly there."""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("skew", [0.125, 0.5, 0.875])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("both", [True, False])
def test_gradient_in_the_logits(backend, both, reverse, skew, dtype):
    hold(backend, list(ROWS.values()), both, reverse, skew, dtype)


@pytest.mark.parametrize("dtype", RARE)
@pytest.mark.parametrize("reverse", [False, True])
def test_rare_classes(backend, reverse, dtype):
    hold(backend, [RARE[dtype]], True, reverse, 0.0, dtype)


def hold(backend, rows, both, reverse, skew, dtype):
    """Hold the gradient to that of mpmath."""
    p, q = (np.asarray(row, dtype) for row in zip(*rows, strict=True))
    with mpmath.workdps(60):
        of_p, of_q = ([softmax(row) for row in rows.tolist()] for rows in (p, q))
        target = p if both else np.asarray(of_p, dtype)
        if not both:
            of_p = [[mpmath.mpf(x) for x in row] for row in target.tolist()]
        each = [exact(*pair, skew, reverse) for pair in zip(of_p, of_q, strict=True)]
    slope, size = (np.asarray(rows) for rows in zip(*each, strict=True))
    given = {"target_logits" if both else "target": target}
    options = {"skew": skew, "reverse": reverse, "reduction": "sum", "validate": False}
    g = backend.run(xent.grad(xent.kl_divergence), **given, logits=q, **options)
    assert_near(g, slope.astype(dtype), GOAL, scale=with_floor(size, dtype))
