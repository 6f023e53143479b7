"""Losses that are a function f of what a class costs, Σ t f(−log q), with f and f′ as the papers have them.

What `extra` is to the other losses is here the parameters of f.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from conformance.reference.number import Number, Row, mp
from conformance.reference.rows import (
    costs,
    neg_log,
    sigmoid,
    softmax,
    softplus,
    times,
    total,
)


def focal(c: Number, gamma: Number) -> tuple[Number, Number]:
    """p^γ C and its derivative, p = 1 − e^−C."""
    p = -mp.expm1(-c)
    ratio = mp.one if c == 0 else mp.zero if c == mp.inf else c * mp.exp(-c) / p
    return times(p**gamma, c), p**gamma * (1 + gamma * ratio)


def generalized(c: Number, q: Number) -> tuple[Number, Number]:
    """(1 − e^−qC) / q and its derivative."""
    if q == 0:
        return c, mp.one
    return -mp.expm1(-q * c) / q, mp.exp(-q * c)


def poly(c: Number, epsilon: Number) -> tuple[Number, Number]:
    """C + ε p and its derivative."""
    return c - epsilon * mp.expm1(-c), 1 + epsilon * mp.exp(-c)


class Curve(NamedTuple):
    """Cost and slope of a row, by f and f′; and by −df/dq where the chain rule has no limit at q = 0."""

    f: Any
    by_prob: Any = None

    def cost(self, t: Row, form: str, row: Row, own: Row) -> Number:
        """Σ t f(C)."""
        each = zip(t, costs(form, row), strict=True)
        return total([times(a, self.f(c, *own)[0]) for a, c in each])

    def slope(self, t: Row, form: str, row: Row, own: Row) -> Row:
        """By log q: −t f′. By q: −t f′/q. By z: with u = t f′ as of the cross entropy of u."""
        u = tuple(times(a, self.f(c, *own)[1]) for a, c in zip(t, costs(form, row), strict=True))
        if form == "log_probs":
            return tuple(-x for x in u)
        if form == "probs":
            rule = self.by_prob or (lambda q, *_: mp.inf if q == 0 else 1 / q)
            u = t if self.by_prob else u
            return tuple(times(-x, rule(q, *own)) for x, q in zip(u, row, strict=True))
        a = softmax(row)
        beside = [(total(u[:j] + u[j + 1 :]), total(a[:j] + a[j + 1 :])) for j in range(len(row))]
        return tuple(
            p * others - x * rest for p, x, (others, rest) in zip(a, u, beside, strict=True)
        )


def binary_focal(t: Row, form: str, row: Row, own: Row) -> tuple[Number, Row]:
    """Cost and slope of −α t (1 − h)^γ log h − (1 − α) (1 − t) h^γ log(1 − h)."""
    (y,), (x,), (gamma, alpha) = t, row, own
    up, down = (mp.one, mp.one) if alpha < 0 else (alpha, 1 - alpha)
    if form == "probs":
        c = neg_log(x), mp.inf if x == 1 else -mp.log1p(-x)
        d = tuple(mp.inf if v == 0 else 1 / v for v in (x, 1 - x))
    else:
        c, d = (softplus(-x), softplus(x)), (sigmoid(-x), sigmoid(x))
    return _sum((times(up, y), times(down, 1 - y)), [focal(v, gamma) for v in c], d)


def asymmetric(t: Row, _: str, row: Row, own: Row) -> tuple[Number, Row]:
    """Cost and slope of −t (1 − h)^γ₊ log h − (1 − t) g^γ₋ log(1 − g), g = max(h − margin, 0)."""
    (y,), (x,), (negative, positive, margin) = t, row, own
    h, g = sigmoid(x), max(sigmoid(x) - margin, mp.zero)
    c = softplus(-x), softplus(x) if margin == 0 else -mp.log1p(-g)
    slope = times(h, sigmoid(-x) / (sigmoid(-x) + margin)) if g else mp.zero
    return _sum((y, 1 - y), [focal(c[0], positive), focal(c[1], negative)], (sigmoid(-x), slope))


def _sum(t: Row, f: list[tuple[Number, Number]], d: Row) -> tuple[Number, Row]:
    (cost, own), (other_cost, other) = f
    value = times(t[0], cost) + times(t[1], other_cost)
    return value, (times(times(t[1], other), d[1]) - times(times(t[0], own), d[0]),)


def _of_power(p: Number, q: Number) -> Number:
    """p^(q − 1), the derivative of −(1 − p^q) / q."""
    return p ** (q - 1) if p or q >= 1 else mp.inf


GENERALIZED = Curve(generalized, _of_power)
ROWS = {
    "focal_loss": (Curve(focal).cost, Curve(focal).slope),
    "generalized_cross_entropy": (GENERALIZED.cost, GENERALIZED.slope),
    "poly_loss": (Curve(poly).cost, Curve(poly).slope),
}
ELEMENTS = {
    name: (lambda *given, of=of: of(*given)[0], lambda *given, of=of: of(*given)[1])
    for name, of in (("binary_focal_loss", binary_focal), ("asymmetric_loss", asymmetric))
}
