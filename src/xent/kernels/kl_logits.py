"""Kullback–Leibler divergence of two rows of logits: log Σₖ pₖ exp δₖ − Σₖ pₖ δₖ, δ = z_q − z_p.

With η = δ − Σ p δ this is log1p(Σ p (expm1 η − η)), every term of it ≥ 0: it keeps all digits of
two rows that are nearly equal. Rows far apart are measured by their log-probabilities instead.

The target are the logits of p, as of a teacher in distillation; the prediction are those of q.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import NamedTuple

from xent import _math as m
from xent import _series as series
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs

_FAR = 0.5
"""The divergence in nats from which the log-probabilities lose nothing."""

_NEAR = 2.0**-5
"""The divergence below which log(q / p) is known better, as η less its mean, than q and p are."""


class Contrast(NamedTuple):
    """What the divergence needs of two rows of logits.

    Attributes
    ----------
    p, q : the normalisers of target and prediction
    cross : Σ e_p (d_p − d_q), for rows far apart
    base, lack : where δ counts from, and what that lacks
    mean : the mean of δ under p
    scale, spread : Σ p (expm1 η − η) as ``spread`` · exp(``scale``)

    δ counts from ``base``, its value at p's peak, and what that lacks: a constant, which the
    divergence does not feel, drops exactly. The sum has its scale apart, so that classes of which p
    has next to nothing and q a share neither vanish nor overflow before blocks merge.
    """

    p: m.Normaliser
    q: m.Normaliser
    cross: Array
    base: Array
    lack: Array
    mean: Array
    scale: Array
    spread: Array


class FromLogits(Kernel):
    """Kullback–Leibler divergence of two rows of logits, log1p(Σ p (expm1 η − η)).

    0 if and only if the rows differ by a constant, and inf where q excludes a class that p does not.
    """

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Contrast, None]:
        """Return the sum of the terms and both normalisers, counted from p's peak.

        The terms are p (expm1 η − η) where η ≤ 0, and made of q, which is p exp η, above.
        """
        p, _, _ = m.normaliser(xp, target, axis)
        q, _, _ = m.normaliser(xp, logits, axis)
        d_p, d_q, delta, lack = _differences(xp, target, logits, p.peak, q.peak)
        e = xp.exp(d_p)
        cross = _expected(xp, e, _present(xp, d_p, d_p - d_q, 0.0), axis)
        index = xp.first_peak(target, axis)
        # A block that p excludes counts from q's peak, as if p's were 0.
        empty = p.peak == -xp.inf
        base = xp.where(empty, _finite(xp, q.peak), xp.pick(delta, index, axis))
        low = xp.where(empty, xp.zeros_like(base), xp.pick(lack, index, axis))
        x = _present(xp, d_p, (delta - base) + (lack - low), 0.0)
        total = 1 + p.rest
        mean = _expected(xp, e, x, axis) / total
        eta = _present(xp, d_p, x - mean, xp.inf)
        of_p = d_p - xp.log1p(p.rest)
        # log p + η, which is log q but for a constant: known where p is not.
        nothing = xp.zeros_like(mean)
        less = mean + xp.where(empty, nothing, xp.pick(d_q, index, axis) + xp.log1p(p.rest))
        of_q = d_q - less
        size = xp.where(eta > 0, of_q, of_p)
        scale = _finite(xp, xp.max(size, axis=axis, keepdims=True))
        spread = xp.sum(xp.exp(size - scale) * _excess(xp, eta), axis=axis, keepdims=True)
        return Contrast(p, q, cross, base, low, mean, scale, spread), None

    def merge(self, xp: Verbs, a: Contrast, b: Contrast) -> Contrast:
        """Return the contrast of a row from those of its halves: the terms of each, and of their masses."""
        p, q = m.merge_normalisers(xp, a.p, b.p), m.merge_normalisers(xp, a.q, b.q)
        a, b = _excluded(xp, a, p, q), _excluded(xp, b, p, q)
        first = a.p.peak >= b.p.peak
        base, low = xp.where(first, a.base, b.base), xp.where(first, a.lack, b.lack)
        whole = xp.where(p.peak == -xp.inf, xp.zeros_like(p.rest), p.rest)
        cross, shares, means, parts = [], [], [], []
        for x in (a, b):
            down_p, down_q = xp.shifted(x.p.peak, p.peak), xp.shifted(x.q.peak, q.peak)
            f = xp.exp(down_p)
            part = f * (1 + x.p.rest)
            apart = xp.where(part == 0, 0 * part, part * (down_p - down_q))
            cross.append(m.scaled(xp, f, x.cross) + apart)
            shares.append(part / (1 + p.rest))
            means.append(x.mean + ((x.base - base) + (x.lack - low)))
        mean = m.scaled(xp, shares[0], means[0]) + m.scaled(xp, shares[1], means[1])
        for x, own in zip((a, b), means, strict=True):
            empty = x.p.peak == -xp.inf
            origin = xp.where(empty, xp.zeros_like(own), x.p.peak)
            down = xp.where(empty, -_finite(xp, p.peak), xp.shifted(origin, p.peak))
            lost = m.lost_below(xp, origin, p.peak, down)
            rest = xp.where(empty, xp.zeros_like(own), xp.log1p(x.p.rest))
            # The large numbers first and once: exp takes each rounding of them |d| times over.
            h = own - mean
            up = xp.where(h > 0, h, xp.zeros_like(h))
            little = (rest - xp.log1p(whole)) + lost
            size = xp.where(empty, xp.full_like(h, -xp.inf), down + (little + up))
            parts += [((down + x.scale) + (little + h), x.spread), (size, _excess(xp, h))]
        scale = _finite(xp, reduce(xp.maximum, (size for size, _ in parts)))
        spread = reduce(add, (xp.exp(size - scale) * term for size, term in parts))
        return Contrast(p, q, cross[0] + cross[1], base, low, mean, scale, spread)

    def value(self, xp: Verbs, s: Contrast) -> Array:
        """Return log1p(Σ p (expm1 η − η)), and of rows far apart Σ p (log p − log q)."""
        rest_p, rest_q = m.limited(xp, s.p), m.limited(xp, s.q)
        far = s.cross / (1 + rest_p) + (xp.log1p(rest_q) - xp.log1p(rest_p))
        r = m.root(xp, s.scale)
        return xp.where(far < _FAR, xp.log1p((s.spread * r) * r), far)

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Contrast, made: None, w: Array, axis: int
    ) -> Array:
        """Return q − p."""
        return w * self.softmaxes(xp, logits, target, s)[2]

    def softmaxes(
        self, xp: Verbs, logits: Array, target: Array, s: Contrast
    ) -> tuple[Array, Array, Array]:
        """Return p, q and q − p; of rows that are nearly equal as p (exp x − 1), x = log(q / p).

        By exact differences, because of other rows it may be a small difference too. What is left are
        the roundings of both exponentials and sums, κ times over: two or three units each, as anywhere.
        """
        d_p, d_q, delta, lack = _differences(xp, target, logits, s.p.peak, s.q.peak)
        p, q = _probs(xp, target, s.p, d_p), _probs(xp, logits, s.q, d_q)
        value = self.value(xp, s)
        x = _log_ratio(xp, delta, lack, s) - value
        near = (value < _NEAR) & (m.magnitude(xp, x) < series.NEAR) & (d_p > -xp.inf)
        small = xp.where(near, x, xp.zeros_like(x))
        return p, q, xp.where(near, p * xp.expm1(small), q - p)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Contrast, w: Array, axis: int
    ) -> Array:
        """Return −p η."""
        d_p, _, delta, lack = _differences(xp, target, logits, s.p.peak, s.q.peak)
        p = xp.exp(d_p) / (1 + m.limited(xp, s.p))
        # A class that q alone excludes lies infinitely below the mean, and all others above.
        away = xp.where(delta == -xp.inf, delta, xp.full_like(delta, xp.inf))
        eta = xp.where(self.value(xp, s) == xp.inf, away, _log_ratio(xp, delta, lack, s))
        return m.scaled(xp, w * p, -eta)

    def partition(self, xp: Verbs, target: Array, s: Contrast) -> Array:
        """Return 1, the whole mass of p, NaN where p has no limit."""
        return 1 + 0 * m.limited(xp, s.p)


def _differences(
    xp: Verbs, p_logits: Array, q_logits: Array, p: Array, q: Array
) -> tuple[Array, Array, Array, Array]:
    """Return d_p, d_q, δ and what it lacks as a rounded difference; δ is 0 where p is exactly 0."""
    d_p, d_q = xp.shifted(p_logits, p), xp.shifted(q_logits, q)
    plain = q_logits - p_logits
    if xp.finite:
        return d_p, d_q, plain, m.residue(q_logits, p_logits, plain)
    lack = m.lost_below(xp, q_logits, p_logits, plain)
    delta = xp.where(xp.isinf(p) | xp.isinf(q), d_q - d_p, plain)
    # Of a p that is certain δ is that of a logit of 0, whatever the peak of q is in other blocks.
    delta = xp.where(xp.isinf(p) & ~xp.isinf(q), q_logits, delta)
    return d_p, d_q, xp.where(d_p == -xp.inf, xp.zeros_like(delta), delta), lack


def _excluded(xp: Verbs, x: Contrast, p: m.Normaliser, q: m.Normaliser) -> Contrast:
    """Return the contrast of a block, as of one that p excludes where a logit of another makes p certain."""
    gone, nothing = (p.peak == xp.inf) & (x.p.peak < xp.inf), xp.zeros_like(x.mean)
    share = xp.where(xp.isinf(q.peak) | xp.isinf(x.q.peak), nothing, 1 + x.q.rest)
    peak = xp.where(gone, xp.full_like(nothing, -xp.inf), x.p.peak)
    base, spread = (
        xp.where(gone, new, old)
        for new, old in ((_finite(xp, x.q.peak), x.base), (share, x.spread))
    )
    lack, mean, scale = (xp.where(gone, nothing, old) for old in (x.lack, x.mean, x.scale))
    of_p = x.p._replace(peak=peak)
    return Contrast(of_p, x.q, x.cross, base, lack, mean, scale, spread)


def _present(xp: Verbs, d_p: Array, x: Array, absent: float) -> Array:
    """Return ``x``, and a number for classes that p excludes."""
    return x if xp.finite else xp.where(d_p == -xp.inf, xp.full_like(x, absent), x)


def _expected(xp: Verbs, p: Array, x: Array, axis: int) -> Array:
    """Return Σ p x, infinite where an x is, however small its p."""
    terms = p * x if xp.finite else xp.where(xp.isinf(x), x, p * x)
    return xp.sum(terms, axis=axis, keepdims=True)


def _finite(xp: Verbs, x: Array) -> Array:
    """Return ``x``, 0 where it is infinite."""
    return xp.where(xp.isinf(x), xp.zeros_like(x), x)


def _excess(xp: Verbs, eta: Array) -> Array:
    """Return (expm1 η − η) / exp max(η, 0), at most |η|: by its series where it would cancel."""
    near, far = m.magnitude(xp, eta) < series.NEAR, eta > 1
    nothing = xp.zeros_like(eta)
    small, above = xp.where(near, eta, nothing), xp.where(far, eta, nothing)
    middle = xp.where(near | far, nothing, eta)
    plain = xp.where(near, series.expm1_tail(xp, small), xp.expm1(middle) - middle)
    plain = plain * xp.exp(-xp.where(middle + small > 0, middle + small, nothing))
    root = m.root(xp, -above)
    fallen = above * root
    fallen = fallen if xp.finite else xp.where(xp.isinf(above), nothing, fallen)
    beyond = 1 - root * root - fallen * root
    return xp.where(far, beyond, plain)


def _log_ratio(xp: Verbs, delta: Array, lack: Array, s: Contrast) -> Array:
    """Return η, log(q / p) but for its mean under p, −D(p‖q)."""
    return ((delta - s.base) + (lack - s.lack)) - s.mean


def _probs(xp: Verbs, logits: Array, softmax: m.Normaliser, d: Array) -> Array:
    """Return the softmax from exact differences."""
    e = xp.exp(d)
    return (e + e * m.lost_below(xp, logits, softmax.peak, d)) / (1 + m.limited(xp, softmax))


OF_LOGITS = FromLogits()
KERNELS: Forms = {"logits": OF_LOGITS}
