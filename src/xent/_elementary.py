"""The logarithm and the quotient as losses of one element, for libraries that differentiate a gradient.

Their derivatives are stated here so that 0 · ∞ is 0 in them (R4), where a library's own make NaN of it.
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


LOG = Log()
QUOTIENT = Quotient()
