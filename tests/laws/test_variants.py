"""Losses with parameters whose values are losses of their own: each is held to its textbook formula."""

import math

import numpy as np
import pytest

import xent
from tests.near import assert_near
from xent.testing import check, company, kernels

P = np.asarray([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
NEAR = P + np.asarray([[2.0, -3.0, 1.0]]) * 2.0**-30
APART = np.asarray([[0.25, 0.25, 0.5], [0.6, 0.3, 0.1]])
JUST = 1e-9
OF_PARTS = (kernels.merged, kernels.symmetric, kernels.made, company.head)
"""Laws of rows that lie in parts: of two rows of logits skewed measures need rows whole."""


def divergence(t, q, reverse=False, skew=0.0):
    p, q = (q, t) if reverse else (t, q)
    return np.sum(p * np.log(p / (skew * p + (1 - skew) * q)), axis=-1)


@pytest.mark.parametrize(
    "own", [{"reverse": True}, {"skew": 0.25}, {"reverse": True, "skew": 0.25}], ids=str
)
def test_reversed_and_skewed_divergences(own):
    targets = ["distributions", "target_logits"]
    check(
        xent.kl_divergence,
        divergence,
        targets=targets,
        parameters=[own],
        libraries=["numpy"],
        laws=lambda law: "skew" not in own or law.holds not in OF_PARTS,
    )


OWN = [{}, *({"reverse": True, "skew": a} for a in (0.0, 0.3)), {"skew": 0.3}]


@pytest.mark.parametrize("mass", [1.0, 0.75, 0.0])
@pytest.mark.parametrize("own", OWN, ids=str)
def test_a_target_beside_logits_is_taken_as_it_is(backend, own, mass):
    """R6: as beside probabilities, which are the softmax of these logits; also without mass, and masked."""
    given = {"target": mass * np.concatenate([P, APART]), **own, "reduction": "none"}
    z = np.log(np.concatenate([APART, P])) + 3
    given["where"] = np.asarray([True, True, True, False])
    q = xent.softmax(z)
    want = xent.kl_divergence(probs=q, **given)
    got, slope = backend.run(xent.value_and_grad(xent.kl_divergence), logits=z, **given)
    assert_near(got, want, 8, scale=np.abs(want) + 1 - mass)  # what it lacks may cancel the rest
    assert not np.any(np.isnan(slope))
    if mass:
        of_q = xent.grad(xent.kl_divergence)(probs=q, **given)
        through = q * (of_q - np.sum(q * of_q, axis=-1, keepdims=True))
        assert_near(slope, through, 8, scale=np.ones(1))


def test_what_a_target_excludes_is_infinitely_far_however_small_its_softmax(backend):
    z = np.asarray([[0.0, 0.0, -2000.0]])
    both = xent.value_and_grad(xent.kl_divergence)
    got, slope = backend.run(both, target=np.asarray([[0.5, 0.5, 0.0]]), logits=z, reverse=True)
    assert got == math.inf
    np.testing.assert_array_equal(slope, [[-math.inf, -math.inf, math.inf]])


@pytest.mark.parametrize("q", [NEAR, APART])
@pytest.mark.parametrize("loss", [xent.renyi_divergence, xent.tsallis_divergence])
def test_order_1_is_kullback_and_leibler(backend, loss, q):
    given = {"p": P, "q": q, "reduction": "none"}
    wanted = backend.run(xent.kl_divergence, target=P, probs=q, reduction="none")
    assert_near(backend.run(loss, **given, order=1.0), wanted, 4)
    for order in (1 - JUST, 1 + JUST):  # off by half of (order − 1) log²(p/q), on average
        assert np.all(np.abs(backend.run(loss, **given, order=order) / wanted - 1) < 2 * JUST)


@pytest.mark.parametrize("loss", [xent.renyi_entropy, xent.tsallis_entropy])
def test_order_1_is_shannon(backend, loss):
    wanted = backend.run(xent.entropy, probs=P)
    assert_near(backend.run(loss, probs=P, order=1.0), wanted, 4)
    assert np.all(np.abs(backend.run(loss, probs=P, order=1 + JUST) / wanted - 1) < 2 * JUST)


ENDS = [
    (xent.renyi_divergence, 0, math.log(4)),
    (xent.tsallis_divergence, 0, 0.75),
    (xent.renyi_divergence, math.inf, math.log(3)),
    (xent.tsallis_divergence, math.inf, math.inf),
    (xent.renyi_entropy, 0, math.log(2)),
    (xent.tsallis_entropy, 0, 1),
    (xent.renyi_entropy, math.inf, -math.log(0.75)),
    (xent.tsallis_entropy, math.inf, 0),
]


@pytest.mark.parametrize(("loss", "order", "wanted"), ENDS)
def test_orders_0_and_infinity(backend, loss, order, wanted):
    p, q = np.asarray([0.75, 0.25, 0.0]), np.asarray([0.25, 0.0, 0.75])
    q = q if order == 0 else np.asarray([0.25, 0.25, 0.5])
    given = {"probs": p} if "entropy" in loss.__name__ else {"p": p, "q": q}
    assert_near(backend.run(loss, **given, order=order), np.asarray(wanted, float), 4)


def test_order_2_is_chi_square(backend):
    given = {"p": P, "q": NEAR, "reduction": "none"}
    wanted = backend.run(xent.chi_square_divergence, **given)
    assert_near(backend.run(xent.tsallis_divergence, **given, order=2.0), wanted, 8)


SMALLEST = np.asarray(
    [
        [2.0**-149, 1 - 2.0**-10, 2.0**-127, 2.0**-10],
        [1.0, 2.0**-127, 2.0**-128, 2.0**-149],
        [2.0**-17, 0.25, 0.75 - 2.0**-17, 2.0**-20],
        [2.0**-149, 2.0**-133, 0.25, 0.75],
    ]
)
PAIRS = [(i, j) for i in range(4) for j in range(4) if i != j]
ORDERS = (0.0, 0.001, 0.1, 0.5, 0.999, 2.0, 10.0, 100.0)


@pytest.mark.parametrize("loss", [xent.renyi_entropy, xent.tsallis_entropy])
@pytest.mark.parametrize("order", ORDERS)
def test_entropies_of_the_smallest_probabilities(backend, loss, order):
    """In float32 they are what they are in float64, to which these probabilities are plain numbers."""
    if backend.flushes:
        pytest.skip(f"{backend} takes them for 0")
    got = backend.run(loss, probs=SMALLEST.astype("float32"), order=order)
    assert_near(got, loss(SMALLEST, order=order))


@pytest.mark.parametrize("loss", [xent.renyi_divergence, xent.tsallis_divergence])
@pytest.mark.parametrize("order", ORDERS[2:])
def test_divergences_of_the_smallest_probabilities(backend, loss, order):
    """Likewise, infinite where float32 has no such number."""
    if backend.flushes:
        pytest.skip(f"{backend} takes them for 0")
    p, q = (SMALLEST[list(k)] for k in zip(*PAIRS, strict=True))
    narrow = {"p": p.astype("float32"), "q": q.astype("float32")}
    got = backend.run(loss, **narrow, order=order, reduction="none", validate=False)
    want = loss(p, q, order=order, reduction="none", validate=False)
    with np.errstate(over="ignore"):
        assert_near(got, want.astype("float32"), 256)


@pytest.mark.parametrize("order", [-0.5, math.nan, "2", True])
def test_what_is_no_order(order):
    with pytest.raises((TypeError, ValueError), match="order"):
        xent.renyi_entropy(P, order=order)
