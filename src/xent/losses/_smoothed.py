"""Cross entropy of smoothed labels from logits: t′ = ε / K, and 1 − ε + ε / K at the label.

No array of targets is made. Where softmax is nearly t′ the gradient is their small difference, in
which every bit that is lost before counts a thousand times: t′ and the sum of the exponentials are
kept in two parts, for three operations more on each element than without.
"""

from __future__ import annotations

from typing import NamedTuple

from xent import _math as m
from xent._kernel import Kernel
from xent._typing import Array, Namespace
from xent.losses import _distributions as ce


class Blend(NamedTuple):
    """The score of the smoothed target, what its normaliser's rest lacks, and the label's logit."""

    score: ce.Score
    lack: Array
    label: Array


def _measure(xp: Namespace, logits: Array, target: m.SmoothedLabel, axis: int) -> Blend:
    softmax, d = m.normaliser(xp, logits, axis)
    label = m.at_label(xp, logits, target.at, axis)
    elsewhere = xp.isnan(label)
    below = xp.where(elsewhere, xp.zeros_like(label), -xp.shifted(label, softmax.peak))
    other, own = (xp.full_like(label, 1.0) * (t.high + t.low) for t in (target.other, target.own))
    score = m.scaled(xp, other, -xp.sum(d, axis=axis, keepdims=True))
    score = score + m.scaled(xp, own - other, below)
    size = logits.shape[axis]
    mass = xp.where(elsewhere, other * size, 1 - other * (target.classes - size))
    return Blend(ce.Score(softmax, mass, score), _lack(xp, softmax, d, axis), label)


def _lack(xp: Namespace, softmax: m.Normaliser, d: Array, axis: int) -> Array:
    """Return Σ exp d − 1 − rest: the bits of each term that add exactly, and then the others."""
    e = xp.exp(d)
    # 2 K, but no constant: a compiler would drop what is added and subtracted again.
    large = 2.0 * d.shape[axis] * xp.exp(xp.shifted(softmax.peak, softmax.peak))
    high = (e + large) - large
    low = xp.sum(e - high, axis=axis, keepdims=True)
    return ((xp.sum(high, axis=axis, keepdims=True) - 1) - softmax.rest) + low


def _merge(xp: Namespace, a: Blend, b: Blend) -> Blend:
    score = ce.merge_scores(xp, a.score, b.score)
    peak = score.softmax.peak
    lack = [x.lack * xp.exp(xp.shifted(x.score.softmax.peak, peak)) for x in (a, b)]
    return Blend(score, lack[0] + lack[1], m.either(xp, a.label, b.label))


def _rest(xp: Namespace, s: Blend) -> Array:
    """Return the normaliser's rest, NaN without a limit and where the label is no class."""
    return xp.where(xp.isnan(s.label), s.label, m.limited(xp, s.score.softmax))


def _value(xp: Namespace, s: Blend) -> Array:
    return s.score.score + xp.log1p(_rest(xp, s))


def _gradient(
    xp: Namespace, logits: Array, target: m.SmoothedLabel, s: Blend, w: Array, axis: int
) -> Array:
    """Return a − t′ as (e − t′ (1 + s)) / (1 + s), the product in two parts."""
    rest, peak = _rest(xp, s), s.score.softmax.peak
    total = 1 + rest
    high = m.upper(total, 12)
    low = ((1 - high) + rest) + s.lack

    def less(e: Array, t: m.Split) -> Array:
        return (e - t.high * high) - (t.high * low + t.low * total)

    scale = w / total
    g = xp.times(less(xp.exp(xp.shifted(logits, peak)), target.other), scale)
    own = less(xp.exp(xp.shifted(s.label, peak)), target.own) * scale
    return xp.put(g, target.at, own, axis)


KERNELS = {"logits": Kernel(_measure, _merge, _value, _gradient)}
