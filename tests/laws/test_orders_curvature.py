"""Second derivatives of the divergences of an order with respect to q, entry by entry, at 50 digits."""

import mpmath
import numpy as np
import pytest

import xent

DIVERGENCES = {"tsallis": xent.tsallis_divergence, "renyi": xent.renyi_divergence}
ROWS = {
    "moderate": ([0.1, 0.2, 0.3, 0.4], [0.4, 0.1, 0.3, 0.2]),
    "far apart": ([1e-30, 1e-20, 0.5, 0.5], [1e-25, 1e-28, 0.3, 0.7]),
}


def column(name, order, p, q, k):
    """Return the derivatives of the gradient −xᵃ, over Σ p xᵇ if it is Rényi's, by q of class k."""
    p, q = ([mpmath.mpf(x) for x in row] for row in (p, q))
    a = mpmath.mpf(order)
    powers = [(x / y) ** a for x, y in zip(p, q, strict=True)]
    total = 1 if name == "tsallis" else sum(x * y for x, y in zip(powers, q, strict=True))
    whole = 0 if name == "tsallis" else (1 - a) * powers[k] / total**2
    own = a * powers[k] / (q[k] * total)
    return [whole * x + (own if i == k else 0) for i, x in enumerate(powers)]


@pytest.mark.parametrize("order", [0.05, 0.3, 0.5, 0.9, 2.0, 7.5])
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("name", DIVERGENCES)
def test_digits(backend, name, row, order):
    """Of a low order 1 + b, by which (p/q) xᵇ would move, has few digits of a."""
    p, q = map(np.asarray, ROWS[row])
    unit = np.eye(4)[1]

    def product(p, q, unit):
        return xent.hvp(DIVERGENCES[name])(p, q, order=order, tangent=unit)

    got = backend.run(product, p=p, q=q, unit=unit)
    with mpmath.workdps(50):
        wanted = [float(x) for x in column(name, order, p, q, 1)]
    np.testing.assert_array_equal(np.asarray(wanted) == 0, np.asarray(got) == 0)
    np.testing.assert_allclose(got, wanted, rtol=20 * 2.0**-52, atol=0)
