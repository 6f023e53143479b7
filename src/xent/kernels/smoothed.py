"""Cross entropy of smoothed labels from logits: t′ = ε / K, and 1 − ε + ε / K at the label.

No array of targets is made. Where softmax is nearly t′ the gradient is their small difference, in
which every bit that is lost before counts a thousand times: t′ and the sum of the exponentials are
kept in two parts, for three operations more on each element than without.

References
----------
Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2016, section 7.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xent import _math as m
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs
from xent.kernels import distributions as ce


class Blend(NamedTuple):
    """What the loss needs of a row of logits and its smoothed label.

    Attributes
    ----------
    softmax : the row's normaliser
    mass : the mass of the smoothed target
    score : Σ t′ₖ (peak − zₖ)
    lack : what the normaliser's rest lacks as a rounded sum, for the gradient; None where that makes it
    label : the label's logit, NaN where the block does not have it, and of a whole row where it is no class
    """

    softmax: m.Normaliser
    mass: Array
    score: Array
    lack: Array | None
    label: Array


class FromLogits(Kernel):
    """Cross entropy of a smoothed label from logits, Σₖ t′ₖ (peak − zₖ) + log1p(s).

    The target is a label y, and what it and each other class weigh: t′ = ε / K beside it, 1 − ε + ε / K on
    it, each as a `Split`. As it has only two values, its score is one of two sums,

        Σₖ t′ₖ (peak − zₖ) = (ε / K) Σₖ (peak − zₖ) + (1 − ε) (peak − z_y)

    The mass of t′ is 1 for a whole row, and log1p(s) enters once; a block of classes has its share of it.

    The gradient is softmax less t′, which training brings to 0: a model that is trained with smoothing ends
    with a softmax that is nearly t′. There the digits count that a plain sum loses.

    Limits (R5) are those of the distribution: with ε > 0 a masked class costs inf; with ε = 0 it costs
    nothing, as beside a label. A label that is no class makes NaN of the row.
    """

    def measure(
        self, xp: Verbs, logits: Array, target: m.SmoothedLabel, axis: int
    ) -> tuple[Blend, Array]:
        """Return the score of t′ by two sums, and the exponentials.

        A block without the label has the classes beside it alone, and their mass. The mass is counted
        from 1 in the block that has it: the mass of a whole row is then exactly 1.
        """
        softmax, d, e = m.exponentiated(xp, logits, axis)
        label = xp.at_label(logits, target.at, axis)
        elsewhere = xp.isnan(label)
        below = xp.where(elsewhere, xp.zeros_like(label), -xp.at_label(d, target.at, axis))
        other, own = (
            xp.full_like(label, 1.0) * (t.high + t.low) for t in (target.other, target.own)
        )
        if xp.alone:  # A loop may sum so before it is known where the peak is, which d is made by.
            fall = xp.sum_beside(xp.shifted(logits, softmax.peak), softmax.place, axis)
        else:
            fall = xp.sum(d, axis=axis, keepdims=True)
        score = m.scaled(xp, other, -fall)
        score = score + m.scaled(xp, own - other, below)
        size = logits.shape[axis]
        mass = xp.where(elsewhere, other * size, 1 - other * (target.classes - size))
        # It is made next, by `gradient`, which has e then, if at all.
        made_next = xp.finite and size == target.classes
        lack = None if made_next else _lack(xp, softmax, e, axis)
        return Blend(softmax, mass, score, lack, label), e

    def merge(self, xp: Verbs, a: Blend, b: Blend) -> Blend:
        """Return the blend of a row from those of its halves, both seen from the higher peak.

        What a rest lacks is scaled as the rest is. What the merged one lacks itself is not known.
        """
        softmax, score = ce.merge_scores(xp, a, b)
        lack = [x.lack * xp.exp(xp.shifted(x.softmax.peak, softmax.peak)) for x in (a, b)]
        label = m.either(xp, a.label, b.label)
        return Blend(softmax, a.mass + b.mass, score, lack[0] + lack[1], label)

    def value(self, xp: Verbs, s: Blend) -> Array:
        """Return Σₖ t′ₖ (peak − zₖ) + log1p(s), NaN where the row has no limit or the label no class."""
        return s.score + xp.log1p(_rest(xp, s))

    def gradient(
        self,
        xp: Verbs,
        logits: Array,
        target: m.SmoothedLabel,
        s: Blend,
        made: Any,
        w: Array,
        axis: int,
    ) -> Array:
        """Return a − t′ as (e − t′ (1 + s)) / (1 + s), the product in two parts.

        The sum 1 + s is high + low, of which ``high`` has 12 bits, as many as the high part of t′ may have
        to multiply it exactly: e − t′ₕ high then loses nothing where the two nearly agree, and what is
        left of the product is small. The label's entry is made from its own logit and written last.
        """
        rest = _rest(xp, s)
        total = 1 + rest
        high = m.upper(total, 12)
        lack = _lack(xp, s.softmax, made, axis) if s.lack is None else s.lack
        low = ((1 - high) + rest) + lack

        def less(e: Array, t: m.Split) -> Array:
            return (e - t.high * high) - (t.high * low + t.low * total)

        scale = w / total
        if made is None:  # A compiler would store exponentials of which it needs the label's too.
            d = m.below(xp, logits, s.softmax, axis)
            e, own = xp.exp(d), xp.exp(xp.at_label(d, target.at, axis))
        else:
            e, own = made, xp.at_label(made, target.at, axis)
        # A block without the label has NaN for it, which is put nowhere, but has no derivative.
        own = less(xp.where(xp.isnan(own), xp.zeros_like(own), own), target.own) * scale
        return xp.put(xp.times(less(e, target.other), scale), target.at, own, axis)

    def partition(self, xp: Verbs, target: m.SmoothedLabel, s: Blend) -> Array:
        """Return 1, the whole mass, NaN where the label is no class."""
        return xp.where(xp.isnan(s.label), s.label, xp.ones_like(s.label))


def _lack(xp: Verbs, softmax: m.Normaliser, e: Array, axis: int) -> Array:
    """Return Σ e − 1 − rest: the bits of each term that add exactly, and then the others.

    Beside 2 K each e is rounded to bits that K of them add without a loss; what was cut off is added by
    itself. So the sum has twice as many digits as a plain one, for three more operations on an element.
    """
    # 2 K, but no constant: a compiler would drop what is added and subtracted again.
    large = 2.0 * e.shape[axis] * xp.exp(xp.shifted(softmax.peak, softmax.peak))
    high = (e + large) - large
    low = xp.sum(e - high, axis=axis, keepdims=True)
    return ((xp.sum(high, axis=axis, keepdims=True) - 1) - softmax.rest) + low


def _rest(xp: Verbs, s: Blend) -> Array:
    """Return the normaliser's rest, NaN without a limit and where the label is no class."""
    return xp.where(xp.isnan(s.label), s.label, m.limited(xp, s.softmax))


KERNELS: Forms = {"logits": FromLogits()}
