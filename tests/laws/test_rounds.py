"""Losses that have to know of whole rows first: parts of their classes, measured twice, are the whole."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

import xent
from tests.backends import Backend
from tests.laws.parts import both, merged
from tests.laws.strangers import hits_in_rounds, hits_of_textbook
from tests.near import GOAL, assert_near, largest
from xent.testing import check

CLASSES, CUTS = 12, ((0, 1, 5, 12), (0, 6, 12), tuple(range(13)))
LOSSES = {
    "jensen_shannon": partial(xent.jensen_shannon_divergence, beta=0.9),
    "skewed": partial(xent.kl_divergence, skew=0.1),
    "reversed": partial(xent.kl_divergence, reverse=True),
    "both": partial(xent.kl_divergence, skew=0.75, reverse=True),
    "brier": xent.brier_score,
    "focal": partial(xent.focal_loss, gamma=0.5),
    "poly": partial(xent.poly_loss, epsilon=1.0),
    "generalized": partial(xent.generalized_cross_entropy, q=0.7),
}
OF_TWO = ("jensen_shannon", "skewed", "reversed", "both")
KINDS = [(name, kind) for name in OF_TWO for kind in ("probs", "logits")]
KINDS += [(name, "probs") for name in LOSSES if name not in OF_TWO]
of_kinds = pytest.mark.parametrize(("name", "kind"), KINDS, ids=str)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def given_of(name, kind, target, logits):
    """Return a target as logits, or as the probabilities that they make, and a prediction."""
    if kind == "logits":
        return {"target_logits": target, "logits": logits}
    return {"p" if name == "jensen_shannon" else "target": softmax(target), "logits": logits}


def in_parts(backend, loss, given, cuts):
    """Return value and gradient of parts."""
    part = xent.part(loss)
    parts = [
        backend.call(part, **{k: x[:, a:b] for k, x in given.items()}, first=a, classes=CLASSES)
        for a, b in pairwise(cuts)
    ]
    return both(backend, merged(parts))


def assert_whole(backend, name, given, ulp, cuts=CUTS):
    loss = partial(LOSSES[name], reduction="none", validate=False)
    wanted, slope = xent.value_and_grad(loss)(**given)
    for cut in cuts:
        value, gradient = in_parts(backend, loss, given, cut)
        assert_near(value, wanted, ulp)
        size = np.max(np.abs(np.where(np.isfinite(slope), slope, 0)), -1, keepdims=True)
        assert_near(gradient, slope, ulp, scale=size)


DRAW = np.random.default_rng(11)
Z, T = DRAW.normal(size=(2, 5, CLASSES))
CERTAIN = np.where(np.arange(CLASSES) == 7, 30.0, Z)


@of_kinds
def test_variants_in_parts(backend, name, kind):
    assert_whole(backend, name, given_of(name, kind, 2 * T, 2 * Z), GOAL, CUTS[:1])


@pytest.mark.parametrize("near", [1e-2, 1e-5, 1e-9])
@pytest.mark.parametrize("name", OF_TWO)
def test_rows_that_are_nearly_equal(name, near):
    """Where a difference of two large sums would leave nothing."""
    assert_whole(Backend.NUMPY, name, given_of(name, "logits", Z + near * T, Z), GOAL)


@pytest.mark.parametrize("target", [0.75 * CERTAIN, CERTAIN + T, np.roll(CERTAIN, 3, -1)])
@of_kinds
def test_rows_that_are_nearly_certain(name, kind, target):
    """At the peak the sum of the gradient has but what the others have."""
    assert_whole(Backend.NUMPY, name, given_of(name, kind, target, CERTAIN), GOAL)


OUT = np.where(np.arange(CLASSES) % 5 < 2, -np.inf, 0.0)
LIMITS = {
    "a few": (OUT, OUT),
    "of both": (OUT, np.roll(OUT, 1)),
    "a half": (np.where(np.arange(CLASSES) < 6, -np.inf, 0.0),) * 2,
    "other halves": (np.where(np.arange(CLASSES) < 6, -np.inf, 0.0), OUT[::-1]),
    "certain": (np.zeros(CLASSES), np.where(np.arange(CLASSES) == 5, np.inf, 0.0)),
    "none": (np.zeros(CLASSES), np.full(CLASSES, -np.inf)),
    "far": (np.zeros(CLASSES), np.where(np.arange(CLASSES) < 6, -800.0, 0.0)),
}


@pytest.mark.parametrize("limit", LIMITS)
@of_kinds
def test_limits(name, kind, limit):
    of_target, of_logits = LIMITS[limit]
    with np.errstate(all="ignore"):
        given = given_of(name, kind, T + of_target, Z + of_logits)
    assert_whole(Backend.NUMPY, name, given, GOAL)


def test_ties_at_the_peak_of_two_parts():
    for tied in ([2, 9], [0, 1], range(CLASSES)):
        logits = Z.copy()
        logits[:, list(tied)] = 3.0
        for name, kind in KINDS:
            assert_whole(Backend.NUMPY, name, given_of(name, kind, T, logits), GOAL)


def test_a_loss_of_ones_own():
    """It holds the laws."""
    own = {"targets": ["distributions"], "libraries": ["numpy"]}
    assert "holds" in str(check(hits_in_rounds, hits_of_textbook, **own))
    given = {"target": softmax(T), "logits": Z}
    value, slope = xent.value_and_grad(hits_in_rounds)(**given)
    got, gradient = in_parts(Backend.NUMPY, hits_in_rounds, given, CUTS[0])
    assert_near(got, value)
    assert_near(gradient, slope, scale=largest(slope))


@pytest.mark.parametrize("name", ["jensen_shannon", "skewed", "both"])
def test_a_head_in_strips_of_classes(backend, name):
    """Where a few rows are too long for a chunk, their classes are cut: all of it in two rounds."""
    draw = np.random.default_rng(12)
    rows, classes, width = 70, 2100, 3
    given = {
        "target_features": draw.normal(size=(rows, 2)),
        "target_weight": draw.normal(size=(classes, 2)),
        "features": draw.normal(size=(rows, width)),
        "weight": draw.normal(size=(classes, width)),
        "bias": draw.normal(size=classes),
    }
    loss = LOSSES[name]
    head = xent.linear_jensen_shannon_divergence
    head = head if loss.func is xent.jensen_shannon_divergence else xent.linear_kl_divergence
    both_of = partial(xent.value_and_grad(head), **loss.keywords)
    value, slopes = both_of(**given)
    small = {"chunk_bytes": 64 * 8 * 1000}
    got, gradients = backend.run(partial(both_of, **small), **given)
    assert_near(np.asarray(got), value, GOAL)
    for mine, want in zip(gradients, slopes, strict=True):
        assert_near(np.asarray(mine), want, scale=largest(want))


def test_what_is_merged_once_says_that_it_is_measured_again():
    given = {"target": softmax(T), "logits": Z}
    part = xent.part(xent.brier_score)(**given, first=0, classes=CLASSES)
    whole = part.merged([part.statistics])
    with pytest.raises(TypeError, match=r"measured twice.* `again`"):
        whole.value()
    again = whole.again
    assert again.merged([again.statistics]).again is None
    of_labels = xent.part(xent.brier_score)(
        np.zeros(5, int), logits=given["logits"], first=0, classes=CLASSES
    )
    assert of_labels.merged([of_labels.statistics]).again is None
