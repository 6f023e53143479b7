"""What is logged of a row beside its loss: whether the true class is the highest, entropy, logsumexp."""

from __future__ import annotations

from typing import NamedTuple

from xent import _elementary
from xent._kernel import Kernel, Statistics
from xent._typing import Array, Verbs
from xent.kernels import entropy


class Best(NamedTuple):
    """What is known of a row's highest class.

    Attributes
    ----------
    peak : the highest prediction
    hit : what the target gives to its class; of a label 1 or 0
    """

    peak: Array
    hit: Array


class Constant(Kernel):
    """What is a constant to whoever differentiates: a target that is a distribution has no gradient of it."""

    def target_gradient(
        self, xp: Verbs, prediction: Array, target: Array, s: Statistics, w: Array, axis: int
    ) -> Array:
        """Return 0."""
        return xp.zeros_like(target)


class Hits(Constant):
    """1 where no class is predicted higher than the label, and 0 elsewhere; a tie counts.

    Of a distribution the probability of the predicted class, of the likeliest of several. It is a step.
    """

    def measure(self, xp: Verbs, prediction: Array, target: Array, axis: int) -> tuple[Best, None]:
        """Return the peak and the most that the target gives to a class there."""
        peak = xp.max(prediction, axis=axis, keepdims=True)
        if target.dtype == xp.integer:
            own = xp.at_label(prediction, target, axis)
            return Best(peak, xp.astype(own == peak, prediction.dtype)), None
        there = xp.where(prediction == peak, target, xp.zeros_like(target))
        return Best(peak, xp.max(there, axis=axis, keepdims=True)), None

    def merge(self, xp: Verbs, a: Best, b: Best) -> Best:
        """Return what is known of both: the hit of the higher peak, of equal ones the larger."""
        hit = xp.where(a.peak < b.peak, b.hit, a.hit)
        hit = xp.where(a.peak == b.peak, xp.maximum(a.hit, b.hit), hit)
        return Best(xp.maximum(a.peak, b.peak), hit)

    def value(self, xp: Verbs, s: Best) -> Array:
        """Return the hit."""
        return s.hit

    def gradient(
        self, xp: Verbs, prediction: Array, target: Array, s: Best, made: None, w: Array, axis: int
    ) -> Array:
        """Return 0, which a step has wherever it has a derivative."""
        return xp.zeros_like(prediction)


class Entropy(Constant, entropy.FromLogits):
    """The entropy of the softmax."""


class LogSumExp(Constant, _elementary.LogSumExp):
    """The logarithm of the sum of the exponentials."""


LOGGED = (Hits(), Entropy(), LogSumExp())
