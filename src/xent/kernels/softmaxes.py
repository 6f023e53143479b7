"""Measures of two rows of logits that are sums over the classes of two probabilities and their difference."""

from __future__ import annotations

from typing import NamedTuple

from xent._typing import Array, Verbs
from xent.kernels.kl_logits import OF_LOGITS, Contrast
from xent.kernels.wrapped import WholeRows, through


class Rows(NamedTuple):
    """What is known of two whole rows of logits, and the measure itself."""

    contrast: Contrast
    value: Array


class OfSoftmaxes(WholeRows):
    """A sum over the classes of p, q and p − q, the softmaxes of two rows.

    The difference is as exact as those of the logits are. A term depends on both normalisers, so that
    parts of rows do not merge: rows are whole.
    """

    def terms(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return what each class adds, d = p − q."""
        raise NotImplementedError

    def slope(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return the derivative of the sum with respect to q, but for a constant."""
        raise NotImplementedError

    def target_slope(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return the derivative of the sum with respect to p, but for a constant."""
        raise NotImplementedError

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Rows, None]:
        """Return the sum, and the statistics of both rows."""
        s, _ = OF_LOGITS.measure(xp, logits, target, axis)
        p, q, d = OF_LOGITS.softmaxes(xp, logits, target, s)
        return Rows(s, xp.sum(self.terms(xp, p, q, -d), axis=axis, keepdims=True)), None

    def value(self, xp: Verbs, s: Rows) -> Array:
        """Return the sum."""
        return s.value

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Rows, made: None, w: Array, axis: int
    ) -> Array:
        """Return q (g − Σ q g), g the derivative with respect to q."""
        p, q, d = OF_LOGITS.softmaxes(xp, logits, target, s.contrast)
        return w * through(xp, q, self.slope(xp, p, q, -d), axis)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Rows, w: Array, axis: int
    ) -> Array:
        """Return p (g − Σ p g), g the derivative with respect to p."""
        p, q, d = OF_LOGITS.softmaxes(xp, logits, target, s.contrast)
        return w * through(xp, p, self.target_slope(xp, p, q, -d), axis)
