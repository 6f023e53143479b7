"""Brier score Σₖ (qₖ − tₖ)², from probabilities and from logits.

References
----------
Brier, Verification of Forecasts Expressed in Terms of Probability, 1950.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xent import _math as m
from xent._kernel import Forms, Kernel, Known
from xent._typing import Array, Verbs
from xent.kernels import labels
from xent.kernels.inner import AfterSoftmax, Softmax, Sums


class FromProbs(Kernel):
    """Brier score of a distribution from probabilities, a plain sum."""

    def measure(self, xp: Verbs, probs: Array, target: Array, axis: int) -> tuple[Array, None]:
        """Return Σ (q − t)²."""
        d = probs - target
        return xp.sum(d * d, axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return 2 (q − t)."""
        return 2 * w * (probs - target)

    def target_gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return 2 (t − q)."""
        return 2 * w * (target - probs)


class Squares(NamedTuple):
    """The label's own probability, NaN where it is no class, and Σ qⱼ² of the others."""

    own: Array
    rest: Array


class OfLabel(Kernel):
    """What depends on the label's own probability and the squares of the others."""

    def measure(self, xp: Verbs, probs: Array, label: Array, axis: int) -> tuple[Squares, None]:
        """Return both."""
        others = xp.replaced(probs, label, 0.0, axis)
        rest = xp.sum(others * others, axis=axis, keepdims=True)
        return Squares(xp.at_label(probs, label, axis), rest), None

    def merge(self, xp: Verbs, a: Squares, b: Squares) -> Squares:
        """Return the entry of the half that has it, and the sum of both."""
        return Squares(m.either(xp, a.own, b.own), a.rest + b.rest)


class LabelFromProbs(OfLabel):
    """Brier score of a label from probabilities, (1 − q_y)² + Σ qⱼ² over j ≠ y."""

    def value(self, xp: Verbs, s: Squares) -> Array:
        """Return the sum."""
        return (1 - s.own) * (1 - s.own) + s.rest

    def gradient(
        self, xp: Verbs, probs: Array, label: Array, s: Squares, made: None, w: Array, axis: int
    ) -> Array:
        """Return 2 qⱼ, and 2 (q_y − 1) at the label."""
        return xp.put(2 * w * probs, label, 2 * w * (s.own - 1), axis)


class Rivals(NamedTuple):
    """The label's rivals, and Σ e (1 − e) of their exponentials, to which their peak adds nothing."""

    rivals: labels.Rivals
    gap: Array


_CE = labels.FromLogits()


class LabelFromLogits(Kernel):
    """Brier score of a label from logits, μ² (1 + ρ), with μ = 1 − q_y and ρ = Σ (qⱼ/μ)² over j ≠ y.

    μ is made of the rivals alone, by expm1 of the cross entropy: near certainty it keeps its digits.
    """

    def measure(self, xp: Verbs, logits: Array, label: Array, axis: int) -> tuple[Rivals, None]:
        """Return the rivals, and their gap."""
        rivals, _ = _CE.measure(xp, logits, label, axis)
        e = xp.decayed_beside(logits, label, rivals.peak, xp.ones_like(rivals.peak), axis)
        e = xp.put(e, label, 0.0, axis)
        return Rivals(rivals, xp.sum(e * (1 - e), axis=axis, keepdims=True)), None

    def merge(self, xp: Verbs, a: Rivals, b: Rivals) -> Rivals:
        """Return the rivals of a row from those of its halves, both seen from the higher peak."""
        rivals, gaps = _CE.merge(xp, a.rivals, b.rivals), []
        for x in (a, b):
            f = m.fall(xp, x.rivals.peak, rivals.peak)
            gaps.append(f * (f * x.gap + (1 - f) * x.rivals.rest))
        return Rivals(rivals, gaps[0] + gaps[1])

    def value(self, xp: Verbs, s: Rivals) -> Array:
        """Return μ² (1 + ρ)."""
        miss = -xp.expm1(-_CE.value(xp, s.rivals))
        return miss * miss * (1 + _spread(xp, s))

    def gradient(
        self, xp: Verbs, logits: Array, label: Array, s: Rivals, made: Any, w: Array, axis: int
    ) -> Array:
        """Return 2 μ² u (u − ρ + q_y (1 + ρ)), u = qⱼ/μ, and −2 q_y μ² (1 + ρ) at the label.

        u − ρ is (Σ e (1 − e) − (1 − e) Σ e)/(Σ e)², of the rivals' peak without a difference.
        """
        loss, spread = _CE.value(xp, s.rivals), _spread(xp, s)
        own, miss = xp.exp(-loss), -xp.expm1(-loss)
        scale = 2 * w * miss * miss
        rest = _some(xp, s)
        e = xp.decayed_beside(logits, label, s.rivals.peak, xp.ones_like(rest), axis)
        above = (s.gap - (1 - e) * rest) / (rest * rest)
        beside = scale / rest * e * (above + own * (1 + spread))
        return xp.put(beside, label, -scale * own * (1 + spread), axis)


def _some(xp: Verbs, s: Rivals) -> Array:
    """Return the sum of the rivals' exponentials, 1 where there is none."""
    return xp.where(s.rivals.rest == 0, xp.ones_like(s.gap), s.rivals.rest)


def _spread(xp: Verbs, s: Rivals) -> Array:
    """Return ρ, the sum of the squares over the square of the sum."""
    return (s.rivals.rest - s.gap) / _some(xp, s) ** 2


class FromLogits(AfterSoftmax):
    """Brier score of a distribution from logits, by the q − t of the cross entropy's gradient.

    It is exact of a one-hot row on the peak, where q − 1 would lose its digits.
    """

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Known, None]:
        """Return Σ (q − t)² of whole rows."""
        softmax, _, _ = m.normaliser(xp, logits, axis)
        d = _excess(xp, logits, target, softmax, axis)[1]
        return Known(softmax, Sums(xp.sum(d * d, axis=axis, keepdims=True))), None

    def measure_after(
        self, xp: Verbs, logits: Array, target: Array, known: m.Normaliser, axis: int
    ) -> Sums:
        """Return the same of a part, and Σ q (q − t)."""
        q, d = _excess(xp, logits, target, known, axis)
        return Sums(xp.sum(d * d, axis=axis, keepdims=True), q.inner(xp, d, axis))

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Known, made: None, w: Array, axis: int
    ) -> Array:
        """Return 2 q (d − Σ q d), d = q − t."""
        q, d = _excess(xp, logits, target, s.before, axis)
        return 2 * w * q.through(xp, d, s.own.inner, axis)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Known, w: Array, axis: int
    ) -> Array:
        """Return 2 (t − q)."""
        return -2 * w * _excess(xp, logits, target, s.before, axis)[1]


def _excess(
    xp: Verbs, logits: Array, target: Array, softmax: m.Normaliser, axis: int
) -> tuple[Softmax, Array]:
    """Return q and q − t."""
    e, rest = m.exponentials(xp, logits, softmax, None, axis), m.limited(xp, softmax)
    return Softmax(e / (1 + rest), logits, softmax), ((e - target) - target * rest) / (1 + rest)


LABELS: Forms = {"probs": LabelFromProbs(), "logits": LabelFromLogits()}
DISTRIBUTIONS: Forms = {"probs": FromProbs(), "logits": FromLogits()}
