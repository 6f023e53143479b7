"""Losses that each break one law, as somebody might write them."""

from dataclasses import dataclass

import numpy as np

import xent
from xent.kernels import distributions, labels


def of_labels(kernel):
    """Return the loss of labels and logits that a kernel makes."""

    @xent.loss(xent.LikelihoodOptions)
    def loss(target, *, logits, **options):
        return xent.Call(target, {"logits": logits}, {"logits": kernel}, options=options)

    return loss


def of_distributions(kernel):
    @xent.loss(xent.DivergenceOptions)
    def loss(target, *, logits, **options):
        kernels = {"logits": kernel}
        return xent.Call(target, {"logits": logits}, distributions=kernels, options=options)

    return loss


def of_both(kernel, form="logits"):
    """Return the loss of labels, and of distributions by a kernel."""

    @xent.loss(xent.CurveOptions)
    def loss(target, *, logits, **options):
        of_labels, soft = {form: labels.FromLogits()}, {form: kernel}
        return xent.Call(target, {"logits": logits}, of_labels, soft, options=options)

    return loss


class WrongGradient(labels.FromLogits):
    """Its gradient lacks a digit."""

    def gradient(self, xp, logits, label, s, made, w, axis):
        return super().gradient(xp, logits, label, s, made, w * 1.000001, axis)


class WrongValue(labels.FromLogits):
    """Its value lacks a digit."""

    def value(self, xp, s):
        return super().value(xp, s) * 1.001


class WrongWhereMade(labels.FromLogits):
    """Its gradient is wrong where `measure` made something."""

    def gradient(self, xp, logits, label, s, made, w, axis):
        made = made if made is None else made * 2
        return super().gradient(xp, logits, label, s, made, w, axis)


class AddsSums(labels.FromLogits):
    """Its merge forgets that the halves have peaks of their own."""

    def merge(self, xp, a, b):
        label = xp.where(xp.isnan(a.label), b.label, a.label)
        return labels.Rivals(xp.maximum(a.peak, b.peak), a.rest + b.rest, label)


class TakesTheFirst(labels.FromLogits):
    """Its merge finds the label in the first half alone."""

    def merge(self, xp, a, b):
        return super().merge(xp, a, b)._replace(label=a.label)


class NoLimit(labels.FromLogits):
    """Its value is a textbook's at the label, ∞ − ∞ where that is certain."""

    def value(self, xp, s):
        total = xp.log(s.rest + xp.exp(s.label - s.peak))
        return total - (s.label - s.peak)


class LosesDigits(labels.FromLogits):
    """Its value is log 1 where a label is nearly certain."""

    def value(self, xp, s):
        return -xp.log(xp.exp(-super().value(xp, s)))


class HidesNaN(labels.FromLogits):
    """It takes NaN for 0, as who wants to be robust."""

    def value(self, xp, s):
        c = super().value(xp, s)
        return xp.where(xp.isnan(c), 0.0, c)


class LooksAround(labels.FromLogits):
    """Its rows depend on the batch."""

    def value(self, xp, s):
        c = super().value(xp, s)
        return c + 1e-3 * xp.sum(c)


class FavoursAClass(labels.FromLogits):
    """Its class 0 counts double."""

    def measure(self, xp, logits, label, axis):
        s, made = super().measure(xp, logits, label, axis)
        return s._replace(label=s.label + 0.5 * (label == 0)), made


class WritesOver(labels.FromLogits):
    """It computes in the array that it was given."""

    def measure(self, xp, logits, label, axis):
        logits -= xp.max(logits, axis=axis, keepdims=True)
        return super().measure(xp, logits, label, axis)


class Widens(labels.FromLogits):
    """It multiplies by a number of NumPy's, which is float64."""

    def value(self, xp, s):
        return super().value(xp, s) * np.float64(1.0)


class Raises(labels.FromLogits):
    """It cannot be run at all."""

    def value(self, xp, s):
        return xp.no_such_function(s.rest)


class WrongTargetGradient(distributions.FromLogits):
    """Its gradient in the target has the wrong sign."""

    def target_gradient(self, xp, logits, target, s, w, axis):
        return -super().target_gradient(xp, logits, target, s, w, axis)


@dataclass(frozen=True)
class Scaled(labels.FromLogits):
    """C times a number, its field."""

    scale: float = 1.0

    def value(self, xp, s):
        return self.scale * super().value(xp, s)

    def gradient(self, xp, logits, label, s, made, w, axis):
        return super().gradient(xp, logits, label, s, made, self.scale * w, axis)


class ScaledByItsClass(labels.FromLogits):
    """The same, the number an attribute of the class."""

    scale = 1.0

    def value(self, xp, s):
        return self.scale * super().value(xp, s)

    def gradient(self, xp, logits, label, s, made, w, axis):
        return super().gradient(xp, logits, label, s, made, self.scale * w, axis)


@xent.loss(xent.LikelihoodOptions)
def named_like_a_form(target, *, logits, q=2.0, **options):
    """A loss whose parameter has the name of a prediction."""
    kernel = {"logits": Scaled(q)}
    return xent.Call(target, {"logits": logits}, kernel, options=options)


@xent.loss(xent.LikelihoodOptions)
def scaled(target, *, logits, scale=2.0, **options):
    kernel = {"logits": Scaled(scale)}
    return xent.Call(target, {"logits": logits}, kernel, options=options)


@xent.loss(xent.LikelihoodOptions)
def of_a_class_attribute(target, *, logits, scale=2.0, **options):
    ScaledByItsClass.scale = scale
    kernel = {"logits": ScaledByItsClass()}
    return xent.Call(target, {"logits": logits}, kernel, options=options)


@xent.loss(xent.LikelihoodOptions)
def of_a_closure(target, *, logits, scale=2.0, **options):
    class Closed(labels.FromLogits):
        def value(self, xp, s):
            return scale * labels.FromLogits.value(self, xp, s)

        def gradient(self, xp, logits, label, s, made, w, axis):
            gradient = labels.FromLogits.gradient
            return gradient(self, xp, logits, label, s, made, scale * w, axis)

    return xent.Call(target, {"logits": logits}, {"logits": Closed()}, options=options)


def cross_entropy(t, q):
    return -np.sum(t * np.log(q), axis=-1)


def scaled_cross_entropy(t, q, scale):
    return scale * cross_entropy(t, q)
