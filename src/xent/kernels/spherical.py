"""Spherical score Σₖ tₖ qₖ / ‖q‖₂ of a label or a distribution, at most 1.

It is the same of any multiple of q, whose squares might vanish or be too large: they are those of q over a
power of 2 that is about the row's peak.

References
----------
Gneiting and Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, 2007, section 4.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
        scale = _scale(xp, xp.constant(xp.max(probs, axis=axis, keepdims=True)))
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


class Sums(NamedTuple):
    """Σ t q and Σ q² of some classes."""

    hit: Array
    squares: Array

    def __add__(self, other: Any) -> Sums:
        return Sums(self.hit + other.hit, self.squares + other.squares)


class Hit(NamedTuple):
    """Both sums of a row over ``scale``, of the classes at its peak, how many they are, and of the others."""

    peak: Array
    scale: Array
    ties: Array
    top: Sums
    rest: Sums


class Distribution(Kernel):
    """Spherical score of a distribution.

    In t ‖q‖² − q Σ t q a class's own terms are equal: those of the peak might drown the others.
    """

    def measure(self, xp: Verbs, probs: Array, target: Array, axis: int) -> tuple[Hit, None]:
        """Return the sums at the peak and beside it."""
        peak = xp.constant(xp.max(probs, axis=axis, keepdims=True))
        scale = _scale(xp, peak)
        x, top = probs / scale, probs >= peak
        nothing, one = xp.zeros_like(x), xp.ones_like(x)
        terms = target * x, x * x
        parts = [xp.where(top, one, nothing)]
        parts += [xp.where(top, term, nothing) for term in terms]
        parts += [xp.where(top, nothing, term) for term in terms]
        ties, *sums = (xp.sum(part, axis=axis, keepdims=True) for part in parts)
        return Hit(peak, scale, ties, Sums(*sums[:2]), Sums(*sums[2:])), None

    def merge(self, xp: Verbs, a: Hit, b: Hit) -> Hit:
        """Return those of a row from those of its halves, over the larger scale."""
        peak, scale = xp.maximum(a.peak, b.peak), xp.maximum(a.scale, b.scale)
        ties, top, rest = _seen(xp, a, peak, scale)
        others, beside, below = _seen(xp, b, peak, scale)
        return Hit(peak, scale, ties + others, top + beside, rest + below)

    def value(self, xp: Verbs, s: Hit) -> Array:
        """Return the score."""
        hit, squares = s.top + s.rest
        return hit / xp.sqrt(squares)

    def gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Hit, made: None, w: Array, axis: int
    ) -> Array:
        """Return (t ‖q‖² − q Σ t q) / ‖q‖³, the sums without the class itself where it alone is the peak."""
        hit, square = s.top + s.rest
        slope = w / (square * xp.sqrt(square)) / s.scale
        alone = (probs >= s.peak) & (s.ties == 1)
        hit, others = (xp.where(alone, x, y) for x, y in zip(s.rest, (hit, square), strict=True))
        return slope * (target * others - probs / s.scale * hit)

    def target_gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Hit, w: Array, axis: int
    ) -> Array:
        """Return q / ‖q‖."""
        return m.scaled(xp, w, probs / s.scale / xp.sqrt(s.top.squares + s.rest.squares))


def _seen(xp: Verbs, s: Hit, peak: Array, scale: Array) -> tuple[Array, Sums, Sums]:
    """Return how many classes of a part are at a row's peak, and the sums of these and the others."""
    f, top = s.scale / scale, s.peak >= peak
    at, beside = (Sums(f * x.hit, f * f * x.squares) for x in (s.top, s.rest))
    nothing = xp.zeros_like(s.ties)
    kept = Sums(*(xp.where(top, x, nothing) for x in at))
    added = Sums(*(xp.where(top, nothing, x) for x in at))
    return xp.where(top, s.ties, nothing), kept, beside + added


def _scale(xp: Verbs, peak: Array) -> Array:
    """Return the first bit of the peak, within what it can be taken of; 1 where the peak is no number."""
    info = xp.finfo(peak.dtype)
    bits = 23 if float(info.eps) > 2.0**-52 else 52
    least, most = float(info.smallest_normal), float(info.max) * 2.0 ** -(bits + 2)
    first = m.upper(xp.clip(peak, least, most), bits)
    return xp.where(first < xp.inf, first, xp.ones_like(first))


LABEL, DISTRIBUTION = Label(), Distribution()
