"""Jensen–Shannon divergence β D(p‖m) + (1 − β) D(q‖m) of two distributions, m = βp + (1 − β)q.

It is 0 where p = q, and at most H(β) = −β log β − (1 − β) log(1 − β), which two distributions without a
common class have: log 2 where β is ½, and it is symmetric. Of β = 0 and β = 1 it is 0, as the formula says.

References
----------
Lin, Divergence Measures Based on the Shannon Entropy, IEEE Transactions on Information Theory, 1991.
"""

from __future__ import annotations

from dataclasses import dataclass

from xent import _math as m
from xent import _series as series
from xent._kernel import Kernel
from xent._typing import Array, Number, Verbs
from xent.kernels.softmaxes import Alone, OfSoftmaxes


@dataclass(frozen=True)
class FromProbs(Kernel):
    """Jensen–Shannon divergence from probabilities.

    With E(p, m) = p log(p/m) − (p − m), which is never negative, a class adds β E(p, m) + (1 − β) E(q, m):
    what E takes away, β (p − m) + (1 − β)(q − m), is 0. Near p = q, where E is a series, all digits are
    kept, since p − m = (1 − β)(p − q) and q − m = −β (p − q) are known as well as p − q is.
    """

    beta: float = 0.5

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Array, None]:
        """Return Σ β E(p, m) + (1 − β) E(q, m), of 2⁶⁰ p and q: of the smallest β p would be 0."""
        p, q = _UP * p, _UP * q
        terms = _terms(xp, p, q, p - q, self.beta)
        return xp.sum(terms, axis=axis, keepdims=True) / _UP, None

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return (1 − β) log(q/m), and its limit −(1 − β) log(1 − β) where p is 0.

        What the other terms of the derivative give, (1 − β)(1 − (βp + (1 − β)q)/m), is 0.
        """
        return m.scaled(xp, w, _slope(xp, p, q, p - q, self.beta, 1 - self.beta))

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return β log(p/m): it is the same of q and p, with 1 − β for β."""
        return m.scaled(xp, w, _slope(xp, q, p, q - p, 1 - self.beta, self.beta))


@dataclass(frozen=True)
class FromLogits(OfSoftmaxes):
    """Jensen–Shannon divergence of two rows of logits."""

    beta: float = 0.5

    def terms(self, xp: Verbs, p: Array, q: Array, d: Array) -> Array:
        """Return β E(p, m) + (1 − β) E(q, m)."""
        return _terms(xp, p, q, d, self.beta)

    def slope(self, xp: Verbs, p: Array, q: Array, d: Array, alone: Alone) -> Array:
        """Return (1 − β) log(q/m)."""
        return _slope(xp, p, q, d, self.beta, 1 - self.beta)

    def target_slope(self, xp: Verbs, p: Array, q: Array, d: Array, alone: Alone) -> Array:
        """Return β log(p/m)."""
        return _slope(xp, q, p, -d, 1 - self.beta, self.beta)


_UP = 2.0**60
"""What probabilities are multiplied by where only their quotients count: no product of them is subnormal."""


def _terms(xp: Verbs, p: Array, q: Array, d: Array, beta: Number) -> Array:
    """Return what each class adds, d = p − q."""
    middle, nothing = beta * p + (1 - beta) * q, xp.zeros_like(p)
    first = m.scaled(xp, nothing + beta, series.excess(xp, p, middle, (1 - beta) * d))
    second = m.scaled(xp, nothing + (1 - beta), series.excess(xp, q, middle, -beta * d))
    return first + second


def _slope(xp: Verbs, p: Array, q: Array, d: Array, other: Number, own: Number) -> Array:
    """Return (1 − β) log(q/m), the derivative with respect to q, d = p − q, of the weights β and 1 − β.

    Where p is 0 the quotient is 1/(1 − β), whatever q is, 0 in the limit: there q is taken for 1. Where
    x = p/q is below ½ it is log1p(β (1 − x)/(1 − β + βx)), whose derivative is not what 1/q and (1 − β)/m
    differ by.
    """
    alone = p == 0
    if xp.anywhere(lambda: alone):
        q, d = (xp.where(alone, xp.full_like(q, one), x) for one, x in ((1.0, q), (-1.0, d)))
    rare, one = p < q / 2, xp.ones_like(q)

    def beyond() -> Array:
        x = xp.where(rare, p, one) / xp.where(rare, q, one)
        share = own + other * x
        return xp.log1p(other * (1 - x) / xp.where(share == 0, one, share))

    def close() -> Array:
        a, b = (_UP * xp.where(rare, one, x) for x in (p, q))
        difference = _UP * xp.where(rare, xp.zeros_like(d), d)
        return series.log_ratio(xp, b, other * a + own * b, -other * difference)

    return m.scaled(xp, xp.zeros_like(q) + own, series.chosen(xp, rare, beyond, close))
