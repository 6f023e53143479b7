"""Spherical score Σₖ tₖ qₖ / ‖q‖₂ of a label or a distribution, at most 1.

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


class Label(OfLabel):
    """Spherical score of a label, q_y / √(q_y² + Σ qⱼ²), j ≠ y."""

    def value(self, xp: Verbs, s: Squares) -> Array:
        """Return the score."""
        return s.own / xp.sqrt(s.own * s.own + s.rest)

    def gradient(
        self, xp: Verbs, probs: Array, label: Array, s: Squares, made: None, w: Array, axis: int
    ) -> Array:
        """Return −q_y qⱼ / ‖q‖³, and Σ qⱼ² / ‖q‖³ at the label."""
        square = s.own * s.own + s.rest
        scale = w / (square * xp.sqrt(square))
        return xp.put(-scale * s.own * probs, label, scale * s.rest, axis)


class Hit(NamedTuple):
    """Σ t q, Σ t q² and Σ (1 − t) q²: the squares apart, so that a one-hot row keeps its digits."""

    hit: Array
    aimed: Array
    missed: Array


class Distribution(Kernel):
    """Spherical score of a distribution."""

    def measure(self, xp: Verbs, probs: Array, target: Array, axis: int) -> tuple[Hit, None]:
        """Return what the target hits, and the squares."""
        aimed = target * probs
        parts = aimed, aimed * probs, (1 - target) * probs * probs
        return Hit(*(xp.sum(x, axis=axis, keepdims=True) for x in parts)), None

    def value(self, xp: Verbs, s: Hit) -> Array:
        """Return the score."""
        return s.hit / xp.sqrt(s.aimed + s.missed)

    def gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Hit, made: None, w: Array, axis: int
    ) -> Array:
        """Return (t ‖q‖² − q Σ t q) / ‖q‖³; of a one-hot row t Σ t q² and q Σ t q are equal at the label."""
        square = s.aimed + s.missed
        scale = w / (square * xp.sqrt(square))
        return scale * ((target * s.aimed - probs * s.hit) + target * s.missed)

    def target_gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Hit, w: Array, axis: int
    ) -> Array:
        """Return q / ‖q‖."""
        return m.scaled(xp, w, probs / xp.sqrt(s.aimed + s.missed))


LABEL, DISTRIBUTION = Label(), Distribution()
