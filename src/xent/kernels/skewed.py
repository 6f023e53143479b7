"""Skewed Kullback–Leibler divergence D(p‖m), m = αp + (1 − α)q, of distributions and of rows of logits.

References
----------
Lee, Measures of Distributional Similarity, 1999. Ko et al., DistiLLM, 2024, for the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass

from xent import _math as m
from xent import _series as series
from xent._kernel import Kernel, Statistics
from xent._typing import Array, Verbs
from xent.kernels import kl
from xent.kernels.softmaxes import Alone, OfSoftmaxes


@dataclass(frozen=True)
class Skewed(Kernel):
    """What is made of p and the mixture m = α p + (1 − α) q."""

    skew: float

    def middle(self, p: Array, q: Array) -> Array:
        """Return m."""
        return self.skew * p + (1 - self.skew) * q

    def lifted(self, xp: Verbs, p: Array, *others: Array) -> tuple[Array, ...]:
        """Return all times a factor, `m.lift` of p and q, of which α p may else be no number, and that."""
        factor = m.lift(xp, xp.maximum(p, others[0]))
        return *(x * factor for x in (p, *others)), factor


class FromProbs(Skewed):
    """Skewed divergence from probabilities; p − m is (1 − α)(p − q), known as well as p − q is."""

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Statistics, None]:
        """Return the terms of p and m."""
        middle = self.middle(p, q)
        # Where it is 0 the dtype can't say what the class costs.
        middle = xp.where(middle == 0, p, middle)
        return kl.terms(xp, p, middle, p - q, axis, 1 - self.skew), None

    def value(self, xp: Verbs, s: kl.Terms) -> Array:
        """Return the whole sum."""
        return s.excess + (1 - self.skew) * s.mass

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, made: None, w: Array, axis: int
    ) -> Array:
        """Return −(1 − α) p/m, 0 where both are 0."""
        p, q, _ = self.lifted(xp, p, q)
        return -m.scaled(xp, w * (1 - self.skew), m.quotient(xp, p, self.middle(p, q)))

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, w: Array, axis: int
    ) -> Array:
        """Return log(p/m) + (1 − α) q/m, which is 1 − α p/m; of α = 1, where m is p, it is 0."""
        p, q, _ = self.lifted(xp, p, q)
        middle, other = self.middle(p, q), xp.zeros_like(p) + (1 - self.skew)
        log_ratio = series.log_ratio(xp, p, middle, other * (p - q))
        return m.scaled(xp, w, log_ratio + m.silent(xp, other, m.quotient(xp, q, middle)))


class FromLogits(Skewed, OfSoftmaxes):
    """Skewed divergence of two rows of logits, Σ (p log(p/m) − (p − m)): every term of it is ≥ 0."""

    def terms(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return p log(p/m) − (p − m)."""
        p, q, d, factor = self.lifted(xp, p, q, d)
        return series.excess(xp, p, self.middle(p, q), (1 - self.skew) * d) / factor

    def slope(self, xp: Verbs, p: Array, q: Array, d: Array, alone: Alone) -> Array:
        """Return −(1 − α) p/m where q's peak has little of p, and 1 − α more elsewhere.

        That makes it small near p = q: −(1 − α)² (p − q)/m. But it would be all that is left of a peak that
        p lacks, and of other such classes.
        """
        p, q, d, _ = self.lifted(xp, p, q, d)
        middle, weight = self.middle(p, q), xp.zeros_like(p) + (1 - self.skew) ** 2
        plain = -(1 - self.skew) * m.quotient(xp, p, middle)
        return xp.where(alone(), plain, -m.silent(xp, weight, _over(xp, d, middle)))

    def target_slope(self, xp: Verbs, p: Array, q: Array, d: Array, alone: Alone) -> Array:
        """Return v − (eᵛ − 1), v = log(αp/m), where p's peak has little of q, for the same reason.

        That is log(p/m) + 1 − α p/m but for log α; without a skew there is no such limit.
        """
        skew = xp.zeros_like(p) + self.skew
        p, q, d, _ = self.lifted(xp, p, q, d)
        v = series.log_ratio(xp, skew * p, self.middle(p, q), -(1 - self.skew) * q)
        far = -series.expm1_rise(xp, v)
        return xp.where(alone() & (skew > 0), far, self._near(xp, p, q, d))

    def _near(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return log(p/m) + (1 − α) q/m less 1 − α, which is L − α r, L = log(p/m), r = (1 − α)(p − q)/m.

        Near p = q, where both are about r, it is (1 − α) r − (eᴸ − 1 − L).
        """
        middle, own = self.middle(p, q), (1 - self.skew) * d
        log_ratio, r = series.log_ratio(xp, p, middle, own), _over(xp, own, middle)
        near = xp.abs(log_ratio) < series.NEAR
        rise = series.expm1_tail(xp, xp.where(near, log_ratio, xp.zeros_like(r)))
        far = log_ratio - m.silent(xp, xp.zeros_like(p) + self.skew, r)
        return xp.where(near, (1 - self.skew) * r - rise, far)


def _over(xp: Verbs, d: Array, middle: Array) -> Array:
    """Return d / m, 0 where both rows have nothing that is a number: d is known from their logits."""
    nothing = middle == 0
    return xp.where(nothing, xp.zeros_like(d), d) / xp.where(nothing, xp.ones_like(d), middle)
