"""Losses that are wrong only far out, and right ones whose textbook form loses its digits there."""

import numpy as np

import xent
from tests.laws import broken, broken_edges
from tests.laws.strangers import OfCost, of_cost
from xent.kernels import binary, distributions, labels
from xent.math import quotient


def of_pairs(kernel):
    """Return the elementwise loss of logits that a kernel makes."""

    @xent.loss(xent.BinaryOptions)
    def loss(target, *, logits, **options):
        kernels = {"logits": kernel}
        return xent.Call(target, {"logits": logits}, distributions=kernels, options=options)

    return loss


class Capped:
    """It costs 100 at most, as who fears infinity writes."""

    def value(self, xp, s):
        return xp.clip(super().value(xp, s), None, 100.0)

    def gradient(self, xp, prediction, target, s, made, w, axis):
        below = xp.astype(super().value(xp, s) < 100, w.dtype)
        return super().gradient(xp, prediction, target, s, made, w * below, axis)


class CappedInValue:
    """The same, and its gradient knows nothing of it."""

    def value(self, xp, s):
        return xp.clip(super().value(xp, s), None, 100.0)


class Forgets:
    """Its gradient is 0 where it is below 1e-6."""

    def gradient(self, xp, *more):
        g = super().gradient(xp, *more)
        return xp.where(xp.abs(g) < 1e-6, 0.0, g)


KINDS = {
    "labels and logits": (broken.of_labels, labels.FromLogits(), "labels"),
    "labels and probs": (broken_edges.of_probs, labels.FromProbs(), "labels"),
    "labels and log_probs": (broken_edges.of_log_probs, labels.FromLogProbs(), "labels"),
    "distributions and logits": (
        broken.of_distributions,
        distributions.FromLogits(),
        "distributions",
    ),
    "binary and logits": (of_pairs, binary.FromLogits(), "binary"),
}
"""By the case: what makes a loss of a kernel, a right kernel, and the target."""


def made_wrong(fault, case):
    """Return a right loss with a fault, and its target."""
    make, kernel, target = KINDS[case]
    return make(of_cost(fault, kernel)), target


DELTA = 0.7


class PseudoHuber(OfCost):
    """δ (√(1 + (c/δ)²) − 1), without the difference."""

    def of(self, xp, c):
        x = c / DELTA
        return c / (1 / x + xp.sqrt(1 + 1 / (x * x)))

    def slope(self, xp, c):
        x = c / DELTA
        return 1 / xp.sqrt(1 + 1 / (x * x))


class PseudoHuberOfProbs(labels.Entry):
    """The same of a probability."""

    def value(self, xp, q):
        return PseudoHuber().of(xp, 0 - xp.log(q))

    def gradient(self, xp, probs, label, q, made, w, axis):
        slope = w * PseudoHuber().slope(xp, 0 - xp.log(q))
        return xp.put(xp.zeros_like(probs), label, -quotient(xp, slope, q), axis)


class RoundsAway(PseudoHuber):
    """As a textbook has it: 0 where c² is nothing beside 1."""

    def of(self, xp, c):
        return DELTA * (xp.sqrt(1 + (c / DELTA) ** 2) - 1)


class Grown(PseudoHuber):
    """A part in 10⁴ more."""

    def of(self, xp, c):
        return super().of(xp, c) * 1.0001

    def slope(self, xp, c):
        return super().slope(xp, c) * 1.0001


RIGHT = {
    "logits": broken.of_labels(of_cost(PseudoHuber, labels.FromLogits())),
    "probs": broken_edges.of_probs(PseudoHuberOfProbs()),
    "log_probs": broken_edges.of_log_probs(of_cost(PseudoHuber, labels.FromLogProbs())),
}


def pseudo_huber(t, q):
    """Return the textbook's form, of which 1 − 2⁻²⁴ leaves two digits."""
    return DELTA * (np.sqrt(1 + (broken.cross_entropy(t, q) / DELTA) ** 2) - 1)
