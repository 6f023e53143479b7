"""Tsallis divergence Σₖ (pₖᵃ qₖ¹⁻ᵃ − pₖ)/(a − 1) and entropy Σₖ (pₖ − pₖᵃ)/(a − 1) of order a.

Of order 1 they are the Kullback–Leibler divergence and Shannon's entropy, their limits; of order 0 what q has
where p has nothing, and the classes with p > 0 but one; of order ∞ the divergence is 0 or inf, the entropy 0.
A class with p = 0 adds nothing, of order 0 neither.

References
----------
Tsallis, Possible Generalization of Boltzmann–Gibbs Statistics, 1988, and, of the divergence, Generalized
Entropy-Based Criterion for Consistent Testing, 1998.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from xent import _math as m
from xent import _ratios as ratios
from xent import _series as series
from xent._kernel import Kernel, Statistics
from xent._typing import Array, Number, Verbs

LOW = 0.5
"""The order below which a divergence is seen from q."""

_FAR = 2.0
"""|log xᵇ| from which a whole term is known better than by its excess, also near p = q."""

_LARGE = 80.0
"""log xᵇ above which the 1 in xᵇ − 1 is nothing, and below which xᵇ is a number of every dtype."""


def exponents(xp: Verbs, x: Array, order: Number) -> tuple[Array, Array]:
    """Return a and a − 1, exact from an order of ½ on, for each element of ``x``: the order may be traced."""
    return xp.zeros_like(x) + order, xp.zeros_like(x) + (order - 1)


def ratio(xp: Verbs, p: Array, q: Array, order: Number) -> ratios.Ratio:
    """Return x = p/q, of which the power with b = a − 1 is right although of a low order b is rounded.

    What b lacks, δ, is put into what x lacks: b times δ/b log x is the δ log x by which xᵇ is off.
    """
    x = ratios.ratio(xp, p, q)
    a, b = exponents(xp, x.log, order)
    low = a < LOW
    delta = xp.where(low, a - (xp.settled(b) + 1), xp.zeros_like(a)) / xp.where(low, b, 1.0)
    log = xp.where(x.plain, xp.constant(x.log), xp.zeros_like(a))
    return x._replace(lack=x.lack + delta * log)


class Sums(NamedTuple):
    """The excess of each term over p − q, and Σ (p − q), of which ``high`` adds exactly.

    Of an order above a half that is Σ (p − q) where p is near q, and the whole terms elsewhere.
    """

    excess: Array
    high: Array
    rest: Array


@dataclass(frozen=True)
class FromProbs(Kernel):
    """Tsallis divergence from probabilities, the excess of each term over p − q, and Σ (p − q)."""

    order: float

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Statistics, None]:
        """Return Σ [pᵃ q¹⁻ᵃ − a p − (1 − a) q]/(a − 1), every term of it ≥ 0, and Σ (p − q) by itself.

        With L = log(p/q), s = min(a, 1) and G(x) = expm1(x)/x − 1 a term is

            pˢ q¹⁻ˢ L s (G(|a − 1| L) − G(−s L))

        near p = q; further away what it is, less the difference of two probabilities that are not nearly
        equal. Of an order above a half the whole term, as there it may be far less than p − q.
        """
        a, b = exponents(xp, p, self.order)
        x = ratios.ratio(xp, p, q)
        near = xp.abs(series.contrast(xp, p, q)) < series.NEAR
        near = near & (a < xp.inf) & (xp.abs(m.silent(xp, b, x.log)) < _FAR)
        low, nothing = a < LOW, xp.zeros_like(p)
        close = _near(xp, p, xp.where(near, x.log, nothing), a, xp.where(near, b, nothing))
        excess = xp.where(near, close, _power_log(xp, p, x, b))
        excess = xp.where(low & ~near, _of_low_order(xp, p, q, x, a), excess)
        mass = xp.where(near & ~low, p - q, nothing)
        excess, mass = (xp.sum(x, axis=axis, keepdims=True) for x in (excess, mass))
        parts = zip(m.in_two(xp, p), m.in_two(xp, q), strict=True)
        high, rest = (xp.sum(x - y, axis=axis, keepdims=True) for x, y in parts)
        of_all = exponents(xp, mass, self.order)[0] < LOW
        high, rest = xp.where(of_all, high, mass), xp.where(of_all, rest, 0.0)
        return Sums(excess, high, rest), None

    def value(self, xp: Verbs, s: Statistics) -> Array:
        """Return the whole sum."""
        return s.excess + (s.high + s.rest)

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, made: None, w: Array, axis: int
    ) -> Array:
        """Return −(p/q)ᵃ, 0 where p is 0."""
        absent, one = p == 0, xp.ones_like(p)
        x = ratios.ratio(xp, xp.where(absent, one, p), xp.where(absent, one, q))
        a, b = exponents(xp, p, self.order)
        # Of a low order a is exact, and in a derivative 1 + b would cancel.
        near = x.plain & (a >= LOW)
        base, exponent = xp.where(near, x.value, one), xp.where(near, b, a)
        power = ratios.scaled_power(xp, base, x, exponent)
        return -m.scaled(xp, w, xp.where(absent, xp.zeros_like(p), power))

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, w: Array, axis: int
    ) -> Array:
        """Return (a (p/q)ᵃ⁻¹ − 1)/(a − 1)."""
        a, b = exponents(xp, p, self.order)
        return m.scaled(xp, w, ratios.power_slope(xp, ratio(xp, p, q, self.order), a, b))


def _power_log(xp: Verbs, p: Array, x: ratios.Ratio, b: Array) -> Array:
    """Return p (xᵇ − 1)/b, also where xᵇ alone is beyond all numbers."""
    y = m.silent(xp, b, ratios.still(xp, x.log))
    large = (y > _LARGE) & (y < xp.inf)
    part = p / xp.where(large, b, xp.ones_like(b))
    far = ratios.scaled_power(xp, part, x, xp.where(large, b, xp.zeros_like(b)))
    return xp.where(large, far, m.scaled(xp, p, ratios.power_log(xp, x, b)))


def _near(xp: Verbs, p: Array, log_ratio: Array, a: Array, b: Array) -> Array:
    """Return the excess near p = q."""
    least = xp.minimum(a, xp.ones_like(a))
    between = p * xp.exp(log_ratio * xp.minimum(b, xp.zeros_like(b)))
    rise = series.expm1_excess(xp, xp.abs(b) * log_ratio)
    return between * log_ratio * least * (rise - series.expm1_excess(xp, -least * log_ratio))


def _of_low_order(xp: Verbs, p: Array, q: Array, x: ratios.Ratio, a: Array) -> Array:
    """Return the excess of an order near 0, a/(1 − a) (p − q − q ((p/q)ᵃ − 1)/a)."""
    a = xp.minimum(a, xp.full_like(a, LOW))
    rise = m.scaled(xp, q, ratios.power_log(xp, x, a))
    return xp.where(p == 0, q, a / (1 - a) * (p - q - rise))


@dataclass(frozen=True)
class Entropy(Kernel):
    """Tsallis entropy from probabilities."""

    order: float

    def measure(self, xp: Verbs, p: Array, target: None, axis: int) -> tuple[Array, None]:
        """Return Σ (p − pᵃ)/(a − 1), every term of it ≥ 0, as −p (pᵃ⁻¹ − 1)/(a − 1) where pᵃ is about p."""
        a, b = exponents(xp, p, self.order)
        one = xp.ones_like(p)
        near = xp.abs(m.silent(xp, b, m.log_or_zero(xp, p))) < ratios.SMALL
        x = ratios.ratio(xp, xp.where(near, p, one), one)
        close = -p * ratios.power_log(xp, x, b)
        far = (p - xp.where(near, one, p) ** a) / xp.where(near, one, b)
        terms = xp.where(p == 0, xp.zeros_like(p), xp.where(near, close, far))
        return xp.sum(terms, axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, p: Array, target: None, s: Statistics, made: None, w: Array, axis: int
    ) -> Array:
        """Return (1 − a pᵃ⁻¹)/(a − 1)."""
        a, b = exponents(xp, p, self.order)
        x = ratio(xp, p, xp.ones_like(p), self.order)
        return -m.scaled(xp, w, ratios.power_slope(xp, x, a, b))
