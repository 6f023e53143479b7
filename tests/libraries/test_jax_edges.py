"""JAX's derivatives where a plain formula's are NaN; small losses; dtypes with and without x64."""

from functools import cache

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import xent
from tests.backends import converted
from tests.cases import LOSSES, TRIED
from tests.libraries import edges
from tests.libraries.edges import EDGES, arrays, prediction
from tests.near import assert_near


@cache
def derivatives(loss, options):
    """Return what makes all derivatives of a loss, compiled once for all edges of the same arrays."""

    def number(moving, fixed):
        return LOSSES[loss](**moving, **fixed, **dict(options)).sum()

    @jax.jit
    def all_of_them(*given):
        reverse, forward = jax.grad(number)(*given), jax.jacfwd(number)(*given)
        second = (f(jax.grad(number))(*given) for f in (jax.jacfwd, jax.jacrev))
        return reverse, forward, *second

    return all_of_them


@pytest.mark.parametrize("name", edges.TRIED)
def test_derivatives_where_a_formula_has_none(name):
    loss, given = EDGES[name]
    given = arrays(given)
    own = converted({k: x for k, x in given.items() if isinstance(x, np.ndarray)}, jnp.asarray)
    moving = {k: x for k, x in own.items() if x.dtype.kind == "f"}
    fixed = {k: x for k, x in own.items() if k not in moving}
    options = tuple((k, x) for k, x in given.items() if k not in own)
    reverse, forward, *second = derivatives(loss, options)(moving, fixed)
    place = prediction(moving)
    for got in (reverse, forward):
        assert not any(np.isnan(g).any() for g in got.values())
        assert_near(got[place], xent.grad(LOSSES[loss])(**given), 4, scale=1)
    for rows in second:
        assert not any(np.isnan(block).any() for row in rows.values() for block in row.values())
    assert_near(second[0][place][place], second[1][place][place], 16, scale=1)


def test_curvature_of_entropy_is_infinite_at_0_and_only_there():
    h = jax.hessian(xent.entropy)(jnp.asarray([0.0, 0.5, 0.5]))
    assert np.array_equal(h, np.diag([-np.inf, -2, -2]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_losses_keep_their_digits(dtype):
    """2e-9, which is 0 by the usual formulas in float32."""
    z, small = jnp.asarray([[20.0, 0.0]], dtype=dtype), np.exp(-20.0)
    for target in (jnp.asarray([0]), jnp.asarray([[1.0, 0.0]], dtype=dtype)):

        def loss(x, t=target):
            return xent.cross_entropy(t, logits=x)

        assert_near(loss(z), np.log1p(small), 4)
        want = small / (1 + small) * np.array([[-1, 1]])
        for got in (
            jax.grad(loss)(z),
            jax.jacfwd(loss)(z),
            xent.grad(xent.cross_entropy)(target, logits=z),
        ):
            assert got.dtype == dtype
            assert_near(got, want, 4)
        curve = small / (1 + small) ** 2 * np.array([[1, -1], [-1, 1]])
        assert_near(jax.hessian(loss)(z).reshape(2, 2), curve, 64)
    jacobian = small / (1 + small) ** 2 * np.array([[1, -1], [-1, 1]])
    for f in (jax.jacrev, jax.jacfwd):
        assert_near(f(xent.softmax)(z[0]), jacobian, 8)
        assert_near(f(xent.log_softmax)(z[0])[0], small / (1 + small) * np.array([1, -1]), 8)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16])
@pytest.mark.parametrize(
    "case", [c for c in TRIED if c.form == "logits" and not c.is_link], ids=str
)
def test_half_precision_gradient_is_rounded_once(case, dtype):
    given = {k: jnp.asarray(x) for k, x in case.arguments().items()}
    moving = [k for k, x in given.items() if x.dtype.kind == "f"]
    half = tuple(given[k].astype(dtype) for k in moving)
    wide = tuple(x.astype(np.float32) for x in half)

    for options in ({}, {"z_loss": 0.125})[: 1 + case.takes("z_loss")]:

        def loss(*x, options=options):
            return case.function(**given | dict(zip(moving, x, strict=True)) | options).sum()

        got, want = (jax.grad(loss, tuple(range(len(moving))))(*x) for x in (half, wide))
        for a, b in zip(got, want, strict=True):
            assert a.dtype == dtype
            assert np.array_equal(a, b.astype(dtype))


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16])
def test_half_precision_gradients_of_two_values_are_rounded_once(dtype):
    draw = np.random.default_rng(0)
    y = jnp.asarray(draw.integers(0, 9, 64))
    half = jnp.asarray(draw.normal(size=(64, 9)).astype(dtype))
    got, want = (
        jax.grad(lambda x: sum(values.sum() for values in xent.log_probs(y, logits=x)))(x)
        for x in (half, half.astype(np.float32))
    )
    assert np.array_equal(got, want.astype(dtype))


def test_without_x64():
    with jax.enable_x64(False):
        z, small = jnp.asarray([[20.0, 0.0]]), np.exp(-20.0)
        for labels in (jnp.asarray([0]), [0], np.array([0]).tolist()):
            value, g = jax.value_and_grad(lambda x, y=labels: xent.cross_entropy(y, logits=x))(z)
            assert (value.dtype, g.dtype) == ("float32", "float32")
            assert_near(value, np.log1p(small), 4)
            assert_near(g, small / (1 + small) * np.array([[-1, 1]]), 4)
        curve = jax.hessian(lambda x: xent.entropy(logits=x).sum())(jnp.zeros((1, 2)))
        assert_near(curve.reshape(2, 2), np.array([[-0.25, 0.25], [0.25, -0.25]]), 4)
