"""JAX through distributions of a few classes: derivatives of the prediction and of the probabilities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import xent
from tests.near import assert_near

CLASSES, ENTRIES = 6, 3
DRAW = np.random.default_rng(5)
LOGITS = jnp.asarray(DRAW.normal(size=(4, CLASSES)))
INDICES = jnp.asarray([DRAW.permutation(CLASSES)[:ENTRIES] for _ in range(4)])
WEIGHTS = jnp.asarray(DRAW.uniform(0.05, 0.3, (4, ENTRIES)))
RESTS = pytest.mark.parametrize("rest", [None, "uniform"])
ULP = 64


def row(p, rest):
    """Return the rows that entries stand for, as JAX differentiates them."""
    t = jnp.zeros((4, CLASSES))
    if rest:
        share = (1 - p.sum(-1, keepdims=True)) / (CLASSES - ENTRIES)
        t = (t + share).at[jnp.arange(4)[:, None], INDICES].set(0.0)
    return t.at[jnp.arange(4)[:, None], INDICES].add(p)


def losses(rest):
    """Return the loss of entries and of the row, of logits and probabilities."""

    def of_entries(x, p):
        return xent.cross_entropy(
            xent.SparseDistribution(INDICES, p, rest), logits=x, reduction="sum"
        )

    def of_row(x, p):
        return xent.cross_entropy(row(p, rest), logits=x, reduction="sum")

    return of_entries, of_row


def assert_alike(got, want):
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert_near(np.asarray(a), np.asarray(b), ULP, scale=np.max(np.abs(b)))


@RESTS
def test_derivatives_are_those_of_the_row(rest):
    def every(loss):
        first = jax.jit(jax.value_and_grad(loss, (0, 1)))(LOGITS, WEIGHTS)
        return first, jax.jit(jax.hessian(loss, (0, 1)))(LOGITS, WEIGHTS)

    assert_alike(*map(every, losses(rest)))


def test_each_row_by_itself():
    def loss(x, i, p):
        return xent.cross_entropy(xent.SparseDistribution(i, p), logits=x)

    given = LOGITS, INDICES, WEIGHTS
    each = jax.jit(jax.vmap(loss))(*given)
    target = xent.SparseDistribution(INDICES, WEIGHTS)
    rows = xent.cross_entropy(target, logits=LOGITS, reduction="none")
    assert_alike(each, rows / WEIGHTS.sum(-1))


@RESTS
def test_of_a_linear_head(rest):
    features, weight = (jnp.asarray(DRAW.normal(size=(n, 2))) for n in (4, CLASSES))

    def slopes(target_of):
        def loss(features, weight, p):
            return xent.linear_cross_entropy(target_of(p), features, weight, chunk_bytes=64)

        return jax.jit(jax.grad(loss, (0, 1, 2)))(features, weight, WEIGHTS)

    entries = slopes(lambda p: xent.SparseDistribution(INDICES, p, rest))
    assert_alike(entries, slopes(lambda p: row(p, rest)))
