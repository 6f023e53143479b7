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

from functools import reduce
from operator import add
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
    p, q : those of the class that adds most, x₀ = p/q
    total : Σ p (x/x₀)ᵇ
    """

    tsallis: Any
    mass: Array
    p: Array
    q: Array
    total: Array

    def origin(self, xp: Verbs) -> series.Ratio:
        """Return x₀."""
        return series.ratio(xp, self.p, self.q)


class FromProbs(tsallis.FromProbs):
    """Rényi divergence from probabilities."""

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Powers, None]:
        """Return the powers of p/q."""
        own, _ = super().measure(xp, q, p, axis)
        size = _size(xp, p, series.ratio(xp, p, q), self.order)
        return _powers(xp, own, p, q, size, self.order, axis), None

    def merge(self, xp: Verbs, a: Powers, b: Powers) -> Powers:
        """Return the powers of a row from those of its halves."""
        own = super().merge(xp, a.tsallis, b.tsallis)
        sizes = [_size(xp, x.total, x.origin(xp), self.order) for x in (a, b)]
        return _merged(xp, a, b, own, sizes[0] >= sizes[1], self.order)

    def value(self, xp: Verbs, s: Statistics) -> Array:
        """Return (log Σ p xᵇ − log Σ p)/b."""
        return _value(xp, s, super().value(xp, s.tsallis), self.order)

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Powers, made: None, w: Array, axis: int
    ) -> Array:
        """Return −(p/q)ᵃ / Σ pᵃ q¹⁻ᵃ, as −x₀ (x/x₀)ᵃ / Σ p (x/x₀)ᵇ, 0 where p is 0."""
        absent, origin = p == 0, s.origin(xp)
        x = series.ratio(xp, *(xp.where(absent, xp.ones_like(y), y) for y in (p, q)))
        first, z = m.quotient(xp, s.p, s.q), _beside(xp, x, origin, self.order)
        power = tsallis.raised(xp, first, x, z, self.order)
        return -m.scaled(xp, w, xp.where(absent, xp.zeros_like(p), power) / _some(xp, s.total))

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Powers, w: Array, axis: int
    ) -> Array:
        """Return (a xᵇ / Σ p xᵇ − 1 / Σ p)/b."""
        x = series.ratio(xp, p, q)
        return m.scaled(xp, w, _slope(xp, s, self.value(xp, s), x, self.order))


class Entropy(tsallis.Entropy):
    """Rényi entropy from probabilities."""

    def measure(self, xp: Verbs, p: Array, target: None, axis: int) -> tuple[Any, None]:
        """Return the powers of p: of every order the largest p adds most."""
        own, _ = super().measure(xp, p, target, axis)
        return _powers(xp, own, p, xp.ones_like(p), p, self.order, axis), None

    def merge(self, xp: Verbs, a: Powers, b: Powers) -> Powers:
        """Return the powers of a row from those of its halves."""
        own = super().merge(xp, a.tsallis, b.tsallis)
        return _merged(xp, a, b, own, a.p >= b.p, self.order)

    def value(self, xp: Verbs, s: Powers) -> Array:
        """Return (log Σ p xᵇ − log Σ p)/−b."""
        return 0 - _value(xp, s, -s.tsallis, self.order)

    def gradient(
        self, xp: Verbs, p: Array, target: None, s: Powers, made: None, w: Array, axis: int
    ) -> Array:
        """Return −(a xᵇ / Σ p xᵇ − 1 / Σ p)/b."""
        x = series.ratio(xp, p, xp.ones_like(p))
        return -m.scaled(xp, w, _slope(xp, s, -self.value(xp, s), x, self.order))


def _powers(
    xp: Verbs, own: Any, p: Array, q: Array, size: Array, order: Number, axis: int
) -> Powers:
    """Return the powers of p/q, seen from the class of the largest size: its own is divided by first."""
    _, b = exponents(xp, p, order)
    place = xp.first_peak(size, axis)
    s = Powers(own, p, xp.pick(p, place, axis), xp.pick(q, place, axis), p)
    z = _beside(xp, series.ratio(xp, p, q), s.origin(xp), order)
    terms = series.scaled_power(xp, p, z, b)
    mass, total = (xp.sum(y, axis=axis, keepdims=True) for y in (p, terms))
    return s._replace(mass=mass, total=total)


def _size(xp: Verbs, p: Array, x: series.Ratio, order: Number) -> Array:
    """Return log(p xᵇ), over |b| where that is more than 1: what adds most has the largest, what is 0 −∞."""
    _, b = exponents(xp, p, order)
    size = m.log_or_zero(xp, p) / xp.maximum(xp.abs(b), xp.ones_like(b))
    size = size + m.silent(xp, xp.clip(b, -1.0, 1.0), x.log)
    least = xp.full_like(p, -float(xp.finfo(p.dtype).max))
    return xp.where(p == 0, xp.full_like(p, -xp.inf), xp.maximum(size, least))


def _beside(xp: Verbs, x: series.Ratio, origin: series.Ratio, order: Number) -> series.Ratio:
    """Return x/x₀, of a high order at most 1: there x₀ is the largest, but for a logarithm's rounding."""
    _, b = exponents(xp, x.log, order)
    z = series.over(xp, x, origin)
    high = b * float(xp.finfo(b.dtype).eps) >= 1
    return z._replace(value=xp.where(high, xp.minimum(z.value, xp.ones_like(b)), z.value))


def _some(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 1 where it is 0: of a row without mass all that is divided is 0."""
    return xp.where(x == 0, xp.ones_like(x), x)


def _merged(xp: Verbs, s: Powers, t: Powers, own: Any, first: Array, order: Number) -> Powers:
    """Return the powers of both, seen from the first's class where ``first`` holds."""
    _, b = exponents(xp, s.mass, order)
    p, q = xp.where(first, s.p, t.p), xp.where(first, s.q, t.q)
    origin = series.ratio(xp, p, q)
    each = ((x.total, series.over(xp, x.origin(xp), origin)) for x in (s, t))
    total = reduce(add, (series.scaled_power(xp, y, z, b) for y, z in each))
    return Powers(own, s.mass + t.mass, p, q, total)


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
    log = s.origin(xp).log
    log = xp.where(s.mass == 0, xp.zeros_like(log), log)  # of a row without mass, as of any order
    return xp.where(near, close, log + beyond)


def _slope(xp: Verbs, s: Powers, value: Array, x: series.Ratio, order: Number) -> Array:
    """Return (a xᵇ / Σ p xᵇ − 1 / Σ p)/b, for small y as (1 + a (eʸ − 1)/b) / Σ p, y = b (log x − R)."""
    a, b = exponents(xp, x.log, order)
    mass, total = _some(xp, s.mass), _some(xp, s.total)
    d = series.still(xp, x.log) - value
    small = (xp.abs(b) < series.SMALL) & (xp.abs(m.silent(xp, b, d)) < series.SMALL)
    some = xp.where(small, d, xp.zeros_like(d))
    close = 1 + a * some * series.expm1_ratio(xp, b * xp.where(xp.isinf(some), 0.0, some))
    many = xp.where(small, xp.ones_like(b), b)
    z = _beside(xp, x, s.origin(xp), order)
    power = m.scaled(xp, series.share(xp, a, many), series.power(xp, z, many))
    return xp.where(small, close / mass, power / total - 1 / (many * mass))
