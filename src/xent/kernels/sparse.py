"""Cross entropy of distributions that are given by a few of their classes, −Σⱼ pⱼ log q at index j.

The target is a pair: the indices of the entries among the classes of the block, of which some may be in
other blocks, and their probabilities. All but the gradient with respect to the prediction costs k numbers a
row beside what the normaliser costs.
"""

from __future__ import annotations

from typing import Any

from xent import _math as m
from xent._kernel import Forms
from xent._typing import Array, Verbs
from xent.kernels import distributions as ce


def here(xp: Verbs, x: Array, target: Any, axis: int) -> tuple[Array, Array, Array]:
    """Return what ``x`` has at the entries, their probabilities, 0 elsewhere, and which are in this block."""
    index, p = target
    inside = (index >= 0) & (index < x.shape[axis])
    own = xp.entries(x, xp.where(inside, index, xp.zeros_like(index)), axis)
    return own, xp.where(inside, p, xp.zeros_like(p)), inside


class FromLogits(ce.FromLogits):
    """Cross entropy of a few classes from logits, Σⱼ pⱼ (peak − zⱼ) + P log1p(s), P = Σⱼ pⱼ."""

    def measure(self, xp: Verbs, logits: Array, target: Any, axis: int) -> tuple[ce.Score, Array]:
        """Return the score of the entries, and the exponentials that the normaliser sums."""
        softmax, d, made = m.normaliser(xp, logits, axis, indexed=True)
        (index, _), (below, p, _) = target, here(xp, d, target, axis)
        score = 0 - xp.sum(m.scaled(xp, p, below), axis=axis, keepdims=True)
        top, nothing = index == softmax.place, xp.zeros_like(p)
        own = xp.sum(xp.where(top, p, nothing), axis=axis, keepdims=True)
        others = xp.sum(xp.where(top, nothing, p), axis=axis, keepdims=True)
        return ce.Score(softmax, own, others, score), made

    def gradient(
        self, xp: Verbs, logits: Array, target: Any, s: ce.Score, made: Any, w: Array, axis: int
    ) -> Array:
        """Return P a − p, P in two parts, as `excess_of_softmax` does.

        The two terms in p are added at the entries alone, where those of a class that is named twice add up.
        The first is settled before more of e is added: joined with that, it would lose what it is exact for.
        """
        index, p = target
        e = m.exponentials(xp, logits, s.softmax, made, axis)
        rest = m.limited(xp, s.softmax)
        g = xp.settled(xp.added(s.own * e, index, -p, axis)) + s.others * e
        return xp.times(xp.added(g, index, -p * rest, axis), w / (1 + rest))

    def target_gradient(
        self, xp: Verbs, logits: Array, target: Any, s: ce.Score, w: Array, axis: int
    ) -> Any:
        """Return −log a of each entry."""
        d = xp.shifted(logits, s.softmax.peak)
        below, _, inside = here(xp, d, target, axis)
        return None, _of(xp, inside, w, xp.log1p(m.limited(xp, s.softmax)) - below)

    partition = ce.FromLogits.partition  # the mass of this gradient too


class OfEntries(ce.OfEach):
    """Σⱼ pⱼ cⱼ of what each entry costs by itself."""

    def measure(self, xp: Verbs, x: Array, target: Any, axis: int) -> tuple[Array, None]:
        """Return the sum over the entries."""
        own, p, _ = here(xp, x, target, axis)
        return super().measure(xp, own, p, axis)

    def target_gradient(
        self, xp: Verbs, x: Array, target: Any, s: Array, w: Array, axis: int
    ) -> Any:
        """Return what each entry costs."""
        own, _, inside = here(xp, x, target, axis)
        return None, _of(xp, inside, w, self.cost(xp, own))


class FromProbs(OfEntries, ce.FromProbs):
    """Cross entropy of a few classes from probabilities, −Σⱼ pⱼ log qⱼ."""

    def gradient(
        self, xp: Verbs, probs: Array, target: Any, s: Any, made: None, w: Array, axis: int
    ) -> Array:
        """Return −p / q at the entries."""
        index, p = target
        t = xp.added(xp.zeros_like(probs), index, p, axis)
        return super().gradient(xp, probs, t, s, made, w, axis)


class FromLogProbs(OfEntries, ce.FromLogProbs):
    """Cross entropy of a few classes from log-probabilities, −Σⱼ pⱼ log qⱼ as they are given."""

    def gradient(
        self, xp: Verbs, log_probs: Array, target: Any, s: Any, made: None, w: Array, axis: int
    ) -> Array:
        """Return −p at the entries."""
        index, p = target
        return xp.added(xp.zeros_like(log_probs), index, -w * p, axis)


def _of(xp: Verbs, inside: Array, w: Array, cost: Array) -> Array:
    """Return what the entries of this block cost, times ``w``."""
    return xp.where(inside, m.scaled(xp, w, cost), xp.zeros_like(cost))


KERNELS: Forms = {"logits": FromLogits(), "probs": FromProbs(), "log_probs": FromLogProbs()}
