"""Losses that are a function f of the cross entropy of a class, by f and f′ as `curves` has them.

With C = −log q_y the loss of a label y is f(C), and that of a distribution t is Σₖ tₖ f(−log qₖ). The
derivative in whatever q is made of is that of C times f′(C). So these kernels take any curve, in each form
of the prediction, and `kernels` makes all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xent import _math as m
from xent._kernel import Forms, Kernel, Known
from xent._typing import Array, Number, Verbs
from xent.kernels import labels
from xent.kernels.curves import Curve, Shares
from xent.kernels.distributions import OfEach, excess_of_softmax, excess_with_peak
from xent.kernels.inner import AfterSoftmax, Inner, Sums


@dataclass(frozen=True)
class OfCurve(Kernel):
    """A kernel of a curve, whose parameter is an operand."""

    curve: Callable[[Any], Curve]
    parameter: float

    @property
    def f(self) -> Curve:
        """The curve with its parameter."""
        return self.curve(self.parameter)


@dataclass(frozen=True)
class LabelFromLogits(OfCurve, labels.FromLogits):
    """f(C) of a label from logits, with C and its gradient those of `labels.FromLogits`."""

    def value(self, xp: Verbs, s: Any) -> Array:
        """Return f(C)."""
        return self.f.cost(xp, super().value(xp, s))

    def gradient(
        self, xp: Verbs, logits: Array, label: Array, s: Any, made: Any, w: Array, axis: int
    ) -> Array:
        """Return f′(C) times the gradient of C."""
        slope = self.f.slope_in_logits(xp, super().value(xp, s))
        return super().gradient(xp, logits, label, s, made, w * slope, axis)


@dataclass(frozen=True)
class SoftFromLogits(OfCurve, AfterSoftmax):
    """Σₖ tₖ f(Cₖ) of a distribution from logits, with Cₖ = (peak − zₖ) + log1p(s), a sum of what is ≥ 0.

    f is not linear: of a part of a row nothing can be summed before its softmax is known.
    """

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Known, Array]:
        """Return the normaliser and the cost of whole rows, and the exponentials."""
        softmax, d, made = m.exponentiated(xp, logits, axis)
        f = self._given(xp, softmax, made, axis)
        cost = m.scaled(xp, target, f.cost(xp, _costs(xp, softmax, d)))
        return Known(softmax, Sums(xp.sum(cost, axis=axis, keepdims=True))), made

    def measure_after(
        self, xp: Verbs, logits: Array, target: Array, known: m.Normaliser, axis: int
    ) -> Sums:
        """Return the cost of a part, and Σ u, uₖ = tₖ f′(Cₖ)."""
        costs = _costs(xp, known, xp.shifted(logits, known.peak))
        cost = m.scaled(xp, target, self.f.cost(xp, costs))
        u, top = target * self.f.slope_in_logits(xp, costs), logits >= known.peak
        parts = cost, xp.where(top, u, xp.zeros_like(u)), xp.where(top, xp.zeros_like(u), u)
        sums = (xp.sum(x, axis=axis, keepdims=True) for x in parts)
        return Sums(next(sums), Inner(*sums))

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Known, made: Any, w: Array, axis: int
    ) -> Array:
        """Return U a − u with uₖ = tₖ f′(Cₖ) and U their sum, at the peak without u's own part in it."""
        softmax, mass, rest = s.before, s.own.inner, m.limited(xp, s.before)

        def falls(logits: Array) -> tuple[Array, Array]:
            e = m.exponentials(xp, logits, softmax, made, axis)
            f = self._given(xp, softmax, e, axis) if mass is None else self.f
            d = m.below(xp, logits, softmax, axis)
            return e, target * f.slope_in_logits(xp, xp.log1p(rest) - d)

        e, u = falls(xp.anew(logits, rest))
        if mass is not None:
            return excess_of_softmax(xp, e, u, mass, rest, w)
        parts = xp.parted(u, softmax.place, axis)
        again = xp.anew(logits, parts[1])
        if again is not logits:
            e, u = falls(again)
        return excess_with_peak(xp, e, u, parts, softmax, w, axis)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Known, w: Array, axis: int
    ) -> Array:
        """Return f(Cₖ), in which the loss is linear."""
        d = m.below(xp, logits, s.before, axis)
        return m.scaled(xp, w, self.f.cost(xp, _costs(xp, s.before, d)))

    def _given(self, xp: Verbs, softmax: m.Normaliser, e: Array, axis: int) -> Curve:
        """Return f of whole rows, given q = e / (1 + rest) and 1 − q.

        Elsewhere than at the peak q is no more than half, and the difference exact but for its rounding.
        Of a row without a limit C says so.
        """

        def shares() -> Shares:
            total = 1 + softmax.rest
            q = e / total
            return xp.put(1 - q, softmax.place, softmax.rest / total, axis), q

        return self.f.given(shares)


def _costs(xp: Verbs, softmax: m.Normaliser, d: Array) -> Array:
    """Return what each class costs, NaN where the row has no limit."""
    return xp.log1p(m.limited(xp, softmax)) - d


class Entries(OfCurve):
    """What is made of the entries of a row by themselves: f of each, and minus its derivative."""

    def cost(self, xp: Verbs, x: Array) -> Array:
        """Return f(C) of each entry."""
        raise NotImplementedError

    def fall(self, xp: Verbs, x: Array) -> Array:
        """Return minus its derivative in the entry, ≥ 0."""
        raise NotImplementedError


class OfProbs(Entries):
    """Entries that are probabilities q, with C = −log q."""

    def cost(self, xp: Verbs, x: Array) -> Array:
        """Return f(−log q)."""
        return self.f.cost(xp, 0 - xp.log(x))

    def fall(self, xp: Verbs, x: Array) -> Array:
        """Return f′(−log q) / q."""
        return self.f.fall(xp, x, 0 - xp.log(x))


class OfLogProbs(Entries):
    """Entries that are log-probabilities, with C = −log q as it is given."""

    def cost(self, xp: Verbs, x: Array) -> Array:
        """Return f(−log q)."""
        return self.f.cost(xp, 0 - x)

    def fall(self, xp: Verbs, x: Array) -> Array:
        """Return f′(−log q)."""
        return self.f.slope(xp, 0 - x)


class OfLabel(Entries, labels.Entry):
    """f(C) of a label's own entry."""

    def value(self, xp: Verbs, x: Array) -> Array:
        """Return f(C)."""
        return self.cost(xp, x)

    def gradient(
        self, xp: Verbs, prediction: Array, label: Array, x: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return the derivative at the label, and 0 beside it."""
        slope = -m.scaled(xp, w, self.fall(xp, x))
        return xp.put(xp.zeros_like(prediction), label, slope, axis)


class OfDistribution(Entries, OfEach):
    """Σₖ tₖ f(Cₖ): a plain sum over entries, to which one without weight adds nothing (R4)."""

    def gradient(
        self, xp: Verbs, x: Array, target: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return t times the derivative of f."""
        return -m.scaled(xp, w, m.scaled(xp, target, self.fall(xp, x)))


class LabelFromProbs(OfProbs, OfLabel):
    """f(C) of a label from probabilities."""


class LabelFromLogProbs(OfLogProbs, OfLabel):
    """f(C) of a label from log-probabilities."""


class SoftFromProbs(OfProbs, OfDistribution):
    """Σₖ tₖ f(Cₖ) from probabilities."""


class SoftFromLogProbs(OfLogProbs, OfDistribution):
    """Σₖ tₖ f(Cₖ) from log-probabilities."""


LABELS = {"logits": LabelFromLogits, "probs": LabelFromProbs, "log_probs": LabelFromLogProbs}
SOFT = {"logits": SoftFromLogits, "probs": SoftFromProbs, "log_probs": SoftFromLogProbs}


def kernels(curve: Callable[[Any], Curve], parameter: Number) -> tuple[Forms, Forms]:
    """Return the kernels of a curve, of labels and of distributions, each for every form of a prediction.

    Parameters
    ----------
    curve : class
        What makes the function f of its parameter: a `curves.Curve`, a frozen dataclass of one field.
    parameter : number
        An operand, which may be traced: another one compiles nothing again.

    Returns
    -------
    tuple
        What `xent.Call` takes as its `labels` and its `distributions`.
    """
    of_labels = {form: kernel(curve, parameter) for form, kernel in LABELS.items()}
    soft = {form: kernel(curve, parameter) for form, kernel in SOFT.items()}
    return of_labels, soft
