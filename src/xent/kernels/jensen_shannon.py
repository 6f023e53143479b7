"""Jensen–Shannon divergence ½ D(p‖m) + ½ D(q‖m) of two distributions, m = ½(p + q).

It is symmetric, 0 where p = q, and at most log 2, which two distributions without a common class have.

References
----------
Lin, Divergence Measures Based on the Shannon Entropy, IEEE Transactions on Information Theory, 1991.
"""

from __future__ import annotations

from xent import _math as m
from xent import _series as series
from xent._kernel import Kernel
from xent._typing import Array, Verbs


class FromProbs(Kernel):
    """Jensen–Shannon divergence from probabilities, ½ D(p‖m) + ½ D(q‖m), m = ½(p + q).

    Of r = (p − q)/(p + q), with which p = m (1 + r) and q = m (1 − r), a class adds

        ½ m ((1 + r) log(1 + r) + (1 − r) log(1 − r)) = ½ m (r² + r⁴/6 + r⁶/15 + …)

    Seen from m both distributions are as far, on opposite sides: this is why the odd powers drop out.

    The left side cancels where p is near q, and leaves even the sign to chance; the right side is exact
    there and never negative. A class in which both are 0 adds nothing (R4).
    """

    def measure(self, xp: Verbs, q: Array, p: Array, axis: int) -> tuple[Array, None]:
        """Return Σ (p + q)/4 · ((1 + r) log(1 + r) + (1 − r) log(1 − r)), r = (p − q)/(p + q).

        By the series in r where p is near q, and where it is not as half of p log(p/m) + q log(q/m).
        The target is p and the prediction q, but neither is more than the other.
        """
        r = series.contrast(xp, p, q)
        near = m.magnitude(xp, r) < series.NEAR
        close = (p + q) * series.even_tail(xp, xp.where(near, r, xp.zeros_like(r))) / 4
        far = (m.scaled(xp, p, _log_half(xp, p, q)) + m.scaled(xp, q, _log_half(xp, q, p))) / 2
        return xp.sum(xp.where(near, close, far), axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return ½ log(q / ½(p + q)), and its limit ½ log 2 where p is 0.

        What the other terms of the derivative give, ½ (1 − (p + q)/(2m)), is 0.
        """
        return _slope(xp, q, p, w)

    def target_gradient(
        self, xp: Verbs, q: Array, p: Array, s: Array, w: Array, axis: int
    ) -> Array:
        """Return ½ log(p / ½(p + q)): the divergence is symmetric, and so is its derivative."""
        return _slope(xp, p, q, w)


def _slope(xp: Verbs, q: Array, p: Array, w: Array) -> Array:
    """Return ½ log(q / ½(p + q)), the derivative with respect to q.

    Where p is 0 the quotient is 2, whatever q is, 0 in the limit: there q is taken for 1.
    """
    alone = xp.where(p == 0, xp.ones_like(q), q)
    return m.scaled(xp, w, _log_half(xp, alone, p) / 2)


def _log_half(xp: Verbs, p: Array, q: Array) -> Array:
    """Return log(p / ½(p + q)), 0 where both are 0.

    As log(1 + r) where p is near q, to its last digits; elsewhere as the logarithm of the quotient, in
    which 2 (p / (p + q)) cannot overflow. −inf where p alone is 0.
    """
    r = series.contrast(xp, p, q)
    near = m.magnitude(xp, r) < series.NEAR
    small = xp.where(near, r, xp.zeros_like(r))
    one, nothing = xp.ones_like(r), p == 0
    both = xp.where(p + q == 0, one, p + q)
    far = xp.log(xp.where(near | nothing, one, 2 * (p / both)))
    # Of p = 0 the quotient's derivative would be 0 · ∞.
    alone = nothing & (q != 0)
    limit = xp.log(xp.where(alone, p, one)) - xp.log(xp.where(alone, both, one))
    return xp.where(near, xp.log1p(small), xp.where(nothing, limit, far))


KERNEL = FromProbs()
