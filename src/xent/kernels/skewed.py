"""Skewed Kullback–Leibler divergence D(p‖m), m = αp + (1 − α)q, and the reverse of it and of the plain one.

References
----------
Lee, Measures of Distributional Similarity, 1999. Ko et al., DistiLLM, 2024, for the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass

from xent import _math as m
from xent import _series as series
from xent._kernel import Forms, Kernel, Statistics
from xent._typing import Array, Number, Verbs
from xent.kernels import kl, kl_logits
from xent.kernels.softmaxes import OfSoftmaxes
from xent.kernels.wrapped import OfLogProbs, Reverse, ReverseOfRows, WholeRows, through


@dataclass(frozen=True)
class FromProbs(Kernel):
    """Skewed divergence from probabilities; p − m is (1 − α)(p − q), known as well as p − q is."""

    skew: float

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Statistics, None]:
        """Return the terms of p and m."""
        return kl.terms(xp, p, self._middle(p, q), p - q, axis, 1 - self.skew), None

    def value(self, xp: Verbs, s: kl.Terms) -> Array:
        """Return the whole sum."""
        return s.excess + (1 - self.skew) * s.mass

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, made: None, w: Array, axis: int
    ) -> Array:
        """Return −(1 − α) p/m, 0 where both are 0."""
        return -m.scaled(xp, w * (1 - self.skew), m.quotient(xp, p, self._middle(p, q)))

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, w: Array, axis: int
    ) -> Array:
        """Return log(p/m) + (1 − α) q/m, which is 1 − α p/m."""
        middle = self._middle(p, q)
        log_ratio = series.log_ratio(xp, p, middle, (1 - self.skew) * (p - q))
        return m.scaled(xp, w, log_ratio + (1 - self.skew) * m.quotient(xp, q, middle))

    def _middle(self, p: Array, q: Array) -> Array:
        return self.skew * p + (1 - self.skew) * q


@dataclass(frozen=True)
class FromLogits(OfSoftmaxes):
    """Skewed divergence of two rows of logits, Σ (p log(p/m) − (p − m)): every term of it is ≥ 0."""

    skew: float

    def terms(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return p log(p/m) − (p − m)."""
        return series.excess(xp, p, self._middle(p, q), (1 - self.skew) * d)

    def slope(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return −(1 − α) p/m, and 1 − α more, which makes it small near p = q: −(1 − α)² (p − q)/m."""
        return -((1 - self.skew) ** 2) * m.quotient(xp, d, self._middle(p, q))

    def target_slope(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return log(p/m) + (1 − α) q/m less 1 − α, which is log(p/m) − α (1 − α)(p − q)/m."""
        middle, own = self._middle(p, q), (1 - self.skew) * d
        rest = m.scaled(xp, xp.zeros_like(p) + self.skew, m.quotient(xp, own, middle))
        return series.log_ratio(xp, p, middle, own) - rest

    def _middle(self, p: Array, q: Array) -> Array:
        return self.skew * p + (1 - self.skew) * q


@dataclass(frozen=True)
class FromSoftmax(WholeRows):
    """Skewed divergence of probabilities, as they are given, and a row of logits, whose softmax sums to 1.

    Σ (p log(p/m) − (p − m)), every term of it ≥ 0, and (1 − α) (Σ p − 1).
    """

    skew: float

    def measure(self, xp: Verbs, logits: Array, p: Array, axis: int) -> tuple[Array, None]:
        """Return both sums together."""
        q = m.softmax(xp, logits, axis)
        terms = FromLogits(self.skew).terms(xp, p, q, p - q)
        return xp.sum(terms, axis=axis, keepdims=True) + self._over(xp, p, axis), None

    def gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return q (g − Σ q g), g the derivative with respect to q."""
        q = m.softmax(xp, logits, axis)
        return w * through(xp, q, FromLogits(self.skew).slope(xp, p, q, p - q), axis)

    def target_gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return that of two distributions."""
        q = m.softmax(xp, logits, axis)
        return FromProbs(self.skew).target_gradient(xp, q, p, s, w, axis)

    def _over(self, xp: Verbs, p: Array, axis: int) -> Array:
        high, low = m.mass(xp, p, axis)
        return (1 - self.skew) * ((high - 1) + low)


class ReverseFromSoftmax(FromSoftmax):
    """The same of both in each other's place, the softmax first."""

    def measure(self, xp: Verbs, logits: Array, p: Array, axis: int) -> tuple[Array, None]:
        """Return both sums together."""
        q = self._softmax(xp, logits, p, axis)
        terms = FromLogits(self.skew).terms(xp, q, p, q - p)
        return xp.sum(terms, axis=axis, keepdims=True) - self._over(xp, p, axis), None

    def gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return q (g − Σ q g), g the derivative with respect to q."""
        q = self._softmax(xp, logits, p, axis)
        slope = FromLogits(self.skew).target_slope(xp, q, p, q - p)
        return m.scaled(xp, w, through(xp, q, slope, axis))

    def target_gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return that of two distributions."""
        q = self._softmax(xp, logits, p, axis)
        return FromProbs(self.skew).gradient(xp, p, q, s, None, w, axis)

    def _softmax(self, xp: Verbs, logits: Array, p: Array, axis: int) -> Array:
        """Return the softmax, which is not 0 where it is only too small: without a skew that costs inf."""
        q, peak = m.softmax(xp, logits, axis), xp.max(logits, axis=axis, keepdims=True)
        small = (q == 0) & (logits > -xp.inf) & (peak < xp.inf)
        lost = small & (p == 0) & (xp.zeros_like(q) + self.skew == 0)
        return xp.where(lost, xp.full_like(q, float(xp.finfo(q.dtype).smallest_normal)), q)


def kernels(skew: Number | None, *, reverse: bool, both: bool) -> Forms:
    """Return the kernels of a skew, or of none, for each form of the prediction.

    ``both``: the target is given as logits beside logits.
    """
    of_probs, of_logits = kl.KERNELS["probs"], kl_logits.KERNELS["logits"]
    if skew is not None:
        of_probs, of_logits = FromProbs(skew), FromLogits(skew)
    if reverse:
        of_probs = Reverse(of_probs)
        of_logits = (Reverse if skew is None else ReverseOfRows)(of_logits)
    if not both:
        of_logits = (ReverseFromSoftmax if reverse else FromSoftmax)(0.0 if skew is None else skew)
    return {"probs": of_probs, "logits": of_logits, "log_probs": OfLogProbs(of_probs)}
