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
from xent import _ratios as ratios
from xent import _series as series
from xent._kernel import Statistics
from xent._typing import Array, Number, Verbs
from xent.kernels import tsallis
from xent.kernels.tsallis import LOW, exponents, ratio

_CLOSE = 0.5
"""How far Σ p xᵇ / Σ p may be above 1, and its logarithm from 0, to be taken from Tsallis's measure.

Both are asked: where p and q sum to numbers far apart, Tsallis's measure has lost its digits, and may be 0.
"""

_BELOW = -0.3
"""How far it may be below 1: XLA's log1p in float64 is off by a hundred ULP near −0.41."""


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

    def origin(self, xp: Verbs, order: Number) -> ratios.Ratio:
        """Return x₀."""
        return ratio(xp, self.p, self.q, order)

    def log_origin(self, xp: Verbs, order: Number) -> Array:
        """Return log x₀, 0 of a row without mass, as of any order."""
        log = self.origin(xp, order).log
        return xp.where(self.mass == 0, xp.zeros_like(log), log)


class FromProbs(tsallis.FromProbs):
    """Rényi divergence from probabilities."""

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Powers, None]:
        """Return the powers of p/q."""
        own, _ = super().measure(xp, q, p, axis)
        size = _size(xp, p, ratios.ratio(xp, p, q), self.order)
        return _powers(xp, own, p, q, size, self.order, axis), None

    def merge(self, xp: Verbs, a: Powers, b: Powers) -> Powers:
        """Return the powers of a row from those of its halves."""
        own = super().merge(xp, a.tsallis, b.tsallis)
        sizes = [_size(xp, x.total, x.origin(xp, self.order), self.order) for x in (a, b)]
        return _merged(xp, a, b, own, sizes[0] >= sizes[1], self.order)

    def value(self, xp: Verbs, s: Statistics) -> Array:
        """Return (log Σ p xᵇ − log Σ p)/b."""
        return _value(xp, s, super().value(xp, s.tsallis), self.order)

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Powers, made: None, w: Array, axis: int
    ) -> Array:
        """Return −(p/q)ᵃ / Σ pᵃ q¹⁻ᵃ, 0 where p is 0."""
        absent = p == 0
        p, q = (xp.where(absent, xp.ones_like(p), x) for x in (p, q))
        root = _root(xp, s, p, q, self.order)
        return -m.scaled(xp, w, xp.where(absent, xp.zeros_like(p), root * root))

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Powers, w: Array, axis: int
    ) -> Array:
        """Return (a xᵇ / Σ p xᵇ − 1 / Σ p)/b."""
        x = ratio(xp, p, q, self.order)
        return m.scaled(xp, w, _slope(xp, s, super().value(xp, s.tsallis), x, self.order))


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
        x = ratio(xp, p, xp.ones_like(p), self.order)
        return -m.scaled(xp, w, _slope(xp, s, -s.tsallis, x, self.order))


def _powers(
    xp: Verbs, own: Any, p: Array, q: Array, size: Array, order: Number, axis: int
) -> Powers:
    """Return the powers of p/q, seen from the class of the largest size: its own is divided by first."""
    _, b = exponents(xp, p, order)
    place = xp.first_peak(size, axis)
    s = Powers(own, p, xp.pick(p, place, axis), xp.pick(q, place, axis), p)
    z = _beside(xp, ratio(xp, p, q, order), s.origin(xp, order), order)
    lift = m.lift(xp, s.p, ratios.half_range(s.p))  # else terms beside the smallest p underflow
    terms = ratios.scaled_power(xp, lift * p, z, b)
    mass, total = (xp.sum(y, axis=axis, keepdims=True) for y in (p, terms))
    return s._replace(mass=mass, total=total / lift)


def _size(xp: Verbs, p: Array, x: ratios.Ratio, order: Number) -> Array:
    """Return log(p xᵇ), over |b| where that is more than 1: what adds most has the largest, what is 0 −∞."""
    _, b = exponents(xp, p, order)
    size = m.log_or_zero(xp, p) / xp.maximum(xp.abs(b), xp.ones_like(b))
    size = size + m.silent(xp, xp.clip(b, -1.0, 1.0), x.log)
    least = xp.full_like(p, -float(xp.finfo(p.dtype).max))
    return xp.where(p == 0, xp.full_like(p, -xp.inf), xp.maximum(size, least))


def _beside(xp: Verbs, x: ratios.Ratio, origin: ratios.Ratio, order: Number) -> ratios.Ratio:
    """Return x/x₀, of a high order at most 1: there x₀ is the largest, but for a logarithm's rounding."""
    _, b = exponents(xp, x.log, order)
    z = ratios.over(xp, x, origin)
    high = b * float(xp.finfo(b.dtype).eps) >= 1
    return z._replace(value=xp.where(high, xp.minimum(z.value, xp.ones_like(b)), z.value))


def _root(xp: Verbs, s: Powers, p: Array, q: Array, order: Number) -> Array:
    """Return the root of xᵃ / Σ p xᵇ, whose factors are numbers where those of the whole need not be.

    With z = x/x₀ it is the root of (p/q) zᵇ / Σ p zᵇ, and of x₀ zᵃ / Σ p zᵇ where p/q lacks digits. But an
    infinite x has p/q alone, also where it is not x₀: its derivative is then with respect to its own q.
    """
    a, b = exponents(xp, p, order)
    x, origin = ratios.ratio(xp, p, q), ratios.ratio(xp, s.p, s.q)
    lost = origin.log == xp.inf
    endless = (x.log == xp.inf) & ((a > 0) | lost)
    near = (x.plain & (a >= LOW)) | endless | lost
    power = ratios.power(xp, _beside(xp, x, origin, order), xp.where(near, b, a) / 2)
    p, q = xp.where(near, p, s.p), xp.where(near, q, s.q)
    power = xp.where(endless, xp.ones_like(power), power)
    return power * (xp.sqrt(p) / xp.sqrt(q)) / xp.sqrt(_some(xp, s.total))


def _log(xp: Verbs, z: ratios.Ratio) -> Array:
    """Return log z of z itself: as log x − log x₀, both large, it has no digits where z is about 1."""
    plain = z.plain & (z.turns == 0)
    return xp.where(plain, xp.log(xp.where(plain, z.value, xp.ones_like(z.value))), z.log)


def _some(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 1 where it is 0: of a row without mass all that is divided is 0."""
    return xp.where(x == 0, xp.ones_like(x), x)


def _merged(xp: Verbs, s: Powers, t: Powers, own: Any, first: Array, order: Number) -> Powers:
    """Return the powers of both, seen from the first's class where ``first`` holds."""
    _, b = exponents(xp, s.mass, order)
    p, q = xp.where(first, s.p, t.p), xp.where(first, s.q, t.q)
    origin = ratio(xp, p, q, order)
    lift = m.lift(xp, p, ratios.half_range(p))
    each = ((lift * x.total, ratios.over(xp, x.origin(xp, order), origin)) for x in (s, t))
    total = reduce(add, (ratios.scaled_power(xp, y, z, b) for y, z in each)) / lift
    return Powers(own, s.mass + t.mass, p, q, total)


def _value(xp: Verbs, s: Powers, tsallis: Array, order: Number) -> Array:
    """Return (log Σ p xᵇ − log Σ p)/b."""
    close, beyond, near = _both_ways(xp, s, tsallis, order)
    return xp.where(near, close, s.log_origin(xp, order) + beyond)


def _both_ways(xp: Verbs, s: Powers, tsallis: Array, order: Number) -> tuple[Array, Array, Array]:
    """Return the value R by Tsallis's T, log1p(b T / Σ p)/b, else R − log x₀, and where R is taken by T."""
    _, b = exponents(xp, s.mass, order)
    one = xp.ones_like(b)
    beyond = xp.log(_some(xp, s.total / _some(xp, s.mass))) / xp.where(b == 0, one, b)
    mean = tsallis / _some(xp, s.mass)
    over = m.silent(xp, b, mean)
    small = (over > _BELOW) & (over < _CLOSE)
    small = small & (xp.abs(m.silent(xp, b, s.log_origin(xp, order) + beyond)) < _CLOSE)
    near = (b < xp.inf) & (small | (b == 0))
    return mean * series.log1p_ratio(xp, xp.where(near, over, one)), beyond, near


def _slope(xp: Verbs, s: Powers, tsallis: Array, x: ratios.Ratio, order: Number) -> Array:
    """Return (a xᵇ / Σ p xᵇ − 1 / Σ p)/b, for small y as (1 + a (eʸ − 1)/b) / Σ p, y = b (log x − R)."""
    a, b = exponents(xp, x.log, order)
    mass, total = _some(xp, s.mass), _some(xp, s.total)
    z = _beside(xp, x, s.origin(xp, order), order)
    close, beyond, near = _both_ways(xp, s, tsallis, order)
    d = xp.where(near, ratios.still(xp, x.log) - close, _log(xp, z) - beyond)
    small = (xp.abs(b) < ratios.SMALL) & (xp.abs(m.silent(xp, b, d)) < ratios.SMALL)
    some = xp.where(small, d, xp.zeros_like(d))
    close = 1 + a * some * series.expm1_ratio(xp, b * xp.where(xp.isinf(some), 0.0, some))
    many = xp.where(small, xp.ones_like(b), b)
    power = m.scaled(xp, ratios.share(xp, a, many), ratios.power(xp, z, many))
    return xp.where(small, close / mass, power / total - 1 / (many * mass))
