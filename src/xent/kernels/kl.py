"""Kullback–Leibler divergence D(p‖q) = Σₖ pₖ log(pₖ / qₖ), without the difference H(p, q) − H(p).

Where p is near q the terms themselves cancel: the divergence is of the order of (p − q)², and a plain sum
of terms is left with the sign to chance. A class with p = 0 adds nothing, q = 0 or not (R4); one with p > 0
beside q = 0 costs inf (Kullback and Leibler, On Information and Sufficiency, 1951).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from xent import _math as m
from xent import _series as series
from xent._kernel import Forms, Kernel, Statistics
from xent._typing import Array, Number, Verbs
from xent.kernels import distributions as ce


class Terms(NamedTuple):
    """The terms' excess over pₖ − qₖ where p is near q, else the whole terms; of the former Σ(pₖ − qₖ)."""

    excess: Array
    mass: Array


class FromProbs(ce.FromProbs):
    """Kullback–Leibler divergence from probabilities, Σₖ pₖ log(pₖ / qₖ).

    Its derivative in q is that of the cross entropy, −p / q; the statistics are `Terms`.
    """

    def measure(self, xp: Verbs, probs: Array, target: Array, axis: int) -> tuple[Statistics, None]:
        """Return the terms of p and q."""
        return terms(xp, target, probs, target - probs, axis), None

    def value(self, xp: Verbs, s: Terms) -> Array:
        """Return the whole sum, the differences p − q added back at the end."""
        return s.excess + s.mass

    def target_gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Statistics, w: Array, axis: int
    ) -> Array:
        """Return log(p / q) + 1."""
        return m.scaled(xp, w, series.log_ratio(xp, target, probs) + 1)


def terms(
    xp: Verbs, p: Array, q: Array, difference: Array, axis: int, share: Number | None = None
) -> Terms:
    """Measure p log(p/q) = (p − q) + (p − q) r + 2p (r³/3 + r⁵/5 + …), r = (p − q)/(p + q).

    Near p = q the terms p − q cancel in the sum: they are kept apart, where they add exactly, as many times
    as large where p − q is a ``share`` of the difference. Elsewhere adding and removing them would lose
    everything when q ≫ p.
    """
    whole, difference = difference, difference if share is None else share * difference
    p, q = xp.once(p), xp.once(q)
    r = series.contrast(xp, p, q, difference)
    near = xp.abs(r) < series.NEAR
    excess = series.chosen(
        xp,
        near,
        partial(series.nearly, xp, p, difference, r, near),
        lambda: m.scaled(xp, p, series.apart(xp, p, q, near)),
    )
    mass = xp.where(near, whole, xp.zeros_like(r))
    return Terms(*(xp.sum(x, axis=axis, keepdims=True) for x in (excess, mass)))


class FromLogProbs(ce.FromLogProbs):
    """Kullback–Leibler divergence from log-probabilities, Σₖ pₖ (log pₖ − log qₖ).

    A logarithm that is given is not known better than to half an ULP: there is no more to keep. The
    derivative in log q is that of the cross entropy, −p.
    """

    def measure(self, xp: Verbs, log_probs: Array, target: Array, axis: int) -> tuple[Array, None]:
        """Return Σ p (log p − log q), to which a class with p = 0 adds nothing."""
        log_ratio = m.log_or_zero(xp, target) - log_probs
        return xp.sum(m.scaled(xp, target, log_ratio), axis=axis, keepdims=True), None

    def target_gradient(
        self, xp: Verbs, log_probs: Array, target: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return log(p / q) + 1."""
        return m.scaled(xp, w, _log_ratio(xp, target, log_probs) + 1)


class OfLogs(FromLogProbs):
    """The same of a target that is given by its logarithms too, none of which is taken again."""

    def measure(self, xp: Verbs, log_probs: Array, target: Array, axis: int) -> tuple[Array, None]:
        """Return Σ p (log p − log q), to which a class with p = 0 adds nothing."""
        p, log_ratio = xp.exp(target), _of_logs(xp, target, log_probs)
        return xp.sum(m.scaled(xp, p, log_ratio), axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, log_probs: Array, target: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return −p."""
        return -w * xp.exp(target)

    def target_gradient(
        self, xp: Verbs, log_probs: Array, target: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return p (log(p / q) + 1)."""
        return w * m.scaled(xp, xp.exp(target), _of_logs(xp, target, log_probs) + 1)


def _of_logs(xp: Verbs, log_p: Array, log_q: Array) -> Array:
    """Return log p − log q; where p is 0 a finite number or inf, which p then silences."""
    return xp.where(log_p == -xp.inf, xp.zeros_like(log_p), log_p) - log_q


def _log_ratio(xp: Verbs, p: Array, log_q: Array) -> Array:
    """Return log p − log q, 0 where both probabilities are 0."""
    neither = (p == 0) & (log_q == -xp.inf)
    one, nothing = xp.ones_like(p), xp.zeros_like(log_q)
    return xp.log(xp.where(neither, one, p)) - xp.where(neither, nothing, log_q)


class Excess(NamedTuple):
    """A row's normaliser, the target's mass P in two parts, and Σ (p log(p/b) − p + b).

    Every term of the sum is ≥ 0, and Σ b is P: an error that the normaliser gives all b alike drops
    out. ``high`` holds the bits of p above one ULP of 1, which add exactly: log P is known where P
    is 1 but for rounding. A target that is nearly the softmax keeps all but two digits for a fifth to a
    third more time than Σ p (log p − log q), which keeps none.
    """

    softmax: m.Normaliser
    high: Array
    low: Array
    excess: Array

    @property
    def mass(self) -> Array:
        """P = Σ p."""
        return self.high + self.low


class FromLogits(Kernel):
    """Kullback–Leibler divergence from logits, Σₖ (pₖ log(pₖ / bₖ) − pₖ + bₖ) + P log P, b = P q."""

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Excess, None]:
        """Return the excess of p over b, of exact differences."""
        softmax, d, e = m.exact_normaliser(xp, logits, axis)
        high, low = m.mass(xp, target, axis)
        mass = high + low
        log_b = d + (xp.log(mass) - xp.log1p(softmax.rest))
        terms = _excess(xp, target, e * (mass / (1 + softmax.rest)), log_b)
        return Excess(softmax, high, low, xp.sum(terms, axis=axis, keepdims=True)), None

    def merge(self, xp: Verbs, a: Excess, b: Excess) -> Excess:
        """Merge by the chain rule: the blocks' masses and shares are a row of two classes."""
        softmax = m.merge_normalisers(xp, a.softmax, b.softmax)
        merged = Excess(softmax, a.high + b.high, a.low + b.low, a.excess + b.excess)
        mass, excess = merged.mass, merged.excess
        for x in (a, b):
            f = m.fall(xp, x.softmax.peak, softmax.peak)
            share = f * (1 + x.softmax.rest) / (1 + softmax.rest)
            log_f = xp.shifted(x.softmax.peak, softmax.peak)
            log_b = log_f + (xp.log1p(x.softmax.rest) - xp.log1p(softmax.rest)) + xp.log(mass)
            excess = excess + _excess(xp, x.mass, mass * share, log_b)
        return merged._replace(excess=excess)

    def value(self, xp: Verbs, s: Excess) -> Array:
        """Return the excess and P log P, of a P that is nearly 1 by what it is over."""
        mass, over = s.mass, (s.high - 1) + s.low
        near = xp.abs(over) < series.NEAR
        beside = xp.log1p(xp.where(near, over, xp.zeros_like(over)))
        log_mass = xp.where(near, beside, m.log_or_zero(xp, mass))
        lost = m.is_lost(xp, s.softmax.peak, 1 + s.softmax.rest)
        return xp.where(lost, xp.full_like(mass, xp.nan), s.excess + mass * log_mass)

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Excess, made: Any, w: Array, axis: int
    ) -> Array:
        """Return P q − p, the gradient of the cross entropy.

        Of exponentials of rounded differences: where p is nearly q, what they lose is lost on both sides.
        """
        e = xp.exp(m.below(xp, logits, s.softmax, axis))
        mass, rest = (s.high, s.low), m.limited(xp, s.softmax)
        return ce.excess_of_softmax(xp, e, target, mass, rest, w)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Excess, w: Array, axis: int
    ) -> Array:
        """Return log(p / q) + 1."""
        d = xp.shifted(logits, s.softmax.peak)
        log_q = d - xp.log1p(m.limited(xp, s.softmax))
        return m.scaled(xp, w, _log_ratio(xp, target, log_q) + 1)

    def partition(self, xp: Verbs, target: Array, s: Excess) -> Array:
        """Return the mass P."""
        return s.mass


def _excess(xp: Verbs, p: Array, b: Array, log_b: Array) -> Array:
    """Return p log(p/b) − p + b ≥ 0, from ``log_b`` where b itself may have lost digits.

    As (b − p) − p log1p(x), x = (b − p)/p, near p = b: no better than b is, and in less time than
    the series that two given probabilities deserve.
    """
    more, absent = b - p, p == 0
    some = p + xp.astype(absent, p.dtype) if xp.anywhere(lambda: absent) else p
    x = more / some
    excess = more - p * xp.log_near_or_far(xp.abs(x) < series.NEAR, x, log_b, some)
    if xp.finite:
        return xp.clip(excess, 0.0, None)
    # Not by a clip, for which XLA has a kernel more.
    return xp.where(excess < 0, xp.zeros_like(excess), excess)


KERNELS: Forms = {"logits": FromLogits(), "probs": FromProbs(), "log_probs": FromLogProbs()}
