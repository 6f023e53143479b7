"""Cross entropy of class labels, −log q_y, from logits, probabilities and log-probabilities.

The target is the index y of the class that is true. From logits the textbook's log Σⱼ exp zⱼ − z_y is a
difference of two numbers that are nearly equal where the label is certain: of logits [20, 0] it leaves 0
in float32, and the loss is 2.06e−9. Here the label's own exponential never enters the sum, so that
nothing is subtracted, and a loss near certainty has as many digits as any other.

References
----------
Knuth, The Art of Computer Programming, volume 2, section 4.2.2, for the exact difference.
Milakov and Gimelshein, Online Normalizer Calculation for Softmax, 2018, for statistics that merge.
"""

from __future__ import annotations

from typing import Any, NamedTuple, final

from xent import _math as m
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs


class Rivals(NamedTuple):
    """What a label's loss needs of a row of logits, the label's own taken out before it drowns the rest.

    Attributes
    ----------
    peak : the largest logit of the other classes, the label's rivals: max zⱼ over j ≠ y
    rest : the sum of their exponentials, s = Σ exp(zⱼ − peak) ≥ 1, and 0 where there is none
    label : the logit of the label, NaN where it is no class
    """

    peak: Array
    rest: Array
    label: Array


@final
class Odds(NamedTuple):
    """The rivals of a whole row, and what both its loss and its gradient are made of.

    Seen from the higher one of peak and label: u and v are at most 1, and one of them is.

    Attributes
    ----------
    rest : the sum of the rivals' exponentials, s
    u, v : e to the distance of the rivals' peak from there, and to that of the label
    own : s u
    behind : the label's distance itself, 0 where it is above its rivals
    """

    peak: Array
    rest: Array
    label: Array
    u: Array
    v: Array
    own: Array
    behind: Array


class FromLogits(Kernel):
    """Cross entropy of a label from logits, log Σⱼ exp zⱼ − z_y.

    The row is seen from the higher one of the label and its rivals' peak. With a and b ≤ 0 the distances of
    the peak and of the label from there, one of them 0, and s the sum of the rivals' exponentials, the
    loss is

        log(s u + v) − b,    u = eᵃ, v = eᵇ

    which is log1p(s u) where the label is above its rivals, and at least log 2 where it is below. Its
    derivative is softmax less one-hot, without the difference: every term of it has one sign.

    Limits (R5): a label alone at +inf, and one whose rivals are all −inf, cost 0; a label beside one rival
    at +inf, or at −inf itself, costs inf. Two logits at +inf, a row of −inf, a NaN and a label that is no
    class make NaN of the row.
    """

    def measure(
        self, xp: Verbs, logits: Array, label: Array, axis: int
    ) -> tuple[Rivals, Array | None]:
        """Return the statistics of the rivals, and their exponentials, if they were made, 0 at the label.

        The label is put out of the row before anything is made of it: what is summed is then the very
        array that the gradient scales. The peak is a constant, since the loss does not depend on it.
        """
        peak, rest, e = xp.beside(logits, label, axis)
        own = xp.pick(logits, label, axis) if xp.finite else xp.at_label(logits, label, axis)
        return Rivals(peak, rest, own), e

    def merge(self, xp: Verbs, a: Rivals, b: Rivals) -> Rivals:
        """Return the rivals of a row from those of its halves, both seen from the higher peak.

        Each sum is scaled by the exponential of its exact difference to that peak. At most one half has
        the label; the other has NaN for its logit.
        """
        peak = xp.maximum(a.peak, b.peak)
        rest = a.rest * m.fall(xp, a.peak, peak) + b.rest * m.fall(xp, b.peak, peak)
        return Rivals(peak, rest, m.either(xp, a.label, b.label))

    def whole(self, xp: Verbs, s: Rivals) -> Any:
        """Return the odds of the label; what inherits from this kernel is given the rivals as they are."""
        return _odds(xp, s) if type(self) is FromLogits else s

    def value(self, xp: Verbs, s: Rivals | Odds) -> Array:
        """Return log1p(s u + (v − 1)) − b.

        Where the label is above its rivals v is 1 and b is 0; elsewhere s u ≥ 1, and nothing cancels.
        """
        odds = s if type(s) is Odds else _odds(xp, s)
        return xp.log1p(odds.own + (odds.v - 1)) - odds.behind

    def gradient(
        self,
        xp: Verbs,
        logits: Array,
        label: Array,
        s: Rivals | Odds,
        made: Any,
        w: Array,
        axis: int,
    ) -> Array:
        """Return exp(zⱼ − peak) u / (s u + v), −s u / (s u + v) at the label, and all of it times w."""
        odds = s if type(s) is Odds else _odds(xp, s)
        scale = w / (odds.own + odds.v)
        factor = odds.u * scale
        if made is None:
            rivals = xp.decayed_beside(logits, label, odds.peak, factor, axis)
        else:
            rivals = xp.times(made, factor)
        return xp.put(rivals, label, -odds.own * scale, axis)

    def partition(self, xp: Verbs, label: Array, s: Rivals | Odds) -> Array:
        """Return 1, NaN where the label is no class."""
        return xp.where(xp.isnan(s.label), s.label, xp.ones_like(s.label))


def _odds(xp: Verbs, s: Rivals) -> Odds:
    """Return the odds of a row, NaN where it has no limit.

    u has what the rounded a − b lacks: that half ULP would be up to |a| / 2 ULP of a loss near certainty,
    and nearly all of its error. Rounded differences of the rivals are not: a far one weighs as
    little as its own exponential. Beyond a half what is lacking is less than a digit of the loss.
    """
    peak, rest, label = s
    if xp.finite:
        high = xp.maximum(peak, label)
        ahead, behind = peak - high, label - high
        d = ahead - behind
    else:  # which has a derivative in a tie, and a difference of infinite numbers
        d = peak - label
        above = d <= 0
        ahead, behind = xp.where(above, d, 0.0), xp.where(above, 0.0, -d)
    part = peak - d  # `lost_below`, in place: a call of it is counted in every small loss
    lack = (peak - (d + part)) + (part - label)
    if not xp.finite and xp.maybe(lambda: xp.isnan(lack)):  # as beside an infinite number (R5)
        lack = xp.where(xp.isnan(lack), 0.0, lack)
        rest = xp.where((peak == xp.inf) & (rest > 1), xp.nan, rest)
    u = xp.exp(ahead)
    u = u + u * xp.clip(lack, -0.5, 0.5)
    return Odds(peak, rest, label, u, xp.exp(behind), rest * u, behind)


class Entry(Kernel):
    """What depends on the label's own entry x_y alone: of it the losses below are made.

    Its statistic is the entry. A block of classes that does not have the label has NaN for it, which no
    merged row keeps: a NaN that is left says that the label is no class of the row.
    """

    def measure(self, xp: Verbs, prediction: Array, label: Array, axis: int) -> tuple[Array, None]:
        """Return x_y, NaN where the label is not among the classes of the block."""
        return xp.at_label(prediction, label, axis), None

    def merge(self, xp: Verbs, a: Array, b: Array) -> Array:
        """Return the entry of the half that has it."""
        return m.either(xp, a, b)


class FromProbs(Entry):
    """Cross entropy of a label from probabilities, −log q_y.

    Nothing is clipped: a probability of 0 costs inf, and the gradient there is −inf.
    """

    def value(self, xp: Verbs, q: Array) -> Array:
        """Return −log q_y, +0 where that is certain."""
        return 0 - xp.log(q)

    def gradient(
        self, xp: Verbs, probs: Array, label: Array, q: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return −w / q_y at the label, and 0 beside it."""
        return xp.put(xp.zeros_like(probs), label, -m.quotient(xp, w, q), axis)


class Likelihood(Entry):
    """The likelihood of a label itself, q_y, and not its logarithm."""

    def gradient(
        self, xp: Verbs, probs: Array, label: Array, q: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return w at the label, and 0 beside it."""
        return xp.put(xp.zeros_like(probs), label, w, axis)


class FromLogProbs(Entry):
    """Cross entropy of a label from log-probabilities, −log q_y as it is given."""

    def value(self, xp: Verbs, log_q: Array) -> Array:
        """Return minus the entry, +0 where that is certain."""
        return 0 - log_q

    def gradient(
        self, xp: Verbs, log_probs: Array, label: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return −w at the label, and 0 beside it."""
        return xp.put(xp.zeros_like(log_probs), label, -w, axis)


LIKELIHOOD = Likelihood()
KERNELS: Forms = {"logits": FromLogits(), "probs": FromProbs(), "log_probs": FromLogProbs()}
