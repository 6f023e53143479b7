"""Kernels made of another: of one whose arguments change places, and of one that takes probabilities.

And what kernels have in common whose rows must be whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from xent import _math as m
from xent._kernel import Kernel, Statistics
from xent._typing import Array, Verbs


class WholeRows(Kernel):
    """A kernel whose statistics do not merge: it is only ever given whole rows."""

    merges: ClassVar[bool] = False

    def merge(self, xp: Verbs, a: Statistics, b: Statistics) -> Statistics:
        """Raise: a wrong number would be the alternative."""
        raise TypeError(f"{type(self).__name__} needs whole rows; join their parts first")


def through(xp: Verbs, p: Array, g: Array, axis: int) -> Array:
    """Return p (g − Σ p g), p a softmax: what a derivative g in p is in the logits, infinite where p g is.

    A class without probability adds nothing. At the peak, where Σ p g has p g in it and may be no more, it is
    p g (1 − p) less p times the others' p g, with 1 − p as their sum.
    """
    own, place = m.scaled(xp, p, g), xp.first_peak(p, axis)
    rest, beside = (
        xp.sum(xp.replaced(x, place, 0.0, axis), axis=axis, keepdims=True) for x in (p, own)
    )
    top, peak = xp.pick(own, place, axis), xp.pick(p, place, axis)
    inner = own - m.scaled(xp, p, beside + top)
    inner = xp.put(inner, place, m.scaled(xp, rest, top) - m.scaled(xp, peak, beside), axis)
    return xp.where(xp.isinf(own), own, inner)


@dataclass(frozen=True)
class Wrapped(Kernel):
    """A kernel with the statistics, the value and the numbers of another."""

    kernel: Kernel

    def merge(self, xp: Verbs, a: Statistics, b: Statistics) -> Statistics:
        """Return the statistics of two blocks."""
        return self.kernel.merge(xp, a, b)

    def value(self, xp: Verbs, s: Statistics) -> Array:
        """Return the loss of each row."""
        value: Array = self.kernel.value(xp, s)
        return value

    @property
    def numbers(self) -> tuple[Any, ...]:
        """Those of the kernel."""
        return self.kernel.numbers

    @property
    def key(self) -> tuple[Any, ...]:
        """The class, and what the kernel is remembered by."""
        return type(self), *self.kernel.key

    @property
    def structure(self) -> Kernel:
        """The same of the kernel without its numbers."""
        return type(self)(self.kernel.structure)

    def filled(self, numbers: tuple[Any, ...]) -> Kernel:
        """Return the same of the kernel with numbers."""
        return type(self)(self.kernel.filled(numbers))


class Reverse(Wrapped):
    """The same of prediction and target that change places."""

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Statistics, None]:
        """Return the statistics of p as the prediction and q as the target."""
        return self.kernel.measure(xp, p, q, axis)[0], None

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, made: None, w: Array, axis: int
    ) -> Array:
        """Return the derivative with respect to what is the kernel's target."""
        gradient: Array = self.kernel.target_gradient(xp, p, q, s, w, axis)
        return gradient

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, w: Array, axis: int
    ) -> Array:
        """Return the derivative with respect to what is the kernel's prediction."""
        gradient: Array = self.kernel.gradient(xp, p, q, s, None, w, axis)
        return gradient


class ReverseOfRows(WholeRows, Reverse):
    """The same of a kernel of which rows are whole."""


class OfLogProbs(Wrapped):
    """A loss of probabilities, from their logarithms."""

    def measure(self, xp: Verbs, log_q: Array, p: Array, axis: int) -> tuple[Statistics, None]:
        """Return the statistics of q."""
        return self.kernel.measure(xp, xp.exp(log_q), p, axis)[0], None

    def gradient(
        self, xp: Verbs, log_q: Array, p: Array, s: Statistics, made: None, w: Array, axis: int
    ) -> Array:
        """Return q times the derivative with respect to q."""
        q = xp.exp(log_q)
        return m.scaled(xp, q, self.kernel.gradient(xp, q, p, s, None, w, axis))

    def target_gradient(
        self, xp: Verbs, log_q: Array, p: Array, s: Statistics, w: Array, axis: int
    ) -> Array:
        """Return that of the kernel."""
        gradient: Array = self.kernel.target_gradient(xp, xp.exp(log_q), p, s, w, axis)
        return gradient


class OfSoftmax(WholeRows, Wrapped):
    """A loss of probabilities, from logits: q is their softmax."""

    def measure(self, xp: Verbs, logits: Array, p: Array, axis: int) -> tuple[Statistics, None]:
        """Return the statistics of q."""
        return self.kernel.measure(xp, m.softmax(xp, logits, axis), p, axis)[0], None

    def gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Statistics, made: None, w: Array, axis: int
    ) -> Array:
        """Return q (g − Σ q g), g the derivative with respect to q."""
        q = m.softmax(xp, logits, axis)
        slope = self.kernel.gradient(xp, q, p, s, None, xp.ones_like(w), axis)
        return w * through(xp, q, slope, axis)

    def target_gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Statistics, w: Array, axis: int
    ) -> Array:
        """Return that of the kernel."""
        q = m.softmax(xp, logits, axis)
        gradient: Array = self.kernel.target_gradient(xp, q, p, s, w, axis)
        return gradient
