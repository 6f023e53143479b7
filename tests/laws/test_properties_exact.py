"""Properties that hold to the last bit, for whatever hypothesis draws."""

import math
from functools import partial

import numpy as np
from hypothesis import assume

import xent
from tests.laws.strategies import distributions, examples, grid, logits, picks, scalars
from tests.near import assert_near, assert_same

CE, KL, BCE = xent.cross_entropy, xent.kl_divergence, xent.binary_cross_entropy


def assert_a_cost(x):
    assert np.all(x >= 0), x
    assert not np.any(np.signbit(x)), x


@examples(logits(masked=True), picks)
def test_a_cost_from_logits_is_at_least_0(backend, z, pick):
    y = np.asarray(pick % len(z))
    assert_a_cost(backend.run(CE, target=y, logits=z))
    assert_a_cost(backend.run(CE, target=np.eye(len(z))[y], logits=z))
    assert_a_cost(backend.run(xent.entropy, logits=z))
    assert_a_cost(backend.run(BCE, target=np.zeros_like(z), logits=z, reduction="none"))


@examples(distributions(2))
def test_a_cost_from_probabilities_is_at_least_0(backend, pair):
    p, q = pair
    for loss in (CE, KL, xent.negative_log_likelihood):
        assert_a_cost(backend.run(loss, target=p, probs=q))
    assert_a_cost(backend.run(xent.jensen_shannon_divergence, p=p, q=q))
    assert_a_cost(backend.run(xent.entropy, probs=p))
    assert_a_cost(backend.run(BCE, target=p, probs=q, reduction="none"))


@examples(logits(300.0, low=2), picks)
def test_a_cost_is_above_0_while_another_class_is_in_range(backend, z, pick):
    y = pick % len(z)
    assume(np.max(np.delete(z, y)) - z[y] > -700)
    assert backend.run(CE, target=np.asarray(y), logits=z) > 0


@examples(logits(masked=True, high=6), picks)
def test_a_masked_class_changes_nothing(backend, z, pick):
    """Up to eight classes, from where NumPy sums in another order.

    Dask cuts five as no four, and rounds z − max z elsewhere: an exponential makes |z − max z| ULP of that.
    """
    range_of = np.ptp(z[z > -np.inf])
    hold = partial(assert_near, ulp=8 + range_of) if backend.is_lazy else assert_same
    y = pick % len(z)
    more = np.append(z, -np.inf)
    for target in (np.asarray(y), np.eye(len(z))[y]):
        there = target if target.ndim == 0 else np.append(target, 0.0)
        value, gradient = backend.run(xent.value_and_grad(CE), target=target, logits=z)
        value_there, gradient_there = backend.run(
            xent.value_and_grad(CE), target=there, logits=more
        )
        hold(value_there, value)
        hold(np.abs(gradient_there), np.abs(np.append(gradient, 0.0)))
    hold(backend.run(xent.entropy, logits=more), backend.run(xent.entropy, logits=z))
    hold(backend.run(xent.logsumexp, logits=more), backend.run(xent.logsumexp, logits=z))


@examples(scalars(800.0))
def test_binary_classes_mirror_each_other(backend, z):
    one, zero = np.asarray(1.0), np.asarray(0.0)
    value, gradient = backend.run(xent.value_and_grad(BCE), target=one, logits=z)
    mirrored, gradient_there = backend.run(xent.value_and_grad(BCE), target=zero, logits=-z)
    assert_same(value, mirrored)
    assert_same(gradient + 0.0, 0.0 - gradient_there)


@examples(distributions(2))
def test_kl_is_0_only_of_the_same(backend, pair):
    p, q = pair
    value = backend.run(KL, target=p, probs=q)
    assert (value == 0) == np.array_equal(p, q)
    assert np.isinf(value) == bool(np.any((p > 0) & (q == 0)))
    assert_same(backend.run(KL, target=p, probs=p), np.asarray(0.0))
    assert_same(backend.run(xent.jensen_shannon_divergence, p=p, q=p), np.asarray(0.0))


@examples(logits(), scalars(100.0))
def test_kl_of_logits_is_0_of_the_same(backend, z, shift):
    same = backend.run(KL, target_logits=z, logits=z)
    assert_same(same, np.asarray(0.0))


@examples(grid, picks)
def test_a_shift_on_a_grid_changes_nothing(backend, drawn, pick):
    z, shift = drawn
    y = np.asarray(pick % len(z))
    for target in (y, np.eye(len(z))[y]):
        here = backend.run(xent.value_and_grad(CE), target=target, logits=z)
        there = backend.run(xent.value_and_grad(CE), target=target, logits=z + shift)
        for a, b in zip(there, here, strict=True):
            assert_same(a, b)
    for link in (xent.softmax, xent.log_softmax, xent.entropy):
        assert_same(backend.run(link, logits=z + shift), backend.run(link, logits=z))


@examples(logits(count=3, masked=True), picks)
def test_a_row_does_not_depend_on_the_batch(backend, rows, pick):
    z, others = np.stack(rows), np.stack([rows[0], *rows[:0:-1]])
    y = np.asarray([pick % z.shape[1]] * 3)
    here = backend.run(xent.value_and_grad(CE), target=y, logits=z, reduction="none")
    there = backend.run(xent.value_and_grad(CE), target=y, logits=others, reduction="none")
    for a, b in zip(here, there, strict=True):
        assert_same(a[[0, 1, 2]], b[[0, 2, 1]])


@examples(logits(), picks)
def test_the_gradient_at_the_label_is_what_the_others_sum_to(backend, z, pick):
    """|Σ g| ≤ 4u Σ|g|, the sums exact."""
    y = np.asarray(pick % len(z))
    g = backend.run(xent.grad(CE), target=y, logits=z).tolist()
    assert abs(math.fsum(g)) <= 4 * 2.0**-53 * math.fsum(map(abs, g))
