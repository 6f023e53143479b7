"""Cross entropy of distributions, −Σₖ tₖ log qₖ, from logits, probabilities and log-probabilities.

The target need not sum to 1: class weights and smoothing are already in it. Its sum T is its mass.

A class with t = 0 adds nothing, whatever its q: 0 · ∞ is 0 here (R4), so that a one-hot target beside a
class that is masked by a logit of −inf has a finite loss and gradient. A class with t > 0 beside q = 0
costs inf.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from xent import _math as m
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs


class Score(NamedTuple):
    """What the loss needs of a row of logits and its target.

    Attributes
    ----------
    softmax : the row's normaliser
    own, others : the target's mass at the peak, and beside it: of a nearly certain row, what 1 − t loses;
        of a row without a place of the peak any two parts of it
    score : Σ tₖ (peak − zₖ), of which every term is ≥ 0
    """

    softmax: m.Normaliser
    own: Array
    others: Array
    score: Array

    @property
    def mass(self) -> Array:
        """The target's mass, T = Σ tₖ."""
        return self.own + self.others


class FromLogits(Kernel):
    """Cross entropy of a distribution from logits, Σₖ tₖ (peak − zₖ) + T log1p(s).

    The textbook's T log Σ exp z − Σ t z subtracts two numbers that are as large as the logits are. Seen from
    the row's peak every term is ≥ 0, and nothing cancels. s is the sum of the exponentials exp(zₖ − peak)
    beside the peak's own, which is 1 and would drown it: log1p has all digits of a small one.

    Limits (R5): a class at +inf has the whole mass. Two of them, or a row of −inf, make NaN of the row.
    """

    def measure(self, xp: Verbs, logits: Array, target: Array, axis: int) -> tuple[Score, Array]:
        """Return the score of the target, and the exponentials that the normaliser sums."""
        softmax, d, made = m.normaliser(xp, logits, axis)
        if xp.finite:
            score = 0 - xp.sum(xp.times(d, target), axis=axis, keepdims=True)
        else:
            score = 0 - _sum_of_falls(xp, target, logits, softmax, d, axis)
        return Score(softmax, *xp.parted(target, softmax.place, axis), score), made

    def merge(self, xp: Verbs, a: Score, b: Score) -> Score:
        """Return the score of a row from those of its halves, both seen from the higher peak."""
        softmax, score = merge_scores(xp, a, b)
        behind = a.softmax.peak < b.softmax.peak
        own, lower = xp.where(behind, b.own, a.own), xp.where(behind, a.own, b.own)
        return Score(softmax, own, a.others + b.others + lower, score)

    def value(self, xp: Verbs, s: Score) -> Array:
        """Return Σₖ tₖ (peak − zₖ) + T log1p(s), NaN where the row has no limit."""
        return s.score + (s.own + s.others) * xp.log1p(m.limited(xp, s.softmax))

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Score, made: Any, w: Array, axis: int
    ) -> Array:
        """Return T a − t, a the softmax, in fewer steps where the peak is known to be in this block."""
        e = m.exponentials(xp, logits, s.softmax, made, axis)
        if made is not None:
            return excess_with_peak(xp, e, target, (s.own, s.others), s.softmax, w, axis)
        return excess_of_softmax(xp, e, target, (s.own, s.others), m.limited(xp, s.softmax), w)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Score, w: Array, axis: int
    ) -> Array:
        """Return −log a = log1p(s) + (peak − z), what each class costs: the loss is linear in t."""
        d = xp.shifted(logits, s.softmax.peak)
        return m.scaled(xp, w, xp.log1p(m.limited(xp, s.softmax)) - d)

    def partition(self, xp: Verbs, target: Array, s: Score) -> Array:
        """Return the mass T."""
        return s.mass


def _sum_of_falls(
    xp: Verbs, target: Array, logits: Array, softmax: m.Normaliser, d: Array, axis: int
) -> Array:
    """Return Σ tₖ dₖ, where t = 0 silences an infinite d; of a row of NaN the normaliser is NaN anyway.

    A compiler's loop may do so before it is known where the peak is, and d is 0 there.
    """
    if not xp.alone:
        return xp.sum(m.scaled(xp, target, d), axis=axis, keepdims=True)
    terms = target * xp.shifted(logits, softmax.peak)
    terms = xp.where(target == 0, xp.zeros_like(terms), terms)
    return xp.sum_beside(terms, softmax.place, axis)


def merge_scores(xp: Verbs, a: Any, b: Any) -> tuple[m.Normaliser, Array]:
    """Return ``softmax`` and ``score`` of a row from those of its halves, seen from the higher peak.

    A half that has a lower one scores its mass times the difference more; without mass it scores nothing
    more, were the difference infinite.
    """
    softmax = m.merge_normalisers(xp, a.softmax, b.softmax)
    parts = [
        x.score + m.scaled(xp, x.mass, -xp.shifted(x.softmax.peak, softmax.peak)) for x in (a, b)
    ]
    return softmax, parts[0] + parts[1]


def excess_of_softmax(
    xp: Verbs, e: Array, target: Array, mass: tuple[Array, Array], rest: Array, w: Array
) -> Array:
    """Return T a − t as ((T₁ e − t) + T₂ e − t s) / (1 + s), s the normaliser's ``rest``.

    ``mass`` is T in two parts, of which the first less t is exact at the peak of a nearly certain row, where
    T − 1 would lose what the other classes have, and a − 1 a small s.

    Of a target near the softmax the roundings of e, s and t s are left, κ times over: two units, as
    anywhere. An exact T, exact differences and a fused 1 + s leave no less; t s in two parts would
    double the operations.
    """
    inner = (mass[0] * e - target) + mass[1] * e
    return xp.times(inner - target * rest, w / (1 + rest))


def excess_with_peak(
    xp: Verbs,
    e: Array,
    target: Array,
    mass: tuple[Array, Array],
    softmax: m.Normaliser,
    w: Array,
    axis: int,
) -> Array:
    """Return T a − t of a whole row as (T e − t (1 + s)) / (1 + s), and (T₂ − T₁ s) / (1 + s) at its peak.

    ``mass`` is T₁ = t at the peak and T₂ = T − T₁.
    """
    (own, others), rest = mass, m.limited(xp, softmax)
    inner = xp.times(e, own + others) - target * (1 + rest)
    return xp.times(xp.put(inner, softmax.place, others - own * rest, axis), w / (1 + rest))


class OfEach(Kernel):
    """Σₖ tₖ cₖ, a plain sum of what each class costs by itself."""

    def cost(self, xp: Verbs, x: Array) -> Array:
        """Return c, what each class costs."""
        raise NotImplementedError

    def measure(self, xp: Verbs, x: Array, target: Array, axis: int) -> tuple[Array, None]:
        """Return Σₖ tₖ cₖ, to which a class with t = 0 adds nothing (R4)."""
        return xp.sum(m.scaled(xp, target, self.cost(xp, x)), axis=axis, keepdims=True), None

    def target_gradient(
        self, xp: Verbs, x: Array, target: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return c, in which the loss is linear."""
        return m.scaled(xp, w, self.cost(xp, x))


class FromProbs(OfEach):
    """Cross entropy of a distribution from probabilities, −Σₖ tₖ log qₖ.

    The probabilities are taken as they are: they are neither clipped nor made to sum to 1 (R6).
    """

    def cost(self, xp: Verbs, x: Array) -> Array:
        """Return −log q."""
        return 0 - xp.log(x)

    def gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Any, made: None, w: Array, axis: int
    ) -> Array:
        """Return −t / q, 0 where t is 0, q = 0 or not.

        This is the derivative with respect to each q as if they were free: they need not sum to 1.
        """
        return -m.scaled(xp, w, m.quotient(xp, target, probs))


class FromLogProbs(OfEach):
    """Cross entropy of a distribution from log-probabilities, −Σₖ tₖ log qₖ as they are given.

    They are not normalised: of logits that are not log-probabilities this is no cross entropy.
    """

    def cost(self, xp: Verbs, x: Array) -> Array:
        """Return −log q, as it is given."""
        return 0 - x

    def gradient(
        self, xp: Verbs, log_probs: Array, target: Array, s: Any, made: None, w: Array, axis: int
    ) -> Array:
        """Return −t, as if each log q were free: nothing brings them to a sum of 1."""
        return -w * target


KERNELS: Forms = {"logits": FromLogits(), "probs": FromProbs(), "log_probs": FromLogProbs()}
