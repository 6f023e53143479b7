"""From a derivative g in a softmax p to that in its logits, p (g − Σ p g), of whole rows and of parts.

At the peak of a nearly certain row Σ p g has p g in it, and may be no more: it is p g (1 − p) less p times
the others' p g, with 1 − p as their sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from xent import _math as m
from xent._elementary import LOGSUMEXP
from xent._kernel import Kernel, Known, Statistics
from xent._typing import Array, Verbs


class Inner(NamedTuple):
    """Σ p g of a row, of classes at its peak and beside it."""

    peak: Array
    others: Array


class Sums(NamedTuple):
    """What a loss sums over the classes, and Σ p g.

    That is None of whole rows, of which the gradient makes it.
    """

    loss: Statistics
    inner: Inner | None = None


class AfterSoftmax(Kernel):
    """A loss that sums, over the classes, what only the softmax of a whole row tells of each."""

    @property
    def before(self) -> Kernel:
        """The softmax's normaliser."""
        return LOGSUMEXP

    def value(self, xp: Verbs, s: Known) -> Array:
        """Return what is summed."""
        return s.own.loss


class Softmax(NamedTuple):
    """The softmax ``p`` of a block of logits, and the normaliser of its whole rows."""

    p: Array
    logits: Array
    known: m.Normaliser

    def inner(self, xp: Verbs, g: Array, axis: int) -> Inner:
        """Return Σ p g of the block."""
        own = m.scaled(xp, self.p, g)
        top, nothing = self.logits >= self.known.peak, xp.zeros_like(own)
        parts = xp.where(top, own, nothing), xp.where(top, nothing, own)
        return Inner(*(xp.sum(x, axis=axis, keepdims=True) for x in parts))

    def through(self, xp: Verbs, g: Array, inner: Inner | None, axis: int) -> Array:
        """Return p (g − Σ p g), the sum that of the whole row, or None where the block has whole rows.

        A class at the peak has its own p g in the sum of these, alone but in a tie.
        """
        if inner is None:
            return through(xp, self.p, g, axis)
        own, top = m.scaled(xp, self.p, g), self.logits >= self.known.peak
        rest = m.limited(xp, self.known)
        at_peak = inner.peak + xp.where(top, -own, xp.zeros_like(own))
        kept = xp.where(top, m.scaled(xp, rest / (1 + rest), own), own)
        left = kept - m.scaled(xp, self.p, inner.others + at_peak)
        return xp.where(xp.isinf(own), own, left)


def softmax(xp: Verbs, logits: Array, s: m.Normaliser, axis: int) -> Softmax:
    """Return the softmax of a block, given the normaliser of its whole rows."""
    p = xp.exp(m.below(xp, logits, s, axis)) / (1 + m.limited(xp, s))
    return Softmax(p, logits, s)


def through(xp: Verbs, p: Array, g: Array, axis: int) -> Array:
    """Return p (g − Σ p g) of whole rows, infinite where p g is; a class without probability adds nothing."""
    own, place = m.scaled(xp, p, g), xp.first_peak(p, axis)
    rest = xp.sum(xp.replaced(p, place, 0.0, axis), axis=axis, keepdims=True)
    beside = xp.sum(xp.replaced(own, place, 0.0, axis), axis=axis, keepdims=True)
    top, peak = xp.pick(own, place, axis), xp.pick(p, place, axis)
    inner: Any = own - m.scaled(xp, p, beside + top)
    inner = xp.put(inner, place, m.scaled(xp, rest, top) - m.scaled(xp, peak, beside), axis)
    return xp.where(xp.isinf(own), own, inner)


def through_anew(
    xp: Verbs, made: Callable[[Array], tuple[Array, Array]], s: m.Normaliser, axis: int
) -> Array:
    """Return p (g − Σ p g) of whole rows, of p and g that are ``made`` beside a row; the place is an index.

    Else a compiler would store what they are made of between its loops.
    """
    p, g = made(s.rest)
    own = m.scaled(xp, p, g)
    beside = xp.sum(xp.replaced(own, s.place, 0.0, axis), axis=axis, keepdims=True)
    top, rest = xp.pick(own, s.place, axis), m.limited(xp, s)
    if xp.alone:
        p, g = made(beside)
        own = m.scaled(xp, p, g)
    inner = own - m.scaled(xp, p, beside + top)
    inner = xp.put(inner, s.place, (m.scaled(xp, rest, top) - beside) / (1 + rest), axis)
    return xp.where(xp.isinf(own), own, inner)
