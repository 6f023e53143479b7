"""XLA makes logits anew in each loop, and may round otherwise: near certainty no digit hangs on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import xent
from tests.cases import CASES
from tests.laws import contraction as of
from tests.libraries.compiled import (
    CERTAIN,
    DTYPES,
    VALUES,
    assert_digits,
    assert_gradient,
    scaled_rows,
    truth_of,
)
from tests.near import assert_near
from xent.engines.jax import measured


def scale(dtype):
    return jnp.asarray(of.SCALE, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", VALUES)
def test_scaled_logits(name, dtype):
    function, target, truth = VALUES[name]
    x, z, y = scaled_rows(dtype)
    t = jnp.asarray(target(y, dtype))
    got = jax.jit(lambda x, s: function(t, s * x))(jnp.asarray(x), scale(dtype))
    assert_digits(got, truth_of(of.scaled(truth), x, y), z)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CERTAIN)
def test_gradient_of_scaled_logits(name, dtype):
    function, target, _ = VALUES[name]
    x, z, y = scaled_rows(dtype)
    t = jnp.asarray(target(y, dtype))
    made = jax.jit(jax.grad(lambda x, s: function(t, s * x).sum()))
    assert_gradient(name, np.asarray(made(jnp.asarray(x), scale(dtype))), dtype, x, z, y)


@pytest.mark.parametrize("name", CERTAIN)
def test_gradient_of_scaled_logits_class_by_class(name, monkeypatch):
    monkeypatch.setattr(measured, "SMALL", 0)
    function, target, _ = VALUES[name]
    x, z, y = (np.concatenate((a, a)) for a in scaled_rows(np.float32))  # not compiled yet
    t = jnp.asarray(target(y, np.float32))
    made = jax.jit(jax.grad(lambda x, s: function(t, s * x).sum()))
    assert_gradient(name, np.asarray(made(jnp.asarray(x), scale(np.float32))), np.float32, x, z, y)


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_classes(dtype):
    x = np.asarray([s * m / of.SCALE for m in of.MARGINS for s in (-1, 1)], dtype)
    t = jnp.asarray((x > 0).astype(dtype))

    def loss(x, s):
        return xent.binary_cross_entropy(t, logits=s * x, reduction="none")

    got = jax.jit(loss)(jnp.asarray(x), scale(dtype))
    truth = of.exactly(lambda z, _: of.binary(z * of.Decimal(of.SCALE), _), [(e, 0) for e in x])
    assert_digits(got, truth, of.SCALE * x[:, None])


@pytest.mark.parametrize("dtype", DTYPES)
def test_capped_logits(dtype):
    z, y = of.certain(dtype, margins=(5.0, 17.25, 30.0, 52.5))

    def loss(z):
        return xent.cross_entropy(jnp.asarray(y), logits=z, softcap=of.CAP, reduction="none")

    got = jax.jit(loss)(jnp.asarray(z))
    assert_digits(got, truth_of(of.capped(of.cross_entropy), z, y), z)


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_of_a_product(dtype):
    """Of one feature: the product is one number, which is rounded or not."""
    z, y = of.certain(dtype)
    x = np.full((len(z), 1), of.SCALE, dtype)
    w = (z[0] / of.SCALE)[:, None].astype(dtype)
    labels = np.full(len(z), y[0])

    def loss(x, w):
        return xent.cross_entropy(jnp.asarray(labels), logits=x @ w.T, reduction="none")

    got = jax.jit(loss)(jnp.asarray(x), jnp.asarray(w))
    rows = np.broadcast_to(w[:, 0], z.shape)
    assert_digits(got, truth_of(of.scaled(of.cross_entropy), rows, labels), z[:1])


ONE_CLASS = [case for case in CASES if case.form == "logits" and not case.elementwise]


@pytest.mark.parametrize("case", ONE_CLASS, ids=str)
def test_one_class_has_no_rivals(case):
    """Of which the peak is all: what rounding makes of it would be the whole loss, below 0 as often."""
    z = np.asarray([[20.0], [33.0], [47.0], [-20.0], [np.nan]], np.float32)
    given = case.arguments(rows=(len(z),), classes=1) | {"logits": z}
    given = {k: x.astype(np.float32) if x.dtype.kind == "f" else x for k, x in given.items()}

    def made(z, given):
        return case.both(**given | {"logits": 30 * jnp.tanh(z / 30)}, **case.each)

    there = {k: jnp.asarray(x) for k, x in given.items()}
    capped = given | {"logits": np.asarray(30 * jnp.tanh(z / 30))}
    both = case.both(**capped, **case.each)
    for got, want in zip(jax.jit(made)(z, there), both, strict=True):
        assert np.isnan(np.ravel(want)[-1])
        assert_near(np.asarray(got), want)
