"""Rényi's and Tsallis's measures keep their digits in every order, also of powers that are far from 1.

exp(b log x) has lost |b log x| / 2 ULP, and (p/q)ᵇ of a rounded quotient b / 2.
"""

import mpmath
import numpy as np
import pytest

import xent
from tests.near import assert_near, assert_zero
from xent import _dispatch
from xent.kernels import renyi, tsallis

GOAL = 8
XP = _dispatch.engine_of("x", np.zeros(1)).xp
ORDERS = [0.0, 0.25, 0.5, 0.999, 1.0, 1.001, 2.0, 5.0, 50.0]
DTYPES = ["float32", "float64"]


def rows(dtype):
    """Return rows of p and q: ordinary, near one another, and with classes that have next to nothing."""
    rng = np.random.default_rng(5)
    p = np.concatenate([rng.dirichlet(np.full(7, a), 6) for a in (3.0, 1.0, 0.1)])
    q = np.concatenate([rng.dirichlet(np.full(7, a), 6) for a in (3.0, 1.0, 0.1)])
    close = p[:6] * (1 + 1e-3 * rng.standard_normal((6, 7)))
    return (
        np.maximum(x, 1e-30).astype(dtype)
        for x in (np.concatenate([p, p[:6]]), np.concatenate([q, close]))
    )


def order_in(dtype, order):
    """Return the order as an array has it: libraries that trace it make one of it."""
    return float(np.dtype(dtype).type(order))


def power_of(x, b):
    """Return (xᵇ − 1)/b."""
    return mpmath.log(x) if b == 0 else (x**b - 1) / b


def slope_and_size(x, a, origin=0, mass=1):
    """Return (a yᵇ − 1)/b/mass of y = x e^−origin, and a number that its terms are as large as."""
    b, y = a - 1, x * mpmath.exp(-origin)
    by_logs = 1 + a * (abs(mpmath.log(x)) + abs(origin)) * max(1, y**b)
    size = by_logs if b == 0 else min((a * y**b + 1) / abs(b), by_logs)
    return (1 + a * power_of(y, b)) / mass, size / mass


def tsallis_of(p, q, a):
    """Return value, slopes in q, and slopes in p with their sizes, of Tsallis's divergence."""
    terms = [x * power_of(x / y, a - 1) for x, y in zip(p, q, strict=True)]
    in_p = [slope_and_size(x / y, a) for x, y in zip(p, q, strict=True)]
    in_q = [-((x / y) ** a) for x, y in zip(p, q, strict=True)]
    return sum(terms), in_q, in_p


def renyi_of(p, q, a):
    """Return the same of Rényi's."""
    b, mass = a - 1, sum(p)
    value, in_q, _ = tsallis_of(p, q, a)
    whole = sum(x * (x / y) ** b for x, y in zip(p, q, strict=True))
    r = value / mass if b == 0 else mpmath.log(whole / mass) / b
    in_p = [slope_and_size(x / y, a, r, mass) for x, y in zip(p, q, strict=True)]
    return r, [x / whole for x in in_q], in_p


def exact(formula, p, q, order):
    """Return each of them as an array, in float64."""
    with mpmath.workdps(60):
        pairs = [[[mpmath.mpf(float(x)) for x in row] for row in rows] for rows in (p, q)]
        each = [formula(*pair, mpmath.mpf(order)) for pair in zip(*pairs, strict=True)]
        return [np.asarray(x, dtype=float) for x in zip(*each, strict=True)]


FORMULAS = {"renyi": (renyi, renyi_of), "tsallis": (tsallis, tsallis_of)}


def held(got, want, scale):
    """Return what its dtype can hold to its last digit, and what that is measured by."""
    info = np.finfo(got.dtype)
    large = np.maximum(np.abs(want), scale)
    where = (large > float(info.smallest_normal) / float(info.eps)) & (large < float(info.max))
    assert where.any()
    return got[where], want[where].astype(got.dtype), large[where]


def assert_held(*made):
    """Hold what was made, each with what is wanted and what that is measured by."""
    for x in made:
        got, want, scale = held(*x)
        assert_near(got, want, GOAL, scale=scale)


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
