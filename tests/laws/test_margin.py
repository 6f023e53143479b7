"""The asymmetric loss of a negative has the digits of what its probability is above the margin."""

import mpmath
import numpy as np
import pytest

import xent
from tests.near import assert_near

LOSS = xent.asymmetric_loss


def exact(z, margin, gamma):
    """Return loss, slope, and what σ(z) − margin, or 1 − margin − σ(−z), is the difference of, over it."""
    z, margin = mpmath.mpf(z), mpmath.mpf(margin)
    up, down = 1 / (1 + mpmath.exp(-z)), 1 / (1 + mpmath.exp(z))
    over = up - margin
    cost = -mpmath.log1p(-over)
    slope = (gamma * over ** (gamma - 1) * cost + over**gamma / (1 - over)) * up * down
    sizes = up + margin if z <= 0 else 1 - margin + down
    return float(over**gamma * cost), float(slope), float(sizes / over)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gamma", [1.0, 4.0])
@pytest.mark.parametrize("margin", [0.0625, 0.25, 0.5, 0.75])
def test_of_negatives_above_the_margin(backend, margin, gamma, dtype):
    """As many as the sigmoid itself has: next to the margin they are those of a small difference."""
    near = np.log(margin / (1 - margin)) + np.asarray([1e-3, 1e-2, 0.1, 1.0])
    z = np.concatenate([near, [3.0, 8.0, 20.0, 40.0]]).astype(dtype)
    with mpmath.workdps(60):
        each = [exact(x, margin, gamma) for x in z.tolist()]
    value, slope, lost = (np.asarray(column) for column in zip(*each, strict=True))
    value, slope = value.astype(dtype), slope.astype(dtype)
    target = np.zeros(z.shape, np.int64)
    options = {"margin": margin, "gamma_negative": gamma}
    got = backend.run(LOSS, target=target, logits=z, **options, reduction="none")
    g = backend.run(xent.grad(LOSS), target=target, logits=z, **options, reduction="sum")
    for x, want in ((got, value), (g, slope)):
        assert_near(x, want, 2, scale=np.abs(want) * (1 + gamma * lost))
        assert_near(x[z > 10], want[z > 10], 8)
