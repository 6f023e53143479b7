"""The skewed divergence of a distribution and a row of logits; the kernels of what is skewed or reversed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from xent import _math as m
from xent._kernel import Forms, Kernel, Known
from xent._typing import Array, Number, Verbs
from xent.kernels import inner, kl, kl_logits
from xent.kernels.inner import Softmax, Sums
from xent.kernels.skewed import FromLogits, FromProbs
from xent.kernels.softmaxes import Alone, alone
from xent.kernels.wrapped import OfLogProbs, Reverse


class Placed(NamedTuple):
    """The normaliser of a row, and the target at its peak; None of whole rows, where it can be looked up."""

    softmax: m.Normaliser
    own: Array | None = None


class AtPeak(Kernel):
    """A row of logits and a distribution, known before a sum over their classes is made."""

    def measure(self, xp: Verbs, logits: Array, p: Array, axis: int) -> tuple[Placed, None]:
        """Return both."""
        softmax, _, _ = m.normaliser(xp, logits, axis)
        return Placed(softmax, xp.pick(p, softmax.place, axis)), None

    def merge(self, xp: Verbs, a: Placed, b: Placed) -> Placed:
        """Return both of a row from those of its halves."""
        own = xp.where(a.softmax.peak < b.softmax.peak, b.own, a.own)
        return Placed(m.merge_normalisers(xp, a.softmax, b.softmax), own)


AT_PEAK = AtPeak()


class Beside(NamedTuple):
    """Σ (p log(p/m) − (p − m)), and Σ p in two parts."""

    terms: Array
    high: Array
    low: Array


@dataclass(frozen=True)
class FromSoftmax(Kernel):
    """Skewed divergence of probabilities, as they are given, and a row of logits, whose softmax sums to 1.

    Σ (p log(p/m) − (p − m)), every term of it ≥ 0, and (1 − α) (Σ p − 1).
    """

    skew: float

    @property
    def before(self) -> Kernel:
        """The softmax's normaliser, and p at the peak."""
        return AT_PEAK

    def measure(self, xp: Verbs, logits: Array, p: Array, axis: int) -> tuple[Known, None]:
        """Return both sums of whole rows."""
        known = Placed(m.normaliser(xp, logits, axis)[0])
        q = self.softmax(xp, logits, p, known, axis).p
        return Known(known, Sums(self._loss(xp, q, p, axis))), None

    def measure_after(self, xp: Verbs, logits: Array, p: Array, known: Placed, axis: int) -> Sums:
        """Return both sums of a part, and Σ q g."""
        q = self.softmax(xp, logits, p, known, axis)
        loss = self._loss(xp, q.p, p, axis)
        return Sums(loss, q.inner(xp, self._slope(xp, q.p, p, known, axis), axis))

    def value(self, xp: Verbs, s: Known) -> Array:
        """Return both sums together."""
        return s.own.loss.terms + self._over(s.own.loss)

    def gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Known, made: None, w: Array, axis: int
    ) -> Array:
        """Return q (g − Σ q g), g the derivative with respect to q."""
        q = self.softmax(xp, logits, p, s.before, axis)
        g = self._slope(xp, q.p, p, s.before, axis)
        return m.scaled(xp, w, q.through(xp, g, s.own.inner, axis))

    def target_gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Known, w: Array, axis: int
    ) -> Array:
        """Return that of two distributions."""
        q = self.softmax(xp, logits, p, s.before, axis).p
        return FromProbs(self.skew).target_gradient(xp, q, p, s, w, axis)

    def softmax(self, xp: Verbs, logits: Array, p: Array, known: Placed, axis: int) -> Softmax:
        """Return q."""
        return inner.softmax(xp, logits, known.softmax, axis)

    def terms(self, xp: Verbs, q: Array, p: Array) -> Array:
        """Return p log(p/m) − (p − m)."""
        return FromLogits(self.skew).terms(xp, p, q, p - q)

    def slope(self, xp: Verbs, q: Array, p: Array, alone: Alone) -> Array:
        """Return g."""
        return FromLogits(self.skew).slope(xp, p, q, p - q, alone)

    def _loss(self, xp: Verbs, q: Array, p: Array, axis: int) -> Beside:
        terms = xp.sum(self.terms(xp, q, p), axis=axis, keepdims=True)
        return Beside(terms, *m.mass(xp, p, axis))

    def _slope(self, xp: Verbs, q: Array, p: Array, known: Placed, axis: int) -> Array:
        softmax, own = known
        if own is None:
            return self.slope(xp, q, p, partial(alone, xp, q, p, axis))
        few: Array = 2 * own < 1 / (1 + m.limited(xp, softmax))
        return self.slope(xp, q, p, lambda: few)

    def _over(self, loss: Beside) -> Array:
        return (1 - self.skew) * ((loss.high - 1) + loss.low)


class ReverseFromSoftmax(FromSoftmax):
    """The same of both in each other's place, the softmax first."""

    def value(self, xp: Verbs, s: Known) -> Array:
        """Return both sums together."""
        return s.own.loss.terms - self._over(s.own.loss)

    def target_gradient(
        self, xp: Verbs, logits: Array, p: Array, s: Known, w: Array, axis: int
    ) -> Array:
        """Return that of two distributions."""
        q = self.softmax(xp, logits, p, s.before, axis).p
        return FromProbs(self.skew).gradient(xp, p, q, s, None, w, axis)

    def softmax(self, xp: Verbs, logits: Array, p: Array, known: Placed, axis: int) -> Softmax:
        """Return q, which is not 0 where it is only too small: without a skew that costs inf."""
        q = inner.softmax(xp, logits, known.softmax, axis)
        small = (q.p == 0) & (logits > -xp.inf) & (known.softmax.peak < xp.inf)
        lost = small & (p == 0) & (xp.zeros_like(p) + self.skew == 0)
        least = xp.full_like(p, float(xp.finfo(p.dtype).smallest_normal))
        return q._replace(p=xp.where(lost, least, q.p))

    def terms(self, xp: Verbs, q: Array, p: Array) -> Array:
        """Return q log(q/m) − (q − m)."""
        return FromLogits(self.skew).terms(xp, q, p, q - p)

    def slope(self, xp: Verbs, q: Array, p: Array, alone: Alone) -> Array:
        """Return g."""
        return FromLogits(self.skew).target_slope(xp, q, p, q - p, alone)


def kernels(skew: Number | None, *, reverse: bool, both: bool) -> Forms:
    """Return the kernels of a skew, or of none, for each form of the prediction.

    ``both``: the target is given as logits beside logits.
    """
    of_probs, of_logits = kl.KERNELS["probs"], kl_logits.KERNELS["logits"]
    if skew is not None:
        of_probs, of_logits = FromProbs(skew), FromLogits(skew)
    if reverse:
        of_probs = Reverse(of_probs)
        of_logits = Reverse(of_logits)
    if not both:
        of_logits = (ReverseFromSoftmax if reverse else FromSoftmax)(0.0 if skew is None else skew)
    return {"probs": of_probs, "logits": of_logits, "log_probs": OfLogProbs(of_probs)}
