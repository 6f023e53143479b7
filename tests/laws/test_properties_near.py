"""Properties that hold within the goals of the design, in ULP or scaled by the condition."""

import math

import numpy as np
import pytest
from hypothesis import assume

import xent
from tests.laws.strategies import (
    distributions,
    examples,
    joints,
    logits,
    permutations,
    picks,
    scalars,
)
from tests.near import EPS, assert_near

CE, KL, BCE, JS = (
    xent.cross_entropy,
    xent.kl_divergence,
    xent.binary_cross_entropy,
    xent.jensen_shannon_divergence,
)
DOUBLE = EPS["float64"]


def depth(z):
    """Return D: how far below its peak a row of logits reaches, where it matters."""
    d = np.max(z) - z
    return float(np.max(d[d < 800.0]))


def terms(p, q):
    """Return p |log p/q|, term by term."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.abs(np.log(p / q)), 0.0)


@examples(logits(masked=True), picks)
def test_labels_are_one_hot_rows(backend, z, pick):
    y = pick % len(z)
    hard = backend.run(CE, target=np.asarray(y), logits=z)
    assert_near(backend.run(CE, target=np.eye(len(z))[y], logits=z), hard, 9 + 2 * depth(z))


@examples(logits(), picks, permutations)
def test_classes_may_come_in_any_order(backend, z, pick, random):
    order = list(range(len(z)))
    random.shuffle(order)
    y = pick % len(z)
    value = backend.run(CE, target=np.asarray(y), logits=z)
    there = backend.run(CE, target=np.asarray(order.index(y)), logits=z[order])
    assert_near(there, value, 6 + 2 * depth(z))
    assert_near(
        backend.run(xent.log_softmax, logits=z[order]),
        backend.run(xent.log_softmax, logits=z)[order],
        6 + 2 * depth(z),
    )


@examples(scalars(300.0))
def test_binary_is_the_cross_entropy_of_two_classes(backend, z):
    binary = backend.run(BCE, target=np.asarray(0.0), logits=z)
    two = np.stack([np.zeros(()), z])
    both = backend.run(CE, target=np.asarray(0), logits=two)
    assert_near(binary, both, 6 + 2 * depth(two))


@examples(logits(low=2), picks, scalars(20.0))
def test_a_higher_logit_of_the_label_costs_less(backend, z, pick, step):
    y = pick % len(z)
    assume(step > 1e-3)
    higher = z.copy()
    higher[y] += step
    value = backend.run(CE, target=np.asarray(y), logits=z)
    assert backend.run(CE, target=np.asarray(y), logits=higher) < value


@examples(distributions(2, full=True))
def test_cross_entropy_is_entropy_and_divergence(backend, pair):
    p, q = pair
    cross = float(backend.run(CE, target=p, probs=q))
    h, kl = float(backend.run(xent.entropy, probs=p)), float(backend.run(KL, target=p, probs=q))
    scale = cross + h + math.fsum(terms(p, q))
    assert abs(cross - (h + kl)) <= 8 * DOUBLE * scale


@examples(joints)
def test_divergence_obeys_the_chain_rule(backend, pair):
    """D(p(x, y)‖q(x, y)) = D(p(x)‖q(x)) + Σ p(x) D(p(y|x)‖q(y|x))."""
    p, q = pair
    whole = float(backend.run(KL, target=p.ravel(), probs=q.ravel()))
    px, qx = p.sum(1), q.sum(1)
    given = {"target": p / px[:, None], "probs": q / qx[:, None]}
    rows = backend.run(KL, **given, reduction="none")
    first = float(backend.run(KL, target=px, probs=qx))
    scale = math.fsum(
        [*terms(p, q).ravel(), *terms(px, qx), *(px @ terms(*given.values())).ravel()]
    )
    # What the division rounds, the condition of each term carries on: p and q themselves.
    assert abs(whole - (first + math.fsum(px * rows))) <= 16 * DOUBLE * (scale + 1)


@examples(distributions(1))
def test_entropy_is_at_most_that_of_the_uniform(backend, single):
    (p,) = single
    assert backend.run(xent.entropy, probs=p) <= math.log(len(p)) * (1 + 4 * DOUBLE)


@examples(logits(masked=True))
def test_entropy_of_logits_is_at_most_that_of_the_uniform(backend, z):
    assert backend.run(xent.entropy, logits=z) <= math.log(len(z)) * (1 + 16 * DOUBLE)


@examples(distributions(2))
def test_jensen_shannon_is_symmetric_and_bounded(backend, pair):
    p, q = pair
    value = backend.run(JS, p=p, q=q)
    assert_near(backend.run(JS, p=q, q=p), value, 32)
    assert value <= math.log(2) * (1 + 16 * DOUBLE)


@examples(logits(8.0, count=2, low=2))
def test_divergence_of_logits_is_that_of_their_softmax(backend, rows):
    a, b = rows
    p, q = (backend.run(xent.softmax, logits=z) for z in rows)
    value = float(backend.run(KL, target_logits=a, logits=b))
    # A softmax rounds each p, and with it the mass of the row, so that 1 stands beside the logs.
    condition = math.fsum(p * (1 + np.abs(np.log(p)) + np.abs(np.log(q))))
    for given in (
        {"target": p, "probs": q},
        {"target": p, "logits": b},
        {"target_logits": a, "probs": q},
    ):
        assert abs(float(backend.run(KL, **given)) - value) <= 16 * DOUBLE * condition


@examples(logits(masked=True), scalars(300.0))
def test_links_undo_each_other(backend, z, shift):
    log_q = backend.run(xent.log_softmax, logits=z)
    assert np.all(log_q <= 0)
    q = backend.run(xent.softmax, logits=z)
    assert abs(math.fsum(q) - 1) <= 16 * DOUBLE
    s = backend.run(xent.sigmoid, logits=shift)
    log_s = backend.run(xent.log_sigmoid, logits=shift)
    assert_near(np.exp(log_s), s, 8 + abs(float(shift)))


def test_these_checks_can_fail():
    """A loss of too few digits is found: the textbook formula in the place of ours."""
    z = np.asarray([20.0, 0.0])
    textbook = np.log(np.sum(np.exp(z))) - z[0]
    with pytest.raises(AssertionError, match="ULP"):
        assert_near(textbook, xent.cross_entropy(0, logits=z), 9 + 2 * depth(z))
