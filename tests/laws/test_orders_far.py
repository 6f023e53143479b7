"""Rényi's and Tsallis's measures of classes that have as little as a dtype holds, and of masses far apart."""

import numpy as np
import pytest

import xent
from tests.laws.orders import DTYPES, FORMULAS, GOAL, assert_held, exact, order_in, renyi_of
from tests.near import assert_near
from xent import _dispatch
from xent.kernels import renyi

XP = _dispatch.engine_of("x", np.zeros(1)).xp


def apart(dtype):
    """Return rows whose classes have as little as their dtype holds, in p, in q, or in both."""
    least = {"float32": (1e-3, 1e-30, 1e-36), "float64": (1e-8, 1e-200, 1e-300)}[dtype]
    e = np.asarray([(x, y) for x in (1, *least) for y in (1, *least)])
    p, q = (0.7, 0.3) * e / np.max(e, axis=-1, keepdims=True), (0.45, 0.55) * e
    p, q = np.repeat(p, len(q), axis=0), np.tile(q, (len(p), 1))
    some = np.sum(q, axis=-1) > 0.3
    return p[some].astype(dtype), q[some].astype(dtype)


FAR = [1e-13, 1e-3, 0.1, 0.3, 0.5, 0.9, 1.1, 2.0, 5.0, 10.0, 50.0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", FAR)
@pytest.mark.parametrize("name", FORMULAS)
def test_gradient_of_classes_with_next_to_nothing(backend, name, order, dtype):
    """It is a number although x₀, (x/x₀)ᵃ or Σ p (x/x₀)ᵇ is none, and a − 1 is not rounded in it."""
    p, q = apart(dtype)
    order = order_in(dtype, order)
    _, want, _ = exact(FORMULAS[name][1], p, q, order)
    slope = xent.grad(getattr(xent, f"{name}_divergence"))
    got = backend.run(slope, p=p, q=q, order=order, reduction="sum", validate=False)
    assert_held((got, want, 0.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FORMULAS)
def test_high_power_of_a_ratio_of_the_smallest_numbers(backend, name, dtype):
    """What a rounded p/q lacks counts a thousand times; the halves that tell it would be subnormal."""
    smallest = {"float32": 1e-37, "float64": 1e-307}[dtype]
    q = (np.asarray([[1.1, 1.3, 0.7]]) * smallest).astype(dtype)
    p = (q * [1.001, 0.998, 1.0015]).astype(dtype)
    _, want, _ = exact(FORMULAS[name][1], p, q, 1000.0)
    slope = xent.grad(getattr(xent, f"{name}_divergence"))
    got = backend.run(slope, p=p, q=q, order=1000.0, reduction="sum", validate=False)
    assert_held((got, want, 0.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", [x for x in FAR if abs(x - 1) >= 0.5])
@pytest.mark.parametrize("name", FORMULAS)
def test_entropy_of_classes_with_next_to_nothing(backend, name, order, dtype):
    p, _ = apart(dtype)
    order = order_in(dtype, order)
    _, _, in_p = exact(FORMULAS[name][1], p, np.ones_like(p), order)
    slope = xent.grad(getattr(xent, f"{name}_entropy"))
    want, large = np.moveaxis(in_p, -1, 0)
    assert_held((backend.run(slope, probs=p, order=order, reduction="sum"), -want, large))


@pytest.mark.parametrize("order", [0.9, 1.1])
def test_target_gradient_of_classes_with_next_to_nothing(order):
    """Of a class whose p/q is far from 1, and y = b (log x − R) small: R is far from 0 too.

    The last row shows it: both p/q are about 1e−300, whose two logarithms of 690 would cancel.
    """
    last = [7e-301, 3e-301], [0.72, 0.28]
    p, q = (np.concatenate([x, [y]]) for x, y in zip(apart("float64"), last, strict=True))
    kernel = renyi.FromProbs(order)
    with np.errstate(all="ignore"):
        s, _ = kernel.measure(XP, q, p, -1)
        got = kernel.target_gradient(XP, q, p, s, np.ones((len(p), 1)), -1)
    want, _ = np.moveaxis(exact(renyi_of, p, q, order)[2], -1, 0)
    # (a yᵇ − 1)/b of a power that is near 1/a: by what its terms are, not by logarithms.
    assert_held((got, want, (2 + 1 / abs(order - 1)) / np.sum(p, axis=-1, keepdims=True)))


def test_masses_that_are_far_apart(backend):
    """Tsallis's sum has no digit of a p that sums to much less than q: here it is 0."""
    p, q = np.asarray([[7e-101, 3e-101]]), np.asarray([[0.25, 0.75]])
    value = exact(renyi_of, p, q, 0.3)[0]
    got = backend.run(xent.renyi_divergence, p=p, q=q, order=0.3, reduction="none", validate=False)
    assert_near(got, value, GOAL)


@pytest.mark.parametrize("order", [0.3, 0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("name", FORMULAS)
def test_curvature_where_q_is_zero(backend, name, order):
    """(p/q)ᵃ (a/q) grows beyond all numbers, of every class that has no q and some p; hvp says the same."""
    p = np.asarray([[0.5, 0.3, 0.2], [0.5, 0.5, 0.0]])
    q = np.asarray([[0.0, 0.6, 0.4], [0.0, 0.0, 1.0]])
    loss = getattr(xent, f"{name}_divergence")
    options = {"order": order, "reduction": "sum", "validate": False}

    def both(p, q, first, second):
        each = (xent.hvp(loss)(p, q, tangent=v, **options) for v in (first, second))
        return (*xent.grad_and_hessian_diagonal(loss)(p, q, **options), *each)

    first, second = ([[i == j for i in range(3)]] * 2 for j in range(2))
    tangents = (np.asarray(x, float) for x in (first, second))
    slope, diagonal, along_first, along_second = backend.run(
        both, p=p, q=q, **dict(zip(("first", "second"), tangents, strict=True))
    )
    where = (p > 0) & (q == 0)
    assert np.all(slope[where] == -np.inf)
    assert np.all(diagonal[where] == np.inf)
    assert np.all(np.isfinite(diagonal[~where]))
    assert np.all(along_first[:, 0] == np.inf)
    assert along_second[1, 1] == np.inf
    assert_near(along_second[0, 1], diagonal[0, 1], GOAL)
