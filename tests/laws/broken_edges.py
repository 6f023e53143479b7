"""Losses that are each wrong at an edge: at certainty, at a probability of 0, at no label at all."""

import numpy as np

import xent
from tests.laws.broken import cross_entropy
from xent.kernels import labels
from xent.math import quotient, scaled


def of_probs(kernel):
    """Return the loss of labels and probabilities that a kernel makes."""

    @xent.loss(xent.LikelihoodOptions)
    def loss(target, probs, **options):
        return xent.Call(target, {"probs": probs}, {"probs": kernel}, options=options)

    return loss


def of_log_probs(kernel):
    @xent.loss(xent.LikelihoodOptions)
    def loss(target, *, log_probs, **options):
        return xent.Call(target, {"log_probs": log_probs}, {"log_probs": kernel}, options=options)

    return loss


class NoLimitWhereCertain(labels.FromLogits):
    """Its value is 0 / 0 at a cost of 0, as c (1 − ε expm1(−c) / c) is for a polynomial loss."""

    def value(self, xp, s):
        c = super().value(xp, s)
        return c * (1 - 0.5 * xp.expm1(-c) / c)

    def gradient(self, xp, logits, label, s, made, w, axis):
        c = labels.FromLogits.value(self, xp, s)
        return super().gradient(xp, logits, label, s, made, w * (1 + 0.5 * xp.exp(-c)), axis)


class WrongLimitWhereCertain(labels.FromLogits):
    """The same, whoever wrote it put 1 for what is 0 there."""

    def value(self, xp, s):
        c = super().value(xp, s)
        there = c * (1 - 0.5 * xp.expm1(-c) / xp.where(c > 0, c, 1.0))
        return xp.where(c > 0, there, 1.0)

    def gradient(self, xp, logits, label, s, made, w, axis):
        c = labels.FromLogits.value(self, xp, s)
        return super().gradient(xp, logits, label, s, made, w * (1 + 0.5 * xp.exp(-c)), axis)


class LosesWhatIsLost(labels.FromProbs):
    """Its merge takes NaN for 0, and so forgets that a label is no class."""

    def merge(self, xp, a, b):
        return xp.where(xp.isnan(a), 0.0, a) + xp.where(xp.isnan(b), 0.0, b)


class ClipsProbabilities(labels.FromProbs):
    """Its probabilities are at least 1e-12: the cost of 0 is finite, and its slope lacks."""

    def value(self, xp, q):
        return -xp.log(xp.clip(q, 1e-12, None))


class NoSlopeAtZero(labels.FromProbs):
    """Its slope is 0 where it is infinite, as who wants to be robust."""

    def gradient(self, xp, probs, label, q, made, w, axis):
        g = super().gradient(xp, probs, label, q, made, w, axis)
        return xp.where(xp.isinf(g), 0.0, g)


class NaNAtZero(labels.FromProbs):
    """Its slope is q / q² = 0 / 0 there."""

    def gradient(self, xp, probs, label, q, made, w, axis):
        return super().gradient(xp, probs, label, q * q / q, made, w, axis)


class AddsAGrain(labels.FromProbs):
    """It adds 1e-8 to a probability, which is seen where that is 1."""

    def value(self, xp, q):
        return -xp.log(q + 1e-8)


class RoundsNearOne(labels.FromProbs):
    """1 − q^0.7, which float64 rounds to a multiple of 2^−53 where q is nearly 1."""

    def value(self, xp, q):
        return (1 - q**0.7) / 0.7

    def gradient(self, xp, probs, label, q, made, w, axis):
        return xp.put(xp.zeros_like(probs), label, -(w * q**-0.3), axis)


class SubtractsLogs(labels.FromLogProbs):
    """1 − exp(log q), a difference of two numbers that are nearly equal."""

    def value(self, xp, log_q):
        return 1 - xp.exp(log_q)

    def gradient(self, xp, log_probs, label, s, made, w, axis):
        return super().gradient(xp, log_probs, label, s, made, w * xp.exp(s), axis)


def polynomial(t, q):
    return cross_entropy(t, q) + 0.5 * (1 - np.sum(t * q, axis=-1))


def power_of_probability(t, q):
    return (1 - np.sum(t * q, axis=-1) ** 0.7) / 0.7


def complement(t, q):
    return 1 - np.sum(t * q, axis=-1)


class Jeffreys(xent.Kernel):
    """Σ (t − q) log(t / q), as it is written where a class has nothing: 0 · (−∞ − −∞)."""

    def term(self, xp, q, t):
        return (t - q) * (xp.log(t) - xp.log(q))

    def slope(self, xp, q, t):
        return xp.log(q) - xp.log(t) + 1 - t / q

    def measure(self, xp, probs, target, axis):
        return xp.sum(self.term(xp, probs, target), axis=axis, keepdims=True), None

    def gradient(self, xp, probs, target, s, made, w, axis):
        return scaled(xp, w, self.slope(xp, probs, target))

    def target_gradient(self, xp, probs, target, s, w, axis):
        return scaled(xp, w, self.slope(xp, target, probs))


class RightJeffreys(Jeffreys):
    """The same with its limits, and its digits near t = q; no slope of a class that neither side has."""

    def _present(self, xp, q, t):
        neither = (q == 0) & (t == 0)
        return (xp.where(neither, xp.ones_like(x), x) for x in (q, t))

    def term(self, xp, q, t):
        q, t = self._present(xp, q, t)
        d = t - q
        near = xp.abs(d) < q / 2
        close = d * xp.log1p(xp.where(near, d, 0.0) / xp.where(near, q, 1.0))
        return xp.where(near, close, super().term(xp, xp.where(near, 1.0, q), t))

    def slope(self, xp, q, t):
        return super().slope(xp, *self._present(xp, q, t))


class CutJeffreys(RightJeffreys):
    """Of a class without a target its value is put to 0, where it is infinite."""

    def term(self, xp, q, t):
        return xp.where(t == 0, 0.0, super().term(xp, q, t))


class NoSlopeJeffreys(RightJeffreys):
    """Right values, and a slope of NaN where neither side has anything."""

    def slope(self, xp, q, t):
        return Jeffreys.slope(self, xp, q, t)


class FlatJeffreys(RightJeffreys):
    """Right values, and a slope of 0 where it is infinite."""

    def slope(self, xp, q, t):
        return xp.where(t == 0, 0.0, super().slope(xp, q, t))


def of_distributions(kernel):
    """Return the loss of distributions and probabilities that a kernel makes."""

    @xent.loss(xent.DivergenceOptions)
    def loss(target, probs, **options):
        kernels = {"probs": kernel}
        return xent.Call(
            target, {"probs": probs}, distributions=kernels, only="distributions", options=options
        )

    return loss


def jeffreys(t, q):
    return np.sum((t - q) * np.log(t / q), axis=-1)


class OneLimit(xent.Kernel):
    """−t log q − (1 − t) log(1 − q), with the limit of the first term alone."""

    shape = "element"

    def measure(self, xp, probs, target, axis):
        yes, no, *_ = target
        return -(scaled(xp, yes, xp.log(probs)) + no * xp.log(1 - probs)), None

    def gradient(self, xp, probs, target, s, made, w, axis):
        yes, no, *_ = target
        return scaled(xp, w, quotient(xp, no, 1 - probs) - quotient(xp, yes, probs))


@xent.loss(xent.BinaryOptions)
def one_limit(target, probs, **options):
    """Return the binary cross entropy, NaN of what is sure and true."""
    kernels = {"probs": OneLimit()}
    return xent.Call(target, {"probs": probs}, distributions=kernels, options=options)


def binary(t, q):
    return -t * np.log(q) - (1 - t) * np.log(1 - q)
