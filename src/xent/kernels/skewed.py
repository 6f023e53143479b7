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
from xent.kernels.wrapped import OfLogProbs, Reverse, ReverseOfRows


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
        """Return log(p/m) + 1 − α p/m."""
        middle = self._middle(p, q)
        log_ratio = series.log_ratio(xp, p, middle, (1 - self.skew) * (p - q))
        return m.scaled(xp, w, log_ratio + 1 - self.skew * m.quotient(xp, p, middle))

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
        rest = self.skew * m.quotient(xp, own, middle)
        return series.log_ratio(xp, p, middle, own) - rest

    def _middle(self, p: Array, q: Array) -> Array:
        return self.skew * p + (1 - self.skew) * q


def kernels(skew: Number | None, *, reverse: bool) -> Forms:
    """Return the kernels of a skew, or of none, for each form of the prediction."""
    of_probs, of_logits = kl.KERNELS["probs"], kl_logits.KERNELS["logits"]
    if skew is not None:
        of_probs, of_logits = FromProbs(skew), FromLogits(skew)
    if reverse:
        of_probs = Reverse(of_probs)
        of_logits = (Reverse if skew is None else ReverseOfRows)(of_logits)
    return {"probs": of_probs, "logits": of_logits, "log_probs": OfLogProbs(of_probs)}
