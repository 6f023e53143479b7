"""Distances of two distributions that have no logarithm: Hellinger, total variation, χ².

References
----------
Pearson, On the Criterion That a Given System of Deviations …, 1900, for χ².
Le Cam, Asymptotic Methods in Statistical Decision Theory, 1986, for the others.
"""

from __future__ import annotations

from xent import _math as m
from xent._kernel import Kernel
from xent._typing import Array, Verbs


class Hellinger(Kernel):
    """Hellinger distance √(½ Σ (√p − √q)²): its statistic is the sum, halved."""

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Array, None]:
        """Return ½ Σ (√p − √q)², each difference as (p − q)/(√p + √q)."""
        d, absent = p - q, (p == 0) & (q == 0)
        p, q = (xp.where(absent, xp.ones_like(x), x) for x in (p, q))
        d = d / (_root(xp, p) + _root(xp, q))
        return xp.sum(d * d, axis=axis, keepdims=True) / 2, None

    def value(self, xp: Verbs, s: Array) -> Array:
        """Return the square root of the sum."""
        return xp.sqrt(s)

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return (√q − √p)/(4 h √q); 0, a subgradient, in a row with p = q, and 1/(4 h) where p is 0."""
        return _slope(xp, q, p, s, w)

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return (√p − √q)/(4 h √p): the distance is symmetric, and so is its derivative."""
        return _slope(xp, p, q, s, w)


def _root(xp: Verbs, x: Array) -> Array:
    """Return √x, whose derivative at 0 is left to the gradient: of a row taken out it is not there."""
    nothing = x == 0
    return xp.where(nothing, xp.zeros_like(x), xp.sqrt(xp.where(nothing, xp.ones_like(x), x)))


def _slope(xp: Verbs, q: Array, p: Array, s: Array, w: Array) -> Array:
    """Return w (√q − √p)/(4 h √q), with (√q − √p)/√q as (q − p)/(q + √(pq)).

    Where p is 0 it is 1, whatever q is; there q is taken for 1, as a root has no derivative at 0.
    """
    alone, equal = p == 0, s == 0
    p, q = (xp.where(alone, xp.ones_like(x), x) for x in (p, q))
    root = xp.sqrt(xp.where(equal, xp.ones_like(s), s))
    share = (q - p) / (q + xp.sqrt(p) * xp.sqrt(q))
    share = xp.where(alone, xp.ones_like(p), share)
    return m.scaled(xp, w, xp.where(equal, xp.zeros_like(share), share / (4 * root)))


class TotalVariation(Kernel):
    """Total variation ½ Σ |p − q|."""

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Array, None]:
        """Return ½ Σ |p − q|."""
        return xp.sum(xp.abs(p - q), axis=axis, keepdims=True) / 2, None

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return half the sign of q − p, 0 where they are equal."""
        return w * _sign(xp, q - p) / 2

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return half the sign of p − q."""
        return w * _sign(xp, p - q) / 2


def _sign(xp: Verbs, x: Array) -> Array:
    """Return the sign of ``x``, and NaN of a NaN, which CuPy's own function drops."""
    nothing = x == 0
    plain = xp.where(nothing, xp.ones_like(x), x)
    return xp.where(nothing, xp.zeros_like(x), plain / xp.abs(plain))


class ChiSquare(Kernel):
    """Pearson's χ² divergence Σ (p − q)²/q; a class with q = 0 costs inf, and nothing where p is 0 too."""

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Array, None]:
        """Return Σ (p − q) · (p − q)/q."""
        return xp.sum(m.scaled(xp, p - q, _over(xp, q, p)), axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return 1 − (p/q)² as −(p − q)/q (1 + p/q), and 1 where p is 0."""
        alone = p == 0
        over = _over(xp, xp.where(alone, xp.ones_like(q), q), p)
        return m.scaled(xp, w, -over * (2 + over))

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return 2 (p − q)/q."""
        return m.scaled(xp, w, 2 * _over(xp, q, p))


def _over(xp: Verbs, q: Array, p: Array) -> Array:
    """Return (p − q)/q, 0 where both are 0."""
    return m.quotient(xp, p - q, q)


HELLINGER, TOTAL_VARIATION, CHI_SQUARE = Hellinger(), TotalVariation(), ChiSquare()
