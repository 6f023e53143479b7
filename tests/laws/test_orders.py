"""Rényi's and Tsallis's measures keep their digits in every order, also of powers that are far from 1.

exp(b log x) has lost |b log x| / 2 ULP, and (p/q)ᵇ of a rounded quotient b / 2.
"""

import numpy as np
import pytest

import xent
from tests.laws.orders import (
    DTYPES,
    FORMULAS,
    GOAL,
    ORDERS,
    assert_held,
    exact,
    order_in,
    rows,
    tsallis_of,
)
from tests.near import assert_near, assert_zero
from xent import _dispatch

XP = _dispatch.engine_of("x", np.zeros(1)).xp


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", FORMULAS)
def test_divergence(backend, name, order, dtype):
    p, q = rows(dtype)
    order = order_in(dtype, order)
    value, in_q, _ = exact(FORMULAS[name][1], p, q, order)
    loss = getattr(xent, f"{name}_divergence")

    def both(p, q):
        each = loss(p, q, order=order, reduction="none", validate=False)
        return each, xent.grad(loss)(p, q, order=order, reduction="sum", validate=False)

    got, slope = backend.run(both, p=p, q=q)
    assert_held((got, value, 0.0), (slope, in_q, 0.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", FORMULAS)
def test_divergence_by_its_target(name, order, dtype):
    p, q = rows(dtype)
    order = order_in(dtype, order)
    kernels, formula = FORMULAS[name]
    kernel, (want, size) = (
        kernels.FromProbs(order),
        np.moveaxis(exact(formula, p, q, order)[2], -1, 0),
    )
    with np.errstate(all="ignore"):
        s, _ = kernel.measure(XP, q, p, -1)
        got = kernel.target_gradient(XP, q, p, s, np.ones((len(p), 1), dtype), -1)
    assert_held((got, want, size))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", FORMULAS)
def test_entropy(backend, name, order, dtype):
    """Minus the divergence from what is 1 everywhere, its slope by the target's."""
    p, _ = rows(dtype)
    order = order_in(dtype, order)
    value, _, in_p = exact(FORMULAS[name][1], p, np.ones_like(p), order)
    loss = getattr(xent, f"{name}_entropy")

    def both(p):
        return loss(p, order=order), xent.grad(loss)(p, order=order, reduction="sum")

    got, slope = backend.run(both, p=p)
    want, large = np.moveaxis(in_p, -1, 0)
    assert_held((got, -value, 0.0), (slope, -want, large))


@pytest.mark.parametrize(
    ("name", "order"),
    [*((name, order) for name in FORMULAS for order in ORDERS), ("renyi", np.inf)],
)
def test_rows_without_mass(backend, name, order):
    """There is nothing in them, of whatever order."""
    p, q = np.zeros((1, 3)), np.full((1, 3), 0.25)
    entropy, divergence = (getattr(xent, f"{name}_{kind}") for kind in ("entropy", "divergence"))
    assert_zero(backend.run(entropy, probs=p, order=order))
    assert_zero(backend.run(divergence, p=p, q=q, order=order, validate=False))


@pytest.mark.parametrize("dtype", DTYPES)
def test_terms_as_large_as_their_dtype_holds(backend, dtype):
    """p xᵇ / b is a number where p xᵇ is none."""
    p = np.asarray([[0.5, 0.5]], dtype)
    x = np.exp((np.log(float(np.finfo(dtype).max)) + 2) / 50)
    q = np.asarray([[0.5 / x, 0.5]], dtype)
    value = exact(tsallis_of, p, q, 51.0)[0]
    got = backend.run(
        xent.tsallis_divergence, p=p, q=q, order=51.0, reduction="none", validate=False
    )
    assert_near(got, value.astype(dtype), GOAL)
