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
from xent.kernels.softmaxes import OfSoftmaxes, Rows
from xent.kernels.wrapped import OfLogProbs, Reverse, ReverseOfRows, WholeRows, through


@dataclass(frozen=True)
class Skewed(Kernel):
    """What is made of p and the mixture m = α p + (1 − α) q."""

    skew: float

    def middle(self, p: Array, q: Array) -> Array:
        """Return m."""
        return self.skew * p + (1 - self.skew) * q

    def lifted(self, xp: Verbs, p: Array, *others: Array) -> tuple[Array, ...]:
        """Return all times a factor, 2⁶⁴ where p and q are so small that α p may be no number, and that."""
        least = float(xp.finfo(p.dtype).smallest_normal) * 2.0**64
        small = xp.maximum(p, others[0]) < least
        factor = xp.where(small, xp.full_like(p, 2.0**64), xp.ones_like(p))
        return *(x * factor for x in (p, *others)), factor


class FromProbs(Skewed):
    """Skewed divergence from probabilities; p − m is (1 − α)(p − q), known as well as p − q is."""

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Statistics, None]:
        """Return the terms of p and m."""
        middle = self.middle(p, q)
        middle = xp.where(
            middle == 0, p, middle
        )  # a class of which the dtype can't say what it costs
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
        """Return log(p/m) + (1 − α) q/m, which is 1 − α p/m."""
        p, q, _ = self.lifted(xp, p, q)
        middle = self.middle(p, q)
        log_ratio = series.log_ratio(xp, p, middle, (1 - self.skew) * (p - q))
        return m.scaled(xp, w, log_ratio + (1 - self.skew) * m.quotient(xp, q, middle))


class FromLogits(Skewed, OfSoftmaxes):
    """Skewed divergence of two rows of logits, Σ (p log(p/m) − (p − m)): every term of it is ≥ 0."""

    def terms(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return p log(p/m) − (p − m)."""
        p, q, d, factor = self.lifted(xp, p, q, d)
        return series.excess(xp, p, self.middle(p, q), (1 - self.skew) * d) / factor

    def slope(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return −(1 − α) p/m, and 1 − α more, which makes it small near p = q: −(1 − α)² (p − q)/m."""
        weight = xp.zeros_like(p) + (1 - self.skew) ** 2
        return -m.silent(xp, weight, _over(xp, d, self.middle(p, q)))

    def target_slope(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return log(p/m) + (1 − α) q/m less 1 − α, which is L − α r, L = log(p/m), r = (1 − α)(p − q)/m.

        Near p = q, where both are about r, it is (1 − α) r − (eᴸ − 1 − L).
        """
        middle, own = self.middle(p, q), (1 - self.skew) * d
        log_ratio, r = series.log_ratio(xp, p, middle, own), _over(xp, own, middle)
        near = m.magnitude(xp, log_ratio) < series.NEAR
        rise = series.expm1_tail(xp, xp.where(near, log_ratio, xp.zeros_like(r)))
        far = log_ratio - m.scaled(xp, xp.zeros_like(p) + self.skew, r)
        return xp.where(near, (1 - self.skew) * r - rise, far)

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Rows, made: None, w: Array, axis: int
    ) -> Array:
        """Return q (g − Σ q g), g the derivative with respect to q."""
        p, q, d = kl_logits.OF_LOGITS.softmaxes(xp, logits, target, s.contrast)
        return w * self.by_second(xp, p, q, -d, axis)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Rows, w: Array, axis: int
    ) -> Array:
        """Return p (g − Σ p g), g the derivative with respect to p."""
        p, q, d = kl_logits.OF_LOGITS.softmaxes(xp, logits, target, s.contrast)
        return w * self.by_first(xp, p, q, -d, axis)

    def by_second(self, xp: Verbs, p: Array, q: Array, d: Array, axis: int) -> Array:
        """Return what the derivative in q is in its logits: by −(1 − α) p/m where q's peak has little of p.

        There 1 − α more would be all that is left of it, and of other classes that p lacks.
        """
        x, y, z, _ = self.lifted(xp, p, q, d)
        plain = -(1 - self.skew) * m.quotient(xp, x, self.middle(x, y))
        g = xp.where(_alone(xp, q, p, axis), plain, self.slope(xp, x, y, z))
        return through(xp, q, g, axis)

    def by_first(self, xp: Verbs, p: Array, q: Array, d: Array, axis: int) -> Array:
        """Return what the derivative in p is in its logits: by v − (eᵛ − 1), v = log(αp/m), likewise.

        That is log(p/m) + 1 − α p/m but for log α; without a skew there is no such limit.
        """
        skew = xp.zeros_like(p) + self.skew
        alone = _alone(xp, p, q, axis) & (skew > 0)
        x, y, z, _ = self.lifted(xp, p, q, d)
        v = series.log_ratio(xp, skew * x, self.middle(x, y), -(1 - self.skew) * y)
        g = xp.where(alone, -series.expm1_rise(xp, v), self.target_slope(xp, x, y, z))
        return through(xp, p, g, axis)


def _over(xp: Verbs, d: Array, middle: Array) -> Array:
    """Return d / m, 0 where both rows have nothing that is a number: d is known from their logits."""
    nothing = middle == 0
    return xp.where(nothing, xp.zeros_like(d), d) / xp.where(nothing, xp.ones_like(d), middle)


def _alone(xp: Verbs, q: Array, p: Array, axis: int) -> Array:
    """Whether p has less than half of q at q's peak."""
    place = xp.first_peak(q, axis)
    return 2 * xp.pick(p, place, axis) < xp.pick(q, place, axis)


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
        return w * FromLogits(self.skew).by_second(xp, p, q, p - q, axis)

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
        return m.scaled(xp, w, FromLogits(self.skew).by_first(xp, q, p, q - p, axis))

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
