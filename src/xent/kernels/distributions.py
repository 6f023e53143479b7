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
    mass : the target's mass, T = Σ tₖ
    score : Σ tₖ (peak − zₖ), of which every term is ≥ 0
    """

    softmax: m.Normaliser
    mass: Array
    score: Array


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
        terms = xp.times(d, target) if xp.finite else m.scaled(xp, target, d)
        score = 0 - xp.sum(terms, axis=axis, keepdims=True)
        return Score(softmax, xp.sum(target, axis=axis, keepdims=True), score), made

    def merge(self, xp: Verbs, a: Score, b: Score) -> Score:
        """Return the score of a row from those of its halves, both seen from the higher peak."""
        return merge_scores(xp, a, b)

    def value(self, xp: Verbs, s: Score) -> Array:
        """Return Σₖ tₖ (peak − zₖ) + T log1p(s), NaN where the row has no limit."""
        return s.score + s.mass * xp.log1p(m.limited(xp, s.softmax))

    def gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Score, made: Any, w: Array, axis: int
    ) -> Array:
        """Return T a − t, a the softmax: see `excess_of_softmax`."""
        e = m.exponentials(xp, logits, s.softmax, made, axis)
        return excess_of_softmax(xp, e, target, s, w)

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Array, s: Score, w: Array, axis: int
    ) -> Array:
        """Return −log a = log1p(s) + (peak − z), what each class costs: the loss is linear in t."""
        d = xp.shifted(logits, s.softmax.peak)
        return m.scaled(xp, w, xp.log1p(m.limited(xp, s.softmax)) - d)

    def partition(self, xp: Verbs, target: Array, s: Score) -> Array:
        """Return the mass T."""
        return s.mass


def merge_scores(xp: Verbs, a: Score, b: Score) -> Score:
    """Return the score of a row from those of its halves, both seen from the higher peak.

    A half that has a lower one scores its mass times the difference more; without mass it scores nothing
    more, were the difference infinite.
    """
    softmax = m.merge_normalisers(xp, a.softmax, b.softmax)
    parts = [
        x.score + m.scaled(xp, x.mass, -xp.shifted(x.softmax.peak, softmax.peak)) for x in (a, b)
    ]
    return Score(softmax, a.mass + b.mass, parts[0] + parts[1])


def excess_of_softmax(xp: Verbs, e: Array, target: Array, s: Any, w: Array) -> Array:
    """Return T a − t as ((T e − t) − t s) / (1 + s), exact for a target on the peak alone.

    At the peak of a one-hot row it is −s / (1 + s), where a − 1 would lose a small s. ``s`` has the fields
    ``softmax`` and ``mass``.

    Of a target near the softmax the roundings of e, s and t s are left, κ times over: two units, as
    anywhere. An exact T, exact differences and a fused 1 + s leave no less; t s in two parts would
    double the operations.
    """
    rest = m.limited(xp, s.softmax)
    return xp.times((s.mass * e - target) - target * rest, w / (1 + rest))


class FromProbs(Kernel):
    """Cross entropy of a distribution from probabilities, −Σₖ tₖ log qₖ.

    The probabilities are taken as they are: they are neither clipped nor made to sum to 1 (R6).
    """

    def measure(self, xp: Verbs, probs: Array, target: Array, axis: int) -> tuple[Array, None]:
        """Return −Σₖ tₖ log qₖ, to which a class with t = 0 adds nothing."""
        return xp.sum(m.scaled(xp, target, 0 - xp.log(probs)), axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Any, made: None, w: Array, axis: int
    ) -> Array:
        """Return −t / q, 0 where t is 0, q = 0 or not.

        This is the derivative with respect to each q as if they were free: they need not sum to 1.
        """
        return -m.scaled(xp, w, m.quotient(xp, target, probs))

    def target_gradient(
        self, xp: Verbs, probs: Array, target: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return −log q, what each class costs."""
        return m.scaled(xp, w, 0 - xp.log(probs))


class FromLogProbs(Kernel):
    """Cross entropy of a distribution from log-probabilities, −Σₖ tₖ log qₖ as they are given.

    They are not normalised: of logits that are not log-probabilities this is no cross entropy.
    """

    def measure(self, xp: Verbs, log_probs: Array, target: Array, axis: int) -> tuple[Array, None]:
        """Return −Σₖ tₖ log qₖ, to which a class with t = 0 adds nothing."""
        return xp.sum(m.scaled(xp, target, 0 - log_probs), axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, log_probs: Array, target: Array, s: Any, made: None, w: Array, axis: int
    ) -> Array:
        """Return −t, as if each log q were free: nothing brings them to a sum of 1."""
        return -w * target

    def target_gradient(
        self, xp: Verbs, log_probs: Array, target: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return −log q, what each class costs."""
        return m.scaled(xp, w, 0 - log_probs)


KERNELS: Forms = {"logits": FromLogits(), "probs": FromProbs(), "log_probs": FromLogProbs()}
