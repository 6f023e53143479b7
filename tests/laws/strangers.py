"""Losses as somebody might write them outside the package, with what `xent` makes public."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import xent
from xent.kernels import labels, links
from xent.math import limited, quotient, scaled


class Squares(xent.Kernel):
    """The Brier score of a yes-or-no question, t (1 − q)² + (1 − t) q²."""

    shape = "element"

    def measure(self, xp, probs, target, axis):
        yes, no, *_ = target
        return yes * (1 - probs) ** 2 + no * probs**2, None

    def gradient(self, xp, probs, target, s, made, w, axis):
        yes, no, *_ = target
        return 2 * w * (no * probs - yes * (1 - probs))

    def target_gradient(self, xp, probs, target, s, w, axis):
        none = (xp.zeros_like(t) for t in target[2:])
        return w * (1 - probs) ** 2, w * probs**2, *none


@xent.loss(xent.BinaryOptions)
def squares(target, probs, **options):
    """Return the Brier score of yes-or-no questions."""
    kernels = {"probs": Squares()}
    return xent.Call(target, {"probs": probs}, distributions=kernels, options=options)


def squares_of_textbook(t, q):
    return t * (1 - q) ** 2 + (1 - t) * q**2


@dataclass(frozen=True)
class Generalised(labels.Entry):
    """(1 − q_y^a) / a, of the label's own probability."""

    power: float = 0.7

    def value(self, xp, q):
        return -xp.expm1(self.power * xp.log(q)) / self.power

    def gradient(self, xp, probs, label, q, made, w, axis):
        slope = scaled(xp, w, q ** (self.power - 1))
        return xp.put(xp.zeros_like(probs), label, -slope, axis)


@xent.loss(xent.LikelihoodOptions)
def generalised(target, probs, *, power=0.7, **options):
    """Return the generalised cross entropy (Zhang and Sabuncu, 2018)."""
    kernels = {"probs": Generalised(power)}
    return xent.Call(target, {"probs": probs}, kernels, options=options, only="labels")


def generalised_of_textbook(t, q, power):
    return (1 - np.sum(t * q, axis=-1) ** power) / power


class Hits(xent.Kernel):
    """Σ tₖ aₖ (1 − log aₖ), a the softmax: stated for whole rows."""

    merges = False

    def measure(self, xp, logits, target, axis):
        peak = xp.constant(xp.max(logits, axis=axis, keepdims=True))
        d = logits - peak
        log_a = d - xp.log(xp.sum(xp.exp(d), axis=axis, keepdims=True))
        return xp.sum(target * xp.exp(log_a) * (1 - log_a), axis=axis, keepdims=True), None

    def gradient(self, xp, logits, target, s, made, w, axis):
        peak = xp.constant(xp.max(logits, axis=axis, keepdims=True))
        d = logits - peak
        log_a = d - xp.log(xp.sum(xp.exp(d), axis=axis, keepdims=True))
        a = xp.exp(log_a)
        g = target * a * -log_a  # by log aₖ
        return w * (g - a * xp.sum(g, axis=axis, keepdims=True))


@xent.loss(xent.DivergenceOptions)
def hits(target, *, logits, **options):
    """Return a loss of whole rows alone."""
    kernels = {"logits": Hits()}
    return xent.Call(
        target, {"logits": logits}, distributions=kernels, only="distributions", options=options
    )


class HitsInRounds(xent.Kernel):
    """The same, measured in two rounds: the softmax, and the sum of what is made of it."""

    before = links.LOGSUMEXP

    def _log_softmax(self, xp, logits, known):
        return xp.shifted(logits, known.peak) - xp.log1p(limited(xp, known))

    def measure_after(self, xp, logits, target, known, axis):
        log_a = self._log_softmax(xp, logits, known)
        a = xp.exp(log_a)
        parts = scaled(xp, target * a, 1 - log_a), scaled(xp, target * a, -log_a)
        return Hit(*(xp.sum(x, axis=axis, keepdims=True) for x in parts))

    def value(self, xp, s):
        return s.own.cost

    def gradient(self, xp, logits, target, s, made, w, axis):
        log_a = self._log_softmax(xp, logits, s.before)
        a = xp.exp(log_a)
        return w * (scaled(xp, target * a, -log_a) - a * s.own.slope)

    def target_gradient(self, xp, logits, target, s, w, axis):
        log_a = self._log_softmax(xp, logits, s.before)
        return w * scaled(xp, xp.exp(log_a), 1 - log_a)


class Hit(NamedTuple):
    """Σ tₖ aₖ (1 − log aₖ), and the sum of its derivatives by log aₖ."""

    cost: object
    slope: object


@xent.loss(xent.DivergenceOptions)
def hits_in_rounds(target, *, logits, **options):
    """Return the same loss, of rows that may lie in parts."""
    kernels = {"logits": HitsInRounds()}
    return xent.Call(
        target, {"logits": logits}, distributions=kernels, only="distributions", options=options
    )


def hits_of_textbook(t, q):
    return np.sum(t * q * (1 - np.log(q)), axis=-1)


class OfCost:
    """A function of the cost c of a label, whose slope has not settled where the cost is large."""

    def value(self, xp, s):
        return self.of(xp, super().value(xp, s))

    def gradient(self, xp, prediction, label, s, made, w, axis):
        g = super().gradient(xp, prediction, label, s, made, xp.ones_like(w), axis)
        return scaled(xp, w, scaled(xp, g, self.slope(xp, super().value(xp, s))))


class Logarithm(OfCost):
    """log(1 + c)."""

    def of(self, xp, c):
        return xp.log1p(c)

    def slope(self, xp, c):
        return 1 / (1 + c)


class Root(OfCost):
    """The root of c; of logits its slope at certainty is that of e^(-z / 2), which is 0."""

    def of(self, xp, c):
        return xp.sqrt(c)

    def slope(self, xp, c):
        return xp.where(c == 0, 0.0, 0.5 / xp.sqrt(c))


class Saturated(OfCost):
    """c / (1 + c), which has a limit and comes near it slowly."""

    def of(self, xp, c):
        return 1 / (1 + 1 / c)

    def slope(self, xp, c):
        return 1 / (1 + c) ** 2


class Square(OfCost):
    """c², whose slope grows without end."""

    def of(self, xp, c):
        return c * c

    def slope(self, xp, c):
        return 2 * c


class LogarithmOfProbs(labels.Entry):
    """log(1 − log q_y), whose slope at a probability of 0 is −∞."""

    def value(self, xp, q):
        return xp.log1p(-xp.log(q))

    def gradient(self, xp, probs, label, q, made, w, axis):
        below = scaled(xp, q, 1 - xp.log(q))
        return xp.put(xp.zeros_like(probs), label, -quotient(xp, w, below), axis)


def of_cost(function, kernel):
    """Return a kernel of labels that is a function of the cost of another."""
    return type(function.__name__, (function, type(kernel)), {})()


class Squared(labels.FromLogits):
    """C², whose slope 2C has no bound: 0 times it is 0 where C has no slope."""

    def value(self, xp, s):
        return super().value(xp, s) ** 2

    def gradient(self, xp, logits, label, s, made, w, axis):
        slope = 2 * super().value(xp, s)
        return scaled(xp, super().gradient(xp, logits, label, s, made, w, axis), slope)


@xent.loss(xent.LikelihoodOptions)
def squared(target, *, logits, **options):
    """Return the square of the cross entropy."""
    kernels = {"logits": Squared()}
    return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")


def squared_of_textbook(t, q):
    return np.sum(t * np.log(q) ** 2, axis=-1)
