"""What one row costs, and its derivative by the row's prediction, loss by loss.

Each function takes the target's weights (one-hot rows for labels; smoothed and class-weighted),
the form of the prediction, its row, and what only one loss has: the weight of the positive part, or
−log of a target that was given as logits. A binary loss has rows of one element.
"""

from __future__ import annotations

from collections.abc import Callable

from conformance.reference import beside, curves, measures
from conformance.reference.number import Number, Row, mp
from conformance.reference.rows import (
    costs,
    divergence,
    neg_log,
    probabilities,
    sigmoid,
    softmax,
    softplus,
    times,
    total,
)


def cross_entropy(t: Row, form: str, row: Row, _: Number) -> Number:
    """−Σ t log q."""
    return total([times(a, b) for a, b in zip(t, costs(form, row), strict=True)])


def cross_entropy_slope(t: Row, form: str, row: Row, _: Number) -> Row:
    """By q: −t/q. By log q: −t. By z: Σₖ(aⱼtₖ − tⱼaₖ), which has no −1 in it."""
    if form == "log_probs":
        return tuple(-a for a in t)
    if form == "probs":
        return tuple(times(-a, mp.inf if q == 0 else 1 / q) for a, q in zip(t, row, strict=True))
    a, mass = softmax(row), total(t)
    if t == a or any(mp.isnan(value) for value in a):
        return tuple(0 * value for value in a)
    rest = [total(a[:j] + a[j + 1 :]) if t[j] else mp.zero for j in range(len(a))]
    return tuple(a[j] * (mass - t[j]) - t[j] * rest[j] for j in range(len(a)))


def entropy(_: Row, form: str, row: Row, __: Number) -> Number:
    """−Σ p log p."""
    return cross_entropy(probabilities(form, row), form, row, __)


def entropy_slope(_: Row, form: str, row: Row, __: Number) -> Row:
    """By p: −log p − 1. By log p: −p(log p + 1). By z: a(−log a − H)."""
    if form == "probs":
        return tuple(cost - 1 for cost in costs(form, row))
    centre = entropy(_, form, row, __) if form == "logits" else mp.one
    pairs = zip(probabilities(form, row), costs(form, row), strict=True)
    return tuple(times(p, cost - centre) for p, cost in pairs)


def kl_divergence(t: Row, form: str, row: Row, own: Row | None) -> Number:
    """Σ t log(t/q)."""
    if form == "probs":
        return total([divergence(p, q) for p, q in zip(t, row, strict=True)])
    # −log t from the target's logits where there are any: a row against itself is then exactly 0.
    triples = zip(t, own or map(neg_log, t), costs(form, row), strict=True)
    return total([p * (cost - mine) for p, mine, cost in triples if p])


def negative_log_likelihood(t: Row, form: str, row: Row, _: Number) -> Number:
    """−log Σ t q."""
    if t.count(0) == len(t) - 1 and 1 in t:
        return cross_entropy(t, form, row, _)
    return neg_log(likelihood(t, form, row, _))


def negative_log_likelihood_slope(t: Row, form: str, row: Row, _: Number) -> Row:
    """By q: −t/Σtq, and by z and log q through the chain rule."""
    if t.count(0) == len(t) - 1 and 1 in t:
        return cross_entropy_slope(t, form, row, _)
    whole = likelihood(t, form, row, _)
    if form == "probs":
        return tuple(-a / whole for a in t)
    joint = [a * q / whole for a, q in zip(t, probabilities(form, row), strict=True)]
    q = probabilities(form, row) if form == "logits" else (mp.zero,) * len(t)
    return tuple(b - a for a, b in zip(joint, q, strict=True))


def likelihood(t: Row, form: str, row: Row, _: Number) -> Number:
    """Σ t q."""
    return total([times(a, b) for a, b in zip(t, probabilities(form, row), strict=True)])


def binary(t: Row, form: str, row: Row, positive: Number) -> Number:
    """−w t log h − (1 − t) log(1 − h)."""
    (y,), (x,) = t, row
    if form == "probs":
        one, zero = neg_log(x), mp.inf if x == 1 else -mp.log1p(-x)
    else:
        one, zero = softplus(-x), softplus(x)
    return times(positive * y, one) + times(1 - y, zero)


def binary_slope(t: Row, form: str, row: Row, positive: Number) -> Row:
    """By z: (1 − t)σ(z) − w t σ(−z). By h: (1 − t)/(1 − h) − w t/h."""
    (y,), (x,) = t, row
    if form == "probs":
        up, down = (mp.inf if v == 0 else 1 / v for v in (1 - x, x))
    else:
        up, down = sigmoid(x), sigmoid(-x)
    return (times(1 - y, up) - times(positive * y, down),)


Cost = Callable[[Row, str, Row, Number], Number]
Slope = Callable[[Row, str, Row, Number], Row]

TABLE: dict[str, tuple[Cost, Slope]] = {
    "cross_entropy": (cross_entropy, cross_entropy_slope),
    "categorical_cross_entropy": (cross_entropy, cross_entropy_slope),
    "sparse_categorical_cross_entropy": (cross_entropy, cross_entropy_slope),
    "perplexity": (cross_entropy, cross_entropy_slope),
    "entropy": (entropy, entropy_slope),
    # D(p‖q) and H(p, q) differ by H(p), which no prediction moves.
    "kl_divergence": (kl_divergence, cross_entropy_slope),
    "negative_log_likelihood": (negative_log_likelihood, negative_log_likelihood_slope),
    "log_likelihood": (negative_log_likelihood, negative_log_likelihood_slope),
    "likelihood": (likelihood, cross_entropy_slope),
    "binary_cross_entropy": (binary, binary_slope),
    **measures.RULES,
    **beside.ROWS,
    **curves.ROWS,
    **curves.ELEMENTS,
}
