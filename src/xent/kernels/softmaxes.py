"""Measures of two rows of logits that are sums over the classes of two probabilities and their difference."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from xent import _math as m
from xent._kernel import Kernel, Known
from xent._typing import Array, Verbs
from xent.kernels.inner import AfterSoftmax, Inner, Softmax, through_anew
from xent.kernels.kl_logits import OF_LOGITS, Contrast

Alone = Callable[[], Array]
"""Whether of each row the other softmax has less than half of what one has at its peak, where it is asked."""


class Facing(NamedTuple):
    """What is known of two whole rows of logits.

    Attributes
    ----------
    contrast : the statistics of their divergence
    p, q : of each the logit at the other's peak; None of whole rows in one block, where it can be looked up
    """

    contrast: Contrast
    p: Array | None = None
    q: Array | None = None


class Faced(Kernel):
    """Two rows of logits, known before a sum over their classes is made."""

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Facing, None]:
        """Return the contrast, and the logits at both peaks."""
        s, _ = OF_LOGITS.measure(xp, logits, target, axis)
        both = ((target, s.q.place), (logits, s.p.place))
        return Facing(s, *(xp.pick(x, place, axis) for x, place in both)), None

    def merge(self, xp: Verbs, a: Facing, b: Facing) -> Facing:
        """Return what is known of both halves: beside a peak, that of the half which has it."""
        of_p = xp.where(a.contrast.q.peak < b.contrast.q.peak, b.p, a.p)
        of_q = xp.where(a.contrast.p.peak < b.contrast.p.peak, b.q, a.q)
        return Facing(OF_LOGITS.merge(xp, a.contrast, b.contrast), of_p, of_q)


FACED = Faced()


class SumsOfTwo(NamedTuple):
    """The sum that is the measure, and of each softmax Σ p g, g the derivative with respect to it."""

    loss: Array
    inner: Inner | None = None
    of_target: Inner | None = None


class OfSoftmaxes(AfterSoftmax):
    """A sum over the classes of p, q and p − q, the softmaxes of two rows.

    The difference is as exact as those of the logits are. A term depends on both normalisers, which are
    known before.
    """

    @property
    def before(self) -> Kernel:
        """Both rows."""
        return FACED

    def terms(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return what each class adds, d = p − q."""
        raise NotImplementedError

    def slope(self, xp: Verbs, p: Array, q: Array, d: Array, alone: Alone) -> Array:
        """Return the derivative of the sum with respect to q, but for a constant."""
        raise NotImplementedError

    def target_slope(self, xp: Verbs, p: Array, q: Array, d: Array, alone: Alone) -> Array:
        """Return the derivative of the sum with respect to p, but for a constant."""
        raise NotImplementedError

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Known, None]:
        """Return the sum, and the statistics of both rows."""
        s, _ = OF_LOGITS.measure(xp, logits, target, axis)
        p, q, d = _both(xp, logits, target, s, s.cost)
        terms = xp.sum(self.terms(xp, p, q, -d), axis=axis, keepdims=True)
        return Known(Facing(s), SumsOfTwo(terms)), None

    def measure_after(
        self, xp: Verbs, logits: Array, target: Array, known: Facing, axis: int
    ) -> SumsOfTwo:
        """Return the sums of a block."""
        p, q, d = _both(xp, logits, target, known.contrast, known.contrast.cost)
        terms = xp.sum(self.terms(xp, p, q, -d), axis=axis, keepdims=True)
        of_q, of_p = _alone(xp, p, q, known, axis)
        slope, target_slope = self.slope(xp, p, q, -d, of_q), self.target_slope(xp, p, q, -d, of_p)
        s = known.contrast
        inner = Softmax(q, logits, s.q).inner(xp, slope, axis)
        return SumsOfTwo(terms, inner, Softmax(p, target, s.p).inner(xp, target_slope, axis))

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Known, made: None, w: Array, axis: int
    ) -> Array:
        """Return q (g − Σ q g), g the derivative with respect to q."""
        contrast = s.before.contrast

        def sloped(row: Array) -> tuple[Array, Array]:
            p, q, d = _both(xp, logits, target, contrast, row)
            return q, self.slope(xp, p, q, -d, _alone(xp, p, q, s.before, axis)[0])

        return w * _through(xp, sloped, logits, contrast.q, s.own.inner, axis)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Known, w: Array, axis: int
    ) -> Array:
        """Return p (g − Σ p g), g the derivative with respect to p."""
        contrast = s.before.contrast

        def sloped(row: Array) -> tuple[Array, Array]:
            p, q, d = _both(xp, logits, target, contrast, row)
            return p, self.target_slope(xp, p, q, -d, _alone(xp, p, q, s.before, axis)[1])

        return w * _through(xp, sloped, target, contrast.p, s.own.of_target, axis)


def _through(
    xp: Verbs,
    sloped: Callable[[Array], tuple[Array, Array]],
    x: Array,
    softmax: m.Normaliser,
    inner: Inner | None,
    axis: int,
) -> Array:
    """Return p (g − Σ p g) of p and g beside a row, of whole rows or of a part of which the sum is known."""
    if inner is None:
        return through_anew(xp, sloped, softmax, axis)
    p, g = sloped(softmax.rest)
    return Softmax(p, x, softmax).through(xp, g, inner, axis)


def _both(
    xp: Verbs, logits: Array, target: Array, s: Contrast, row: Array
) -> tuple[Array, Array, Array]:
    """Return p, q and q − p, made beside a row: without one a compiler makes a loop of what they make."""
    p, q, d = (xp.anew(x, row) for x in OF_LOGITS.softmaxes(xp, logits, target, s, row))
    return p, q, d


def _alone(xp: Verbs, p: Array, q: Array, known: Facing, axis: int) -> tuple[Alone, Alone]:
    """Return whether p has less than half of q at q's peak, and q of p at p's."""
    if known.p is None or known.q is None:
        return partial(alone, xp, q, p, axis), partial(alone, xp, p, q, axis)
    s = known.contrast
    return partial(beaten, xp, s.q, s.p, known.p), partial(beaten, xp, s.p, s.q, known.q)


def alone(xp: Verbs, q: Array, p: Array, axis: int) -> Array:
    """Return whether p has less than half of q at q's peak, of whole rows."""
    place = xp.first_peak(q, axis)
    return 2 * xp.pick(p, place, axis) < xp.pick(q, place, axis)


def beaten(xp: Verbs, q: m.Normaliser, p: m.Normaliser, logit: Array) -> Array:
    """Return the same of rows whose normalisers are known, and the logit that p has there."""
    own = xp.exp(xp.shifted(logit, p.peak)) / (1 + m.limited(xp, p))
    return 2 * own < 1 / (1 + m.limited(xp, q))
