"""Arb's formulas, continued: rows of probabilities, two rows at once, and single elements."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan

from flint import arb

from conformance.accuracy.balls import Ball, Classes, Result
from conformance.accuracy.formulas import (
    ZERO,
    Counts,
    Results,
    Softmax,
    lost,
    of_logits,
    times,
    total,
)


def surprise(p: float) -> Result:
    """Return −log p."""
    return inf if p == 0 else -arb(p).log()


def over(a: Ball, b: Ball) -> Result:
    """Return a / b, 0 where a is and otherwise infinite where b is 0."""
    if a.is_zero():
        return ZERO
    return inf if b.is_zero() else a / b


def less(a: Result, b: Result) -> Result:
    """Return a − b, where one of them may be infinite."""
    if isinstance(a, float) or isinstance(b, float):
        return (a if isinstance(a, float) else 0.0) - (b if isinstance(b, float) else 0.0)
    return a - b


def minus(x: Result) -> Result:
    """Return −x."""
    return -x


def cross_probs(classes: Classes, counts: Counts) -> Results:
    """−Σ t log q of (q, t); −t/q."""
    parts = [times(arb(t), surprise(q)) for q, t in classes]
    return [total(parts, counts)], [minus(over(arb(t), arb(q))) for q, t in classes]


def cross_log_probs(classes: Classes, counts: Counts) -> Results:
    """−Σ t x of (x, t), x a logarithm; −t."""
    parts = [times(arb(t), inf if x == -inf else -arb(x)) for x, t in classes]
    return [total(parts, counts)], [-arb(t) for _, t in classes]


def nll_probs(classes: Classes, counts: Counts) -> Results:
    """−log Σ t q of (q, t); −t / Σ t q."""
    hit = total([arb(t) * arb(q) for q, t in classes], counts)
    value = inf if hit.is_zero() else -hit.log()
    return [value], [minus(over(arb(t), hit)) for _, t in classes]


def likelihood(classes: Classes, counts: Counts) -> Results:
    """Σ t q of (q, t); t."""
    return [total([arb(t) * arb(q) for q, t in classes], counts)], [arb(t) for _, t in classes]


def nll_log_probs(classes: Classes, counts: Counts) -> Results:
    """−log Σ t exp x of (x, t), x a logarithm; −t exp x / Σ t exp x."""
    parts = [ZERO if x == -inf else arb(t) * arb(x).exp() for x, t in classes]
    hit = total(parts, counts)
    if hit.is_zero():
        return [inf], [nan] * len(classes)
    return [-hit.log()], [-part / hit for part in parts]


def entropy_probs(classes: Classes, counts: Counts) -> Results:
    """−Σ p log p; −log p − 1."""
    costs = [surprise(p) for (p,) in classes]
    parts = [times(arb(p), cost) for (p,), cost in zip(classes, costs, strict=True)]
    return [total(parts, counts)], [less(cost, arb(1)) for cost in costs]


def entropy_log_probs(classes: Classes, counts: Counts) -> Results:
    """−Σ x exp x, x = log p; −(x + 1) exp x."""
    xs = [None if x == -inf else arb(x) for (x,) in classes]
    parts = [ZERO if x is None else -x * x.exp() for x in xs]
    return [total(parts, counts)], [ZERO if x is None else -(x + 1) * x.exp() for x in xs]


def _log_ratio(p: float, q: float) -> Result:
    if q == 0:
        return ZERO if p == 0 else inf
    return -inf if p == 0 else -((arb(q) - arb(p)) / arb(p)).log1p()


def kl_probs(classes: Classes, counts: Counts) -> Results:
    """Σ p log(p/q) of (q, p); −p/q."""
    parts = [times(arb(p), _log_ratio(p, q)) for q, p in classes]
    return [total(parts, counts)], [minus(over(arb(p), arb(q))) for q, p in classes]


@of_logits
def kl_mixed(row: Softmax, p: Sequence[float], counts: Counts) -> Results:
    """Σ p (log p − log a) of (z, p), a the softmax of z; P a − p."""
    mass = [arb(x) for x in p]
    parts = [
        ZERO if x == 0 else times(m, cost if isinstance(cost, float) else cost - surprise(x))
        for x, m, cost in zip(p, mass, row.costs(), strict=True)
    ]
    whole = total(mass, counts)
    slopes = [
        ((whole - m) * e - m * row.others(k)) / row.total
        for k, (m, e) in enumerate(zip(mass, row.e, strict=True))
    ]
    return [total(parts, counts)], slopes


def kl_log_probs(classes: Classes, counts: Counts) -> Results:
    """Σ p (log p − x) of (x, p), x a logarithm; −p."""
    parts = [
        ZERO if p == 0 else times(arb(p), inf if x == -inf else -arb(x) - surprise(p))
        for x, p in classes
    ]
    return [total(parts, counts)], [-arb(p) for _, p in classes]


def kl_logits(classes: Classes, counts: Counts) -> Results:
    """Σ (b − a + a log(a/b)) of (z_q, z_p), a and b the softmax of z_p and z_q; b − a.

    With u = log(b/a) a term is a (expm1 u − u) ≥ 0: nothing cancels but what is in u.
    """
    z_q, z_p = zip(*classes, strict=True)
    q, p = Softmax(z_q, counts), Softmax(z_p, counts)
    if q.lost or p.lost:
        return lost(len(z_q))
    if all(_same(x, y) for x, y in zip(q.d, p.d, strict=True)):
        return [ZERO], [ZERO] * len(z_q)
    shift = p.beside.log1p() - q.beside.log1p()
    terms = [
        _excess(e_p / p.total, e_q / q.total, d_q, d_p, shift)
        for e_p, e_q, d_q, d_p in zip(p.e, q.e, q.d, p.d, strict=True)
    ]
    slopes = [a / q.total - b / p.total for a, b in zip(q.e, p.e, strict=True)]
    return [total(terms, counts)], slopes


def _same(x: Ball | None, y: Ball | None) -> bool:
    return x is y or (x is not None and y is not None and bool(x == y))


def _excess(a: Ball, b: Ball, d_q: Ball | None, d_p: Ball | None, shift: Ball) -> Result:
    if d_p is None:
        return b
    if d_q is None:
        return inf
    u = d_q - d_p + shift
    return a * (u.expm1() - u)


def jensen_shannon(classes: Classes, counts: Counts) -> Results:
    """½ Σ (p log(p/m) + q log(q/m)) of (q, p), m = ½(p + q); ½ log(q/m)."""
    terms, slopes = [], []
    for q, p in classes:
        r = ZERO if p == q else (arb(p) - arb(q)) / (arb(p) + arb(q))
        up, down = (r.log1p() if p else -inf), ((-r).log1p() if q else -inf)
        terms.append((times(arb(p), up) + times(arb(q), down)) / 2)
        slopes.append(arb(2).log() / 2 if p == 0 else down / 2)
    return [total(terms, counts)], slopes


def _sigmoid(z: float) -> Ball:
    if z in (inf, -inf):
        return arb(z > 0)
    return 1 / (1 + (-arb(z)).exp()) if z > 0 else arb(z).exp() / (1 + arb(z).exp())


def _softplus(z: float) -> Result:
    if z in (inf, -inf):
        return inf if z > 0 else ZERO
    return arb(z).exp().log1p() if z < 0 else arb(z) + (-arb(z)).exp().log1p()


def sigmoid(classes: Classes, _: Counts) -> Results:
    """Return σ(z); σ(z) σ(−z)."""
    ((z,),) = classes
    return [_sigmoid(z)], [_sigmoid(z) * _sigmoid(-z)]


def log_sigmoid(classes: Classes, _: Counts) -> Results:
    """Return log σ(z); σ(−z)."""
    ((z,),) = classes
    return [minus(_softplus(-z))], [_sigmoid(-z)]


def self_information(classes: Classes, _: Counts) -> Results:
    """Return −log p, and no derivative."""
    ((p,),) = classes
    return [surprise(p)], [nan]


def binary_logits(classes: Classes, _: Counts) -> Results:
    """Return t log(1 + e^−z) + (1 − t) log(1 + e^z) of (z, t); (1 − t) σ(z) − t σ(−z)."""
    ((z, y),) = classes
    t = arb(y)
    value = total([times(t, _softplus(-z)), times(1 - t, _softplus(z))], [1, 1])
    return [value], [(1 - t) * _sigmoid(z) - t * _sigmoid(-z)]


def binary_probs(classes: Classes, _: Counts) -> Results:
    """Return −t log p − (1 − t) log(1 − p) of (p, t); (1 − t)/(1 − p) − t/p."""
    ((p, y),) = classes
    t, q = arb(y), arb(p)
    other = inf if p == 1 else -(-q).log1p()
    value = total([times(t, surprise(p)), times(1 - t, other)], [1, 1])
    return [value], [less(over(1 - t, 1 - q), over(t, q))]
