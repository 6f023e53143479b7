"""Spherical score Σₖ tₖ qₖ / ‖q‖₂ of a label or a distribution, at most 1.

It is the same of any multiple of q, whose squares might vanish or be too large: they are those of q over a
power of 2 that is about the row's peak.

References
----------
Gneiting and Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, 2007, section 4.
"""

from __future__ import annotations

from typing import NamedTuple

from xent import _math as m
from xent._kernel import Kernel
from xent._typing import Array, Verbs
from xent.kernels.brier import OfLabel, Squares


class Scaled(NamedTuple):
    """A label's own probability and the squares of the others, of a row over ``scale``."""

    squares: Squares
    scale: Array


_SQUARES = OfLabel()


class Label(Kernel):
    """Spherical score of a label, q_y / √(q_y² + Σ qⱼ²), j ≠ y."""

    def measure(self, xp: Verbs, probs: Array, label: Array, axis: int) -> tuple[Scaled, None]:
        """Return both, of the row over its scale."""
        scale = _scale(xp, probs, axis)
        return Scaled(_SQUARES.measure(xp, probs / scale, label, axis)[0], scale), None

    def merge(self, xp: Verbs, a: Scaled, b: Scaled) -> Scaled:
        """Return both of a row from those of its halves, over the larger scale."""
        scale, parts = xp.maximum(a.scale, b.scale), []
        for (own, rest), f in ((x.squares, x.scale / scale) for x in (a, b)):
            parts.append(Squares(f * own, f * f * rest))
        return Scaled(_SQUARES.merge(xp, *parts), scale)

    def value(self, xp: Verbs, s: Scaled) -> Array:
        """Return the score."""
        own, rest = s.squares
        return own / xp.sqrt(own * own + rest)

    def gradient(
        self, xp: Verbs, probs: Array, label: Array, s: Scaled, made: None, w: Array, axis: int
    ) -> Array:
        """Return −q_y qⱼ / ‖q‖³, and Σ qⱼ² / ‖q‖³ at the label."""
        own, rest = s.squares
        square = own * own + rest
        slope = w / (square * xp.sqrt(square)) / s.scale
        return xp.put(-slope * own * (probs / s.scale), label, slope * rest, axis)


class Hit(NamedTuple):
    """Σ t q, Σ t q² and Σ (1 − t) q² of a row over ``scale``.

    The squares apart, so that a one-hot row keeps its digits.
    """

    hit: Array
    aimed: Array
    missed: Array
    scale: Array


class Distribution(Kernel):
    """Spherical score of a distribution."""

    def measure(self, xp: Verbs, probs: Array, target: Array, axis: int) -> tuple[Hit, None]:
        """Return what the target hits, and the squares."""
        scale = _scale(xp, probs, axis)
        x = probs / scale
        parts = target * x, target * x * x, (1 - target) * x * x
        hit, aimed, missed = (xp.sum(part, axis=axis, keepdims=True) for part in parts)
        return Hit(hit, aimed, missed, scale), None

    def merge(self, xp: Verbs, a: Hit, b: Hit) -> Hit:
        """Return those of a row from those of its halves, over the larger scale."""
        scale = xp.maximum(a.scale, b.scale)
        f, g = a.scale / scale, b.scale / scale
        aimed, missed = f * f * a.aimed + g * g * b.aimed, f * f * a.missed + g * g * b.missed
        return Hit(f * a.hit + g * b.hit, aimed, missed, scale)

    def value(self, xp: Verbs, s: Hit) -> Array:
        """Return the score."""
        return s.hit / xp.sqrt(s.aimed + s.missed)

    def gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Hit, made: None, w: Array, axis: int
    ) -> Array:
        """Return (t ‖q‖² − q Σ t q) / ‖q‖³; of a one-hot row t Σ t q² and q Σ t q are equal at the label."""
        square = s.aimed + s.missed
        slope = w / (square * xp.sqrt(square)) / s.scale
        return slope * ((target * s.aimed - probs / s.scale * s.hit) + target * s.missed)

    def target_gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Hit, w: Array, axis: int
    ) -> Array:
        """Return q / ‖q‖."""
        return m.scaled(xp, w, probs / s.scale / xp.sqrt(s.aimed + s.missed))


def _scale(xp: Verbs, probs: Array, axis: int) -> Array:
    """Return the first bit of the peak, within what it can be taken of; 1 where the peak is no number."""
    info = xp.finfo(probs.dtype)
    bits = 23 if float(info.eps) > 2.0**-52 else 52
    least, most = float(info.smallest_normal), float(info.max) * 2.0 ** -(bits + 2)
    peak = xp.constant(xp.max(probs, axis=axis, keepdims=True))
    first = m.upper(xp.clip(peak, least, most), bits)
    return xp.where(first < xp.inf, first, xp.ones_like(first))


LABEL, DISTRIBUTION = Label(), Distribution()
