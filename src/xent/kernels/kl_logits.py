"""Kullback–Leibler divergence of two rows of logits: log Σₖ pₖ exp δₖ − Σₖ pₖ δₖ, δ = z_q − z_p.

With η = δ − Σ p δ this is log1p(Σ p (expm1 η − η)), every term of it ≥ 0: it keeps all digits of
two rows that are nearly equal. Rows far apart are measured by their log-probabilities instead.

The target are the logits of p, as of a teacher in distillation; the prediction are those of q.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from xent import _math as m
from xent import _series as series
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs
from xent.kernels import two_rows as two
from xent.kernels.nearly_equal import divergence
from xent.kernels.two_rows import finite_or_zero, present

_FAR = 0.5
"""The divergence in nats from which the log-probabilities lose nothing."""

_NEAR = 2.0**-5
"""The divergence below which log(q / p) is known better, as η less its mean, than q and p are."""


class Contrast(NamedTuple):
    """What the divergence needs of two rows of logits.

    Attributes
    ----------
    p, q : the normalisers of target and prediction
    cost : the divergence of the block, as of a row of its own
    base, lack : where δ counts from, a number near the mean of δ, and what that lacks
    mean : the mean of δ under p, counted from there

    A constant, which the divergence does not feel, drops with the base, whatever that is.
    """

    p: m.Normaliser
    q: m.Normaliser
    cost: Array
    base: Array
    lack: Array
    mean: Array


class FromLogits(Kernel):
    """Kullback–Leibler divergence of two rows of logits, log1p(Σ p (expm1 η − η)).

    0 if and only if the rows differ by a constant, and inf where q excludes a class that p does not.
    """

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Contrast, None]:
        """Return the divergence of a block as of a row of its own, and both normalisers.

        It is log1p of a sum of terms p (expm1 η − η); of rows far apart Σ p (log p − log q).
        """
        p, q = (m.normaliser(xp, x, axis, indexed=True)[0] for x in (target, logits))
        peaks, total = (p.peak, q.peak), 1 + p.rest
        # A block that p excludes counts from q's peak, as if p's were 0.
        empty = p.peak == -xp.inf
        at = two.below(xp, tuple(xp.pick(x, p.place, axis) for x in (target, logits)), peaks)
        delta, lack = two.differences(xp, at, peaks)
        delta = finite_or_zero(xp, xp.where(empty, q.peak, delta))
        lack = xp.where(empty, xp.zeros_like(lack), lack)
        rows = two.below(xp, (target, logits), peaks)
        d_p, d_q = rows.below
        e = xp.exp(d_p)
        cross = _expected(xp, e, present(xp, d_p, d_p - d_q, 0.0), axis)
        lean = finite_or_zero(xp, cross) / total
        base = two.base_of(xp, p, q, (delta, lack), at.below[1], lean)
        again = two.anew(xp, rows, peaks, base.own)
        x = two.from_base(xp, again, peaks, base, p.place, axis)
        e = e if again is rows else xp.exp(again.below[0])
        mean = xp.sum(e * finite_or_zero(xp, x), axis=axis, keepdims=True) / total
        cost = far = lean + (xp.log1p(q.rest) - xp.log1p(p.rest))
        close = far < _FAR
        if xp.anywhere(lambda: close):
            again = two.anew(xp, rows, peaks, mean)
            x = x if again is rows else two.from_base(xp, again, peaks, base, p.place, axis)
            eta = present(xp, again.below[0], x - mean, xp.inf)
            rise = xp.where(empty, xp.zeros_like(mean), base.rise - mean)
            cost = xp.where(close, divergence(xp, eta, again.below, rise, total, axis), far)
        ended = (q.peak == -xp.inf) | xp.isinf(cross)
        cost = xp.where(ended, xp.full_like(cost, xp.inf), cost)
        cost = xp.where(empty, xp.zeros_like(cost), cost)
        return Contrast(p, q, cost, base.at[0], base.at[1], mean), None

    def merge(self, xp: Verbs, a: Contrast, b: Contrast) -> Contrast:
        """Return the contrast of a row: the divergence of the masses of its halves, and each half's own.

        That of the masses P, Q is by their ratios log Q / P, where these are about equal, or by the masses.
        """
        p, q = m.merge_normalisers(xp, a.p, b.p), m.merge_normalisers(xp, a.q, b.q)
        high = a.p.peak >= b.p.peak
        big, small = _chosen(xp, high, a, b), _chosen(xp, high, b, a)
        mass_p, odds, of_p = _ratio(xp, small.p, big.p)
        mass_q, _, of_q = _ratio(xp, small.q, big.q)
        little, much = odds / (1 + odds), 1 / (1 + odds)
        far = small.base - big.base
        lost = m.lost_below(xp, small.base, big.base, far) + (small.lack - big.lack)
        gap = far + (lost + (small.mean - big.mean))
        mean = big.mean + m.scaled(xp, little, xp.where(odds == 0, xp.zeros_like(gap), gap))
        close = xp.maximum(a.cost, b.cost) < _FAR
        step = xp.where(
            close, far + (lost + ((small.mean + small.cost) - (big.mean + big.cost))), of_q - of_p
        )
        step = xp.where(odds == 0, xp.zeros_like(step), step)
        near = (xp.abs(step) < 1) & (odds > 0)
        eta = xp.where(near, step, xp.zeros_like(step))
        rise, fall = (series.expm1_rise(xp, x) for x in (much * eta, -little * eta))
        about = xp.log1p(much * fall + little * rise)
        cost = xp.where(near, about, (mass_q - mass_p) - little * step)
        cost = cost + (m.scaled(xp, much, big.cost) + m.scaled(xp, little, small.cost))
        for x in (a, b):
            cost = xp.where(_ended(xp, x, p, q), xp.full_like(cost, xp.inf), cost)
        cost = xp.where(p.peak == -xp.inf, xp.zeros_like(cost), cost)
        return Contrast(p, q, cost, big.base, big.lack, mean)

    def value(self, xp: Verbs, s: Contrast) -> Array:
        """Return the divergence, NaN where a softmax has no limit."""
        lost = m.limited(xp, s.p) + m.limited(xp, s.q)
        return xp.where(xp.isnan(lost), lost, s.cost)

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Contrast, made: None, w: Array, axis: int
    ) -> Array:
        """Return q − p."""
        return w * self.softmaxes(xp, logits, target, s)[2]

    def softmaxes(
        self, xp: Verbs, logits: Array, target: Array, s: Contrast, row: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """Return p, q and q − p; of rows that are nearly equal as p (exp x − 1), x = log(q / p).

        By exact differences, because of other rows it may be a small difference too. What is left are
        the roundings of both exponentials and sums, κ times over: two or three units each, as anywhere.
        """
        peaks = s.p.peak, s.q.peak
        both = tuple(xp.anew(x, s.cost if row is None else row) for x in (target, logits))
        rows = two.below(xp, both, peaks)
        p, q = map(partial(_probs, xp), both, (s.p, s.q), rows.below)
        value = self.value(xp, s)
        close = value < _NEAR
        if not xp.anywhere(lambda: close):
            return p, q, q - p
        x = _log_ratio(two.differences(xp, rows, peaks), s) - value
        near = close & (xp.abs(x) < series.NEAR) & (rows.below[0] > -xp.inf)
        small = xp.where(near, x, xp.zeros_like(x))
        return p, q, xp.where(near, p * (small + series.expm1_tail(xp, small)), q - p)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Contrast, w: Array, axis: int
    ) -> Array:
        """Return −p η."""
        peaks = s.p.peak, s.q.peak
        rows = two.below(xp, (target, logits), peaks)
        delta, lack = two.differences(xp, rows, peaks)
        p = _probs(xp, target, s.p, rows.below[0])
        # A class that q alone excludes lies infinitely below the mean, and all others above.
        away = xp.where(delta == -xp.inf, delta, xp.full_like(delta, xp.inf))
        eta = xp.where(self.value(xp, s) == xp.inf, away, _log_ratio((delta, lack), s))
        return m.scaled(xp, w * p, -eta)

    def partition(self, xp: Verbs, target: Array, s: Contrast) -> Array:
        """Return 1, the whole mass of p, NaN where p has no limit."""
        return 1 + 0 * m.limited(xp, s.p)


def _chosen(xp: Verbs, first: Array, a: Contrast, b: Contrast) -> Contrast:
    """Return the one or the other of two contrasts, row by row."""

    def each(x: Any, y: Any) -> Any:
        return type(x)(*map(each, x, y)) if isinstance(x, tuple) else xp.where(first, x, y)

    return each(a, b)


def _ratio(xp: Verbs, x: m.Normaliser, of: m.Normaliser) -> tuple[Array, Array, Array]:
    """Return log(1 + r), the smaller of r and 1/r, and log r: how much mass a half has of another's.

    The smaller is r where the half's peak is the lower one.
    """
    down = xp.shifted(x.peak, of.peak)
    lost = m.lost_below(xp, x.peak, of.peak, down)
    nothing = xp.zeros_like(down)
    own, other = (1 + xp.where(n.peak == -xp.inf, nothing, n.rest) for n in (x, of))
    down = xp.where(x.peak == -xp.inf, xp.full_like(down, -xp.inf), down)
    above, log = down > 0, down + (lost + (xp.log(own) - xp.log(other)))
    less = xp.exp(-m.magnitude(xp, down))
    less = less * xp.where(above, (1 - lost) * (other / own), (1 + lost) * (own / other))
    return xp.where(above, log, nothing) + xp.log1p(less), less, log


def _ended(xp: Verbs, x: Contrast, p: m.Normaliser, q: m.Normaliser) -> Array:
    """Whether q excludes a class of a half that p does not, however little p has there."""
    there = (x.p.peak > -xp.inf) & (xp.shifted(x.p.peak, p.peak) > -xp.inf)
    gone = (x.q.peak == -xp.inf) | (xp.shifted(x.q.peak, q.peak) == -xp.inf)
    return there & ((x.cost == xp.inf) | gone)


def _expected(xp: Verbs, p: Array, x: Array, axis: int) -> Array:
    """Return Σ p x, infinite where an x is, however small its p."""
    terms = p * finite_or_zero(xp, x)
    return xp.sum(terms if xp.finite else xp.where(xp.isinf(x), x, terms), axis=axis, keepdims=True)


def _log_ratio(delta: two.Two, s: Contrast) -> Array:
    """Return η, log(q / p) but for its mean under p, −D(p‖q)."""
    return ((delta[0] - s.base) + (delta[1] - s.lack)) - s.mean


def _probs(xp: Verbs, logits: Array, softmax: m.Normaliser, d: Array) -> Array:
    """Return the softmax from exact differences."""
    e = xp.exp(d)
    return (e + e * m.lost_below(xp, logits, softmax.peak, d)) / (1 + m.limited(xp, softmax))


OF_LOGITS = FromLogits()
KERNELS: Forms = {"logits": OF_LOGITS}
