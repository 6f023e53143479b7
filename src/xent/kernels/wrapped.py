"""Kernels made of another: of one whose arguments change places, and of one that takes probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xent import _math as m
from xent._kernel import Kernel, Known, Statistics
from xent._typing import Array, Verbs
from xent.kernels import inner
from xent.kernels.inner import AfterSoftmax, Sums


@dataclass(frozen=True)
class Wrapped(Kernel):
    """A kernel with the statistics, the value and the numbers of another."""

    kernel: Kernel

    def merge(self, xp: Verbs, a: Statistics, b: Statistics) -> Statistics:
        """Return the statistics of two blocks."""
        return self.kernel.merge(xp, a, b)

    def value(self, xp: Verbs, s: Statistics) -> Array:
        """Return the loss of each row."""
        return self.kernel.value(xp, s)

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

    @property
    def before(self) -> Kernel | None:
        """What the kernel has to know of both."""
        return None if self.kernel.before is None else Reverse(self.kernel.before)

    def measure_after(
        self, xp: Verbs, q: Array, p: Array, known: Statistics, axis: int
    ) -> Statistics:
        """Return the same of a part."""
        return self.kernel.measure_after(xp, p, q, known, axis)

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, made: None, w: Array, axis: int
    ) -> Array:
        """Return the derivative with respect to what is the kernel's target."""
        return self.kernel.target_gradient(xp, p, q, s, w, axis)

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Statistics, w: Array, axis: int
    ) -> Array:
        """Return the derivative with respect to what is the kernel's prediction."""
        return self.kernel.gradient(xp, p, q, s, None, w, axis)


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
        return self.kernel.target_gradient(xp, xp.exp(log_q), p, s, w, axis)


class OfSoftmax(AfterSoftmax, Wrapped):
    """A loss of probabilities that is a plain sum, from logits: q is their softmax."""

    def measure(self, xp: Verbs, logits: Array, p: Array, axis: int) -> tuple[Known, None]:
        """Return the statistics of q, of whole rows."""
        softmax, _, _ = m.normaliser(xp, logits, axis)
        q = inner.softmax(xp, logits, softmax, axis).p
        return Known(softmax, Sums(self.kernel.measure(xp, q, p, axis)[0])), None

    def measure_after(
        self, xp: Verbs, logits: Array, p: Array, known: m.Normaliser, axis: int
    ) -> Sums:
        """Return those of a part, and Σ q g."""
        q = inner.softmax(xp, logits, known, axis)
        loss, _ = self.kernel.measure(xp, q.p, p, axis)
        return Sums(loss, q.inner(xp, self._slope(xp, q.p, p, known, loss, axis), axis))

    def merge(self, xp: Verbs, a: Statistics, b: Statistics) -> Statistics:
        """Return the sums of two blocks."""
        return Kernel.merge(self, xp, a, b)

    def value(self, xp: Verbs, s: Known) -> Array:
        """Return the loss of each row."""
        return self.kernel.value(xp, s.own.loss)

    def gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Known, made: None, w: Array, axis: int
    ) -> Array:
        """Return q (g − Σ q g), g the derivative with respect to q."""
        q = inner.softmax(xp, logits, s.before, axis)
        g = self._slope(xp, q.p, p, s.before, s.own.loss, axis)
        return w * q.through(xp, g, s.own.inner, axis)

    def _slope(
        self, xp: Verbs, q: Array, p: Array, s: m.Normaliser, loss: Statistics, axis: int
    ) -> Array:
        """Return g, which of a plain sum depends on no statistics."""
        one = xp.ones_like(s.rest)
        return self.kernel.gradient(xp, q, p, loss, None, one, axis)

    def target_gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Known, w: Array, axis: int
    ) -> Array:
        """Return that of the kernel."""
        q = inner.softmax(xp, logits, s.before, axis).p
        return self.kernel.target_gradient(xp, q, p, s.own.loss, w, axis)
