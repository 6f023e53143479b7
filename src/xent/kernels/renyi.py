"""Rényi divergence log(Σₖ pₖᵃ qₖ¹⁻ᵃ / Σₖ pₖ)/(a − 1) and entropy log(Σₖ pₖᵃ / Σₖ pₖ)/(1 − a) of order a.

Of order 1 they are the Kullback–Leibler divergence and Shannon's entropy, their limits; of order 0 minus the
logarithm of what q has where p has something, and the logarithm of how many classes p has; of order ∞ the
logarithm of the largest p/q, and minus that of the largest p. A class with p = 0 adds nothing.

Both are (log Σ p xᵇ − log Σ p)/b with b = a − 1, the entropy with its sign turned: of x = p/q, and of x = p.
Where the sum is about Σ p it is taken from what it is over Σ p, the Tsallis divergence or entropy.

References
----------
Rényi, On Measures of Entropy and Information, 1961: of distributions that need not sum to 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xent import _math as m
from xent import _series as series
from xent._kernel import Statistics
from xent._typing import Array, Number, Verbs
from xent.kernels import tsallis
from xent.kernels.tsallis import exponents

_CLOSE = 0.5
"""How far Σ p xᵇ / Σ p is from 1 where its logarithm is taken from the difference."""

_BELOW = -0.3
"""The same below 1: XLA's log1p in float64 is off by a hundred ULP near −0.41."""


class Powers(NamedTuple):
    """What Rényi's measures need of a row.

    Attributes
    ----------
    tsallis : the statistics of Tsallis's
    mass : Σ p
    origin : log x of the class that adds most
    total : Σ p exp(b (log x − origin))
    """

    tsallis: Any
    mass: Array
    origin: Array
    total: Array


class FromProbs(tsallis.FromProbs):
    """Rényi divergence from probabilities."""

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Powers, None]:
        """Return the powers of p/q."""
        own, _ = super().measure(xp, q, p, axis)
        return _powers(xp, own, p, series.log_ratio(xp, p, q), self.order, axis), None

    def merge(self, xp: Verbs, a: Powers, b: Powers) -> Powers:
        """Return the powers of a row from those of its halves."""
        return _merged(xp, a, b, super().merge(xp, a.tsallis, b.tsallis), self.order)

    def value(self, xp: Verbs, s: Statistics) -> Array:
        """Return (log Σ p xᵇ − log Σ p)/b."""
        return _value(xp, s, super().value(xp, s.tsallis), self.order)

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Powers, made: None, w: Array, axis: int
    ) -> Array:
        """Return −(p/q)ᵃ / Σ pᵃ q¹⁻ᵃ, 0 where p is 0."""
        absent = p == 0
        log_ratio = series.log_ratio(xp, *(xp.where(absent, xp.ones_like(x), x) for x in (p, q)))
        a, b = exponents(xp, p, self.order)
        y = _beside(xp, log_ratio, s.origin, b)
        excluded = xp.where(a == 0, s.origin, log_ratio)
        power = xp.exp(xp.where(log_ratio == xp.inf, excluded, log_ratio + y))
        return -m.scaled(xp, w, xp.where(absent, xp.zeros_like(p), power) / _some(xp, s.total))

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Powers, w: Array, axis: int
    ) -> Array:
        """Return (a xᵇ / Σ p xᵇ − 1 / Σ p)/b."""
        return m.scaled(
            xp, w, _slope(xp, s, self.value(xp, s), series.log_ratio(xp, p, q), self.order)
        )


class Entropy(tsallis.Entropy):
    """Rényi entropy from probabilities."""

    def measure(self, xp: Verbs, p: Array, target: None, axis: int) -> tuple[Any, None]:
        """Return the powers of p, p (p/peak)ᵇ, of orders below 1 as pᵃ peak⁻ᵇ: each factor is a number."""
        own, _ = super().measure(xp, p, target, axis)
        peak = xp.pick(p, xp.first_peak(p, axis), axis)
        a, b = exponents(xp, p, self.order)
        one, nothing = xp.ones_like(p), xp.zeros_like(p)
        some = xp.where(p == 0, one, p)
        low, more = xp.minimum(a, one), xp.maximum(b, nothing)
        terms = some**low * _some(xp, peak) ** (1 - low) * (some / _some(xp, peak)) ** more
        terms = xp.where(p == 0, nothing, terms)
        mass, total = (xp.sum(x, axis=axis, keepdims=True) for x in (p, terms))
        return Powers(own, mass, xp.log(peak), total), None

    def merge(self, xp: Verbs, a: Powers, b: Powers) -> Powers:
        """Return the powers of a row from those of its halves."""
        return _merged(xp, a, b, super().merge(xp, a.tsallis, b.tsallis), self.order)

    def value(self, xp: Verbs, s: Powers) -> Array:
        """Return (log Σ p xᵇ − log Σ p)/−b."""
        return 0 - _value(xp, s, -s.tsallis, self.order)

    def gradient(
        self, xp: Verbs, p: Array, target: None, s: Powers, made: None, w: Array, axis: int
    ) -> Array:
        """Return −(a xᵇ / Σ p xᵇ − 1 / Σ p)/b."""
        return -m.scaled(xp, w, _slope(xp, s, -self.value(xp, s), xp.log(p), self.order))


def _powers(xp: Verbs, own: Any, p: Array, log_x: Array, order: Number, axis: int) -> Powers:
    """Return the powers of x, seen from the class that adds most: its own log x is subtracted first."""
    _, b = exponents(xp, p, order)
    size = m.log_or_zero(xp, p) / xp.maximum(xp.abs(b), xp.ones_like(b))
    size = size + m.silent(xp, xp.clip(b, -1.0, 1.0), log_x)
    least = xp.full_like(p, -float(xp.finfo(p.dtype).max))
    size = xp.where(p == 0, xp.full_like(p, -xp.inf), xp.maximum(size, least))
    origin = xp.pick(log_x, xp.first_peak(size, axis), axis)
    terms = series.risen(xp, p, _beside(xp, log_x, origin, b))
    mass, total = (xp.sum(x, axis=axis, keepdims=True) for x in (p, terms))
    return Powers(own, mass, origin, total)


def _beside(xp: Verbs, log_x: Array, origin: Array, b: Array) -> Array:
    """Return b (log x − origin), 0 where one of the factors is; a tie that is finite has a derivative."""
    tied = (log_x == origin) & xp.isinf(log_x)
    d = xp.where(tied, xp.zeros_like(log_x), series.still(xp, log_x) - origin)
    return m.silent(xp, b, d)


def _some(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 1 where it is 0: of a row without mass all that is divided is 0."""
    return xp.where(x == 0, xp.ones_like(x), x)


def _merged(xp: Verbs, s: Powers, t: Powers, own: Any, order: Number) -> Powers:
    _, b = exponents(xp, s.mass, order)
    sizes = []
    for x in (s, t):
        size = m.log_or_zero(xp, x.total) / xp.maximum(xp.abs(b), xp.ones_like(b))
        size = size + m.silent(xp, xp.clip(b, -1.0, 1.0), x.origin)
        sizes.append(xp.where(x.total == 0, xp.full_like(size, -xp.inf), size))
    origin = xp.where(sizes[0] >= sizes[1], s.origin, t.origin)
    totals = [series.risen(xp, x.total, _beside(xp, x.origin, origin, b)) for x in (s, t)]
    return Powers(own, s.mass + t.mass, origin, totals[0] + totals[1])


def _value(xp: Verbs, s: Powers, tsallis: Array, order: Number) -> Array:
    """Return (log Σ p xᵇ − log Σ p)/b, as log1p(b T / Σ p)/b where it is small: T is Tsallis's."""
    _, b = exponents(xp, s.mass, order)
    one = xp.ones_like(b)
    mean = tsallis / _some(xp, s.mass)
    over = m.silent(xp, b, mean)
    small = (over > _BELOW) & (over < _CLOSE)
    near, even = (b < xp.inf) & (small | (b == 0)), over == 0
    safe = xp.where(even | ~near, one, over)
    close = mean * xp.where(even, one, xp.log1p(safe) / safe)
    beyond = xp.log(_some(xp, s.total) / _some(xp, s.mass)) / xp.where(b == 0, one, b)
    return xp.where(near, close, s.origin + beyond)


def _slope(xp: Verbs, s: Powers, value: Array, log_x: Array, order: Number) -> Array:
    """Return (a xᵇ / Σ p xᵇ − 1 / Σ p)/b, for b near 0 as (1 + a (eʸ − 1)/b) / Σ p, y = b (log x − R)."""
    a, b = exponents(xp, log_x, order)
    small = xp.abs(b) < _CLOSE
    mass, total = _some(xp, s.mass), _some(xp, s.total)
    few, least = (xp.where(small, x, xp.zeros_like(x)) for x in (b, a))
    close = series.power_slope(xp, log_x - value, least, few) / mass
    many = xp.where(small, xp.ones_like(b), b)
    share = xp.where(b == xp.inf, xp.ones_like(a), a) / xp.where(b == xp.inf, xp.ones_like(b), many)
    power = m.scaled(xp, share, xp.exp(_beside(xp, log_x, s.origin, many)))
    return xp.where(small, close, power / total - 1 / (many * mass))
