"""Functions f of the cross entropy C of a class, each with its derivative: losses, but for what C is made of.

The share of the other classes, p = 1 − q_y, is −expm1(−C): near certainty, where 1 − q_y has no digit left,
it has all that C has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xent import _series as series
from xent._kernel import lacking
from xent._typing import Array, Number, Verbs

Shares = tuple[Array, Array]
"""1 − q and q of a class."""


@dataclass(frozen=True)
class Curve:
    """A function f of a cross entropy C ≥ 0, with its parameter in a field.

    `f` and `df` are f and f′ of what is finite, and smooth. Of an infinite C, `lost` is f and `dull` f′, and
    `certain` is f′(0), each for itself, so that no derivative multiplies what is infinite by 0.
    """

    def f(self, xp: Verbs, c: Array) -> Array:
        """Return f(C)."""
        raise lacking(self, "f", "f(C)")

    def df(self, xp: Verbs, c: Array) -> Array:
        """Return f′(C)."""
        raise lacking(self, "df", "f′(C)")

    def certain(self) -> Number:
        """Return f′(0)."""
        raise lacking(self, "certain", "f′(0)")

    def lost(self, xp: Verbs, c: Array) -> Array:
        """Return f(C) of an infinite C."""
        return c

    def dull(self) -> Number:
        """Return f′(∞)."""
        return 1.0

    def given(self, shares: Callable[[], Shares]) -> Curve:
        """Return the curve of a C of which p = 1 − e^−C and q = e^−C are known to all their digits."""
        return self

    def cost(self, xp: Verbs, c: Array) -> Array:
        """Return f(C) of any C."""
        if not xp.maybe(lambda: c == xp.inf):
            return self.f(xp, c)
        lost = c == xp.inf
        return xp.where(lost, self.lost(xp, c), self.f(xp, xp.where(lost, 1.0, c)))

    def slope(self, xp: Verbs, c: Array) -> Array:
        """Return f′(C) of any C."""
        if not xp.anywhere(lambda: c == xp.inf):  # which a bounded f would not show
            return self.df(xp, c)
        lost = c == xp.inf
        return xp.where(lost, xp.number(self.dull(), c), self.df(xp, xp.where(lost, 1.0, c)))

    def slope_in_logits(self, xp: Verbs, c: Array) -> Array:
        """Return f′(C), a constant where C is 0: an infinite f″ is multiplied by 0 there in logits."""
        if xp.finite and not xp.anywhere(lambda: c == 0):
            return self.slope(xp, c)
        sure = c == 0
        return xp.where(sure, xp.number(self.certain(), c), self.slope(xp, xp.where(sure, 1.0, c)))

    def fall(self, xp: Verbs, probs: Array, c: Array) -> Array:
        """Return f′(C) / q, −df/dq of a probability q; where f′(∞) is 0 that of q = 0 is to be stated."""
        return xp.divide(self.slope(xp, c), probs)


@dataclass(frozen=True)
class Focal(Curve):
    """f(C) = p^γ C, with p = 1 − e^−C."""

    gamma: Number

    def given(self, shares: Callable[[], Shares]) -> FocalOfShares:
        """Return the curve that makes p^γ of p."""
        return FocalOfShares(self.gamma, *shares())

    def f(self, xp: Verbs, c: Array) -> Array:
        """Return p^γ C; where C is 0 the power is a constant, of which a derivative may be infinite."""
        sure = c <= 0
        power = self._share(xp, xp.where(sure, 1.0, c))
        return xp.where(sure, xp.number(self.certain(), c), power) * c

    def df(self, xp: Verbs, c: Array) -> Array:
        """Return p^γ (1 + γ C / (e^C − 1)); a C that rounding has made negative is 0."""
        c = xp.where(c < 0, 0.0, c)
        ratio = xp.divide(xp.exp(-c), series.expm1_ratio(xp, -c))
        return self._share(xp, c) * (1 + self.gamma * ratio)

    def certain(self) -> Number:
        """Return 1 for γ = 0, else 0."""
        return 0.0**self.gamma

    def power(self, xp: Verbs, p: Array) -> Array:
        """Return p^γ, of p = 0 a constant: a derivative may be infinite there."""
        gamma = xp.number(self.gamma, p)
        if xp.finite:
            return p**gamma
        none = p == 0
        return xp.where(none, xp.number(self.certain(), p), xp.where(none, 1.0, p) ** gamma)

    def _share(self, xp: Verbs, c: Array) -> Array:
        """Return p^γ."""
        return (-xp.expm1(-c)) ** xp.number(self.gamma, c)


@dataclass(frozen=True, eq=False)
class FocalOfShares(Focal):
    """The same where p = 1 − e^−C and q = e^−C are known: without an expm1.

    f′ is 0 / 0 where C is 0, of which `slope_in_logits` takes care. Arrays do not compare: nor do these.
    """

    p: Array
    q: Array

    def cost(self, xp: Verbs, c: Array) -> Array:
        """Return f(C); that of an infinite C is infinite by itself, where nobody differentiates it."""
        return self.f(xp, c) if xp.alone else super().cost(xp, c)

    def slope(self, xp: Verbs, c: Array) -> Array:
        """Return f′(C); of an infinite C the loss is infinite, and so seen."""
        return self.df(xp, c) if xp.finite else super().slope(xp, c)

    def f(self, xp: Verbs, c: Array) -> Array:
        """Return p^γ C."""
        return self.power(xp, self.p) * c

    def df(self, xp: Verbs, c: Array) -> Array:
        """Return p^γ (1 + γ C q / p)."""
        p = self.p if xp.finite else xp.where(self.p == 0, 1.0, self.p)
        ratio = xp.divide(c * self.q, p)
        return self.power(xp, self.p) * (1 + xp.number(self.gamma, c) * ratio)

    def rise(self, xp: Verbs, c: Array) -> Array:
        """Return p f′(C) = p^γ (p + γ q C), also of an infinite C, beside which q is 0."""
        if xp.maybe(lambda: c == xp.inf):
            c = xp.where(c == xp.inf, 1.0, c)
        return self.power(xp, self.p) * (self.p + xp.number(self.gamma, c) * (self.q * c))


@dataclass(frozen=True)
class Generalized(Curve):
    """f(C) = (1 − e^−qC) / q, with C itself at q = 0."""

    q: Number

    def f(self, xp: Verbs, c: Array) -> Array:
        """Return C · expm1(−qC) / (−qC)."""
        return c * series.expm1_ratio(xp, -self.q * c)

    def df(self, xp: Verbs, c: Array) -> Array:
        """Return e^−qC."""
        return xp.exp(-self.q * c)

    def certain(self) -> Number:
        """Return 1."""
        return 1.0

    def lost(self, xp: Verbs, c: Array) -> Array:
        """Return 1/q."""
        rate = self.q * xp.ones_like(c)
        return xp.where(rate > 0, 1 / xp.where(rate > 0, rate, 1.0), c)

    def dull(self) -> Number:
        """Return 0, but 1 for q = 0."""
        return 0.0**self.q

    def fall(self, xp: Verbs, probs: Array, c: Array) -> Array:
        """Return q_y^q / q_y: a power of −log q_y, or with a rounded q − 1, loses digits of a small q_y."""
        q = xp.number(self.q, c)
        none, limit = probs == 0, 0.0 ** (1 - q)
        power = xp.where(none, 1.0, probs) ** q
        return xp.divide(power, xp.where(none, (1 - limit) * probs + limit, probs))


@dataclass(frozen=True)
class Poly(Curve):
    """f(C) = C + ε p, with p = 1 − e^−C."""

    epsilon: Number

    def f(self, xp: Verbs, c: Array) -> Array:
        """Return (1 + ε) p + (C − p), of which no term is negative for ε ≥ −1."""
        near = c < series.NEAR
        inner, outer = xp.where(near, c, 0.0), xp.where(near, 1.0, c)
        rest = xp.where(near, series.expm1_tail(xp, -inner), outer + xp.expm1(-outer))
        return rest - self.certain() * xp.expm1(-c)

    def df(self, xp: Verbs, c: Array) -> Array:
        """Return p + (1 + ε) e^−C."""
        return self.certain() * xp.exp(-c) - xp.expm1(-c)

    def certain(self) -> Number:
        """Return 1 + ε."""
        return 1 + self.epsilon
