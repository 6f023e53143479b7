"""Entropy −Σₖ pₖ log pₖ, from probabilities, log-probabilities and logits.

A class with p = 0 adds nothing: 0 log 0 is 0, the limit (R4). There is no target.

References
----------
Shannon, A Mathematical Theory of Communication, 1948.
"""

from __future__ import annotations

from math import e, exp
from typing import NamedTuple

from xent import _math as m
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs

_LOW = 64.0
"""Minus the log-probability below which p is made exp(_LOW) times larger, and p log p smaller:
p itself is subnormal where p log p is not.
"""

_PEAK = tuple(
    map(float.fromhex, ("0x1.78b564p-2", "-0x1.3a6219072a291p-27", "0x1.8f0520a9f21bbp-81"))
)
"""1 / e, where the gradient is 0, in three parts, the first of which any dtype holds."""

_CLOSE = 2.0**-4
"""How far from there the cancelling difference is not taken."""


class FromProbs(Kernel):
    """Entropy from probabilities, −Σₖ pₖ log pₖ.

    Its derivative −log p − 1 is +inf where p is 0, and 0 where p is 1 / e: around there the two terms
    cancel, and it is taken from the distance to 1 / e, which is known to more digits than p has.
    """

    def measure(self, xp: Verbs, probs: Array, target: None, axis: int) -> tuple[Array, None]:
        """Return −Σₖ pₖ log pₖ, to which a class with p = 0 adds nothing (R4)."""
        return xp.sum(m.scaled(xp, probs, 0 - xp.log(probs)), axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, probs: Array, target: None, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return −log p − 1, and −log1p(e p − 1) where the two terms cancel.

        e p − 1 is e (p − 1/e), of a 1/e that has three parts: the first difference is exact.
        """
        first, second, third = _PEAK
        near = xp.abs(probs - first) < _CLOSE
        p = xp.where(near, probs, xp.full_like(probs, first))
        # Each of them by itself: a compiler would add two constants up.
        above = xp.settled(xp.settled(p - first) - second) - third
        close = -xp.log1p(e * above)
        return m.scaled(xp, w, xp.where(near, close, -xp.log(probs) - 1))


class FromLogProbs(Kernel):
    """Entropy from log-probabilities, −Σₖ exp(log pₖ) log pₖ.

    The product is small but normal where its first factor is subnormal and has lost its digits. So no p
    is made as it is where it is that small.
    """

    def measure(self, xp: Verbs, log_probs: Array, target: None, axis: int) -> tuple[Array, None]:
        """Return −Σₖ pₖ log pₖ, the smallest p made larger while they are multiplied.

        Not the product of two roots: that would cost the third of the three ULP that there are.
        """
        low = log_probs < -_LOW
        up = xp.where(low, xp.full_like(log_probs, _LOW), xp.zeros_like(log_probs))
        p = xp.exp(log_probs + up)
        back = xp.where(low, xp.full_like(p, exp(-_LOW)), xp.ones_like(p))
        return xp.sum(m.scaled(xp, p, 0 - log_probs) * back, axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, log_probs: Array, target: None, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return −p (log p + 1), p multiplied in two steps, and 0 where p is 0."""
        r = m.root(xp, log_probs)
        return w * (m.scaled(xp, r, -log_probs - 1) * r)


class Spread(NamedTuple):
    """What entropy needs of a row of logits.

    Attributes
    ----------
    softmax : the row's normaliser
    spread : −Σ eₖ dₖ, with d = z − peak and e = exp d: every term is ≥ 0
    """

    softmax: m.Normaliser
    spread: Array


class FromLogits(Kernel):
    """Entropy from logits, log1p(s) − Σ eₖ dₖ / (1 + s), with d = z − peak and e = exp d.

    s is the sum of the exponentials beside the peak's own. As d ≤ 0 both terms are ≥ 0: of a row that is
    nearly certain, where log Σ exp z − Σ p z leaves nothing, all digits are kept. A masked class, d = −inf,
    adds 0 (R4).

    Limits (R5): a row with one logit at +inf is certain, and its entropy 0. Two, or a row of −inf, are NaN.
    """

    def measure(self, xp: Verbs, logits: Array, target: None, axis: int) -> tuple[Spread, None]:
        """Return the normaliser and −Σ eₖ dₖ, each product as (root · d) · root, root = exp(d / 2).

        Where e is subnormal it has lost its digits, but e d may be large enough to count.
        """
        softmax, d, _ = m.normaliser(xp, logits, axis)
        r = m.root(xp, d)
        spread = xp.sum(m.scaled(xp, r, -d) * r, axis=axis, keepdims=True)
        return Spread(softmax, spread), None

    def merge(self, xp: Verbs, a: Spread, b: Spread) -> Spread:
        """Return the spread of a row from those of its halves, both seen from the higher peak.

        Each e of the lower half is f = exp(down) times smaller, and each d less by ``down``: its part is
        f (spread − (1 + rest) down), again in two steps.
        """
        softmax = m.merge_normalisers(xp, a.softmax, b.softmax)
        parts = []
        for x in (a, b):
            down = xp.shifted(x.softmax.peak, softmax.peak)
            r = m.root(xp, down)
            own = m.scaled(xp, r * (1 + x.softmax.rest), -down)
            parts.append((r * x.spread + own) * r)
        return Spread(softmax, parts[0] + parts[1])

    def value(self, xp: Verbs, s: Spread) -> Array:
        """Return log1p(s) − Σ eₖ dₖ / (1 + s), NaN where the row has no limit."""
        rest = m.limited(xp, s.softmax)
        return xp.log1p(rest) + s.spread / (1 + rest)

    def gradient(
        self, xp: Verbs, logits: Array, target: None, s: Spread, made: None, w: Array, axis: int
    ) -> Array:
        """Return −a (log a + H) = −a (d + −Σ e d / (1 + s)), the logarithm of 1 + s cancelled.

        It is in both log a = d − log1p(s) and H = log1p(s) − Σ e d / (1 + s), and would drown what is left
        of them where all classes are nearly equal.
        """
        d = m.below(xp, logits, s.softmax, axis)
        total = 1 + m.limited(xp, s.softmax)
        r = m.root(xp, d)
        return w * (m.scaled(xp, r, -(d + s.spread / total)) * (r / total))


KERNELS: Forms = {"logits": FromLogits(), "probs": FromProbs(), "log_probs": FromLogProbs()}
