"""Functions as losses, which engines run by themselves: logarithm, quotient, logsumexp.

The derivatives of the first two are stated here so that 0 · ∞ is 0 in them (R4), where a library's own make
NaN of it. The gradient of the last is the softmax, of rows that lie in parts too.
"""

from __future__ import annotations

from typing import Any

from xent import _math as m
from xent._kernel import Kernel
from xent._typing import Array, Verbs


class Log(Kernel):
    """The logarithm of each element, log x."""

    shape = "element"

    def measure(self, xp: Any, x: Array, target: None, axis: int) -> tuple[Array, None]:
        """Return log x by the library's own function, of which a verb `log` may be made."""
        return xp.api.log(x), None

    def gradient(
        self, xp: Verbs, x: Array, target: None, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return w / x, 0 where w is: entropy has no curvature along a class that does not move (R4)."""
        return m.scaled(xp, w, 1 / x)


class Quotient(Kernel):
    """The quotient of target and prediction, p / q, element by element."""

    shape = "element"

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Array, None]:
        """Return p / q by the operator, of which a verb `divide` may be made."""
        return p / q, None

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return −w p / q², 0 where w is."""
        return m.scaled(xp, w, -(p / q) / q)

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return w / q, 0 where w is."""
        return m.scaled(xp, w, 1 / q)


class LogSumExp(Kernel):
    """The logarithm of the sum of the exponentials of a row, log Σₖ exp zₖ.

    As peak + log1p(rest): the peak's own exponential is 1, and is kept out of the sum of the others, which
    it would drown. Peak and rest stay apart until the end, for the digits of a row that is shifted far.
    """

    def measure(
        self, xp: Verbs, logits: Array, target: None, axis: int
    ) -> tuple[m.Normaliser, Array]:
        """Return the normaliser, peak and rest, and the exponentials."""
        softmax, _, made = m.normaliser(xp, logits, axis)
        return softmax, made

    def merge(self, xp: Verbs, a: m.Normaliser, b: m.Normaliser) -> m.Normaliser:
        """Return the normaliser of a row from those of its halves."""
        return m.merge_normalisers(xp, a, b)

    def value(self, xp: Verbs, s: m.Normaliser) -> Array:
        """Return peak + log1p(rest); an infinite peak is the result itself, but beside a NaN (R5)."""
        whole = xp.isinf(s.peak) & (s.rest >= 0)
        return s.peak + xp.where(whole, xp.zeros_like(s.rest), xp.log1p(s.rest))

    def gradient(
        self,
        xp: Verbs,
        logits: Array,
        target: None,
        s: m.Normaliser,
        made: Any,
        w: Array,
        axis: int,
    ) -> Array:
        """Return the softmax, e / (1 + rest), 0 in a row of −inf (R5)."""
        e = m.exponentials(xp, logits, s, made, axis)
        lost = (s.peak == xp.inf) & (s.rest > 0)
        return xp.times(e, w / (1 + xp.where(lost, xp.full_like(s.rest, xp.nan), s.rest)))


LOG = Log()
QUOTIENT = Quotient()
LOGSUMEXP = LogSumExp()
