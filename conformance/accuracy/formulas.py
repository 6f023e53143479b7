"""Arb's formulas: what a row of classes costs, and its derivative by each class's prediction.

Each takes the distinct classes of a row, a tuple of floats for each, and how often each occurs; it
returns the values (one, or one per class) and the derivatives (one per class). Sums have no term
that cancels where that can be had; where it cannot, the balls say so and the precision is raised.
The formulas are those of `conformance.reference`, but none of its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from math import inf, isinf, isnan, nan

from flint import arb

from conformance.accuracy.balls import Ball, Classes, Formula, Result

Counts = Sequence[int]
Results = tuple[list[Result], list[Result]]
ZERO = arb(0)


class Softmax:
    """A row of logits seen from its peak: dₖ = zₖ − z_peak (None for −∞), eₖ = exp dₖ."""

    def __init__(self, logits: Sequence[float], counts: Counts) -> None:
        self.top = max(logits)
        infinite = sum(n for z, n in zip(logits, counts, strict=True) if z == inf)
        self.lost = any(map(isnan, logits)) or self.top == -inf or infinite > 1
        self.d = [self._below(z) for z in logits]
        self.e = [ZERO if d is None else d.exp() for d in self.d]
        self.peak = logits.index(self.top)
        extra = [n - (k == self.peak) for k, n in enumerate(counts)]
        self.beside = sum((e * n for e, n in zip(self.e, extra, strict=True) if n), ZERO)
        self.total = 1 + self.beside

    def _below(self, z: float) -> Ball | None:
        if z == self.top:
            return ZERO
        return None if isinf(self.top) or z == -inf else arb(z) - arb(self.top)

    def others(self, k: int) -> Ball:
        """Return Σ e over all classes but one k; 1 is among them where k is not the peak."""
        return self.beside if k == self.peak else self.total - self.e[k]

    def costs(self) -> list[Result]:
        """Return −log a: log1p at the peak, where it may be tiny."""
        whole = self.beside.log1p()
        return [inf if d is None else whole - d for d in self.d]


def per_class(formula: Formula) -> Formula:
    """Mark a formula whose values are one per class."""
    formula.per_row = False  # type: ignore[attr-defined]  # a mark on a function
    return formula


def lost(count: int) -> Results:
    """Return NaN everywhere: a row without a limit."""
    return [nan], [nan] * count


def times(weight: Ball, x: Result) -> Result:
    """Multiply, zero times infinity being zero."""
    if not isinstance(x, float):
        return weight * x
    return ZERO if weight.is_zero() else x


def total(terms: Sequence[Result], counts: Counts) -> Result:
    """Sum terms as often as they occur; infinities win."""
    special = [x for x in terms if isinstance(x, float)]
    if special:
        return sum(special)
    return sum((x * n for x, n in zip(terms, counts, strict=True)), ZERO)


def of_logits(formula: Callable[[Softmax, Sequence[float], Counts], Results]) -> Formula:
    """Return the formula of classes (z, t) from one of the row of logits and the targets."""

    @wraps(formula)
    def of_classes(classes: Classes, counts: Counts) -> Results:
        z, t = zip(*classes, strict=True)
        row = Softmax(z, counts)
        return lost(len(z)) if row.lost else formula(row, t, counts)

    return of_classes


def smoothed(smoothing: float) -> Formula:
    """Cross entropy of logits (z, t) with t' = (1 − ε) t + ε / K: Σ t' (−log a); T a − t'."""

    @of_logits
    def formula(row: Softmax, plain: Sequence[float], counts: Counts) -> Results:
        share = arb(smoothing) / sum(counts)
        t = [(1 - arb(smoothing)) * x + share if smoothing else arb(x) for x in plain]
        mass = total(t, counts)
        parts = [times(a, cost) for a, cost in zip(t, row.costs(), strict=True)]
        slopes = [
            ((mass - a) * e - a * row.others(k)) / row.total
            for k, (a, e) in enumerate(zip(t, row.e, strict=True))
        ]
        return [total(parts, counts)], slopes

    return formula


def perplexity(classes: Classes, counts: Counts) -> Results:
    """Return exp of the cross entropy of (z, hot), and that times its derivative."""
    (cost,), slopes = smoothed(0)(classes, counts)
    if isinstance(cost, float):
        return [cost], [_signed(x, cost) for x in slopes]
    return [cost.exp()], [x * cost.exp() for x in slopes]


def _signed(x: Result, infinite: float) -> Result:
    if isinstance(x, float) or isnan(infinite) or x.is_zero():
        return x
    return infinite if x > 0 else -infinite


@per_class
def log_softmax(classes: Classes, counts: Counts) -> Results:
    """Return log a; the derivative of their sum, 1 − K a."""
    row, width = Softmax([z for (z,) in classes], counts), sum(counts)
    if row.lost:
        return [nan] * len(classes), [nan] * len(classes)
    return [-cost for cost in row.costs()], [1 - width * e / row.total for e in row.e]


def jacobian(classes: Classes, counts: Counts) -> Results:
    """Return aᵢ (δᵢⱼ − aⱼ): of every pair of distinct classes, then of each class with itself."""
    row = Softmax([z for (z,) in classes], counts)
    if row.lost:
        return [nan] * (len(classes) + 1) * len(classes), [nan] * len(classes)
    a = [e / row.total for e in row.e]
    own = [x * row.others(k) / row.total for k, x in enumerate(a)]
    return [-x * y for x in a for y in a] + own, [nan] * len(classes)


jacobian.pairs = True  # type: ignore[attr-defined]  # a mark on a function


@per_class
def softmax(classes: Classes, counts: Counts) -> Results:
    """Return a; the derivative of their sum is 0."""
    row = Softmax([z for (z,) in classes], counts)
    if row.lost:
        return [nan] * len(classes), [nan] * len(classes)
    return [e / row.total for e in row.e], [ZERO] * len(classes)


@of_logits
def chained(row: Softmax, t: Sequence[float], counts: Counts) -> Results:
    """Σ t a of (z, t); a (t − Σ t a), the derivative of the softmax in the direction t."""
    a = [e / row.total for e in row.e]
    mean = total([x * y for x, y in zip(a, t, strict=True)], counts)
    return [mean], [x * (arb(own) - mean) for x, own in zip(a, t, strict=True)]


def logsumexp(classes: Classes, counts: Counts) -> Results:
    """Return log Σ exp z; a, and 0 where nothing is summed."""
    row = Softmax([z for (z,) in classes], counts)
    lost = 0.0 if row.top == -inf else nan
    slopes = [lost] * len(classes) if row.lost else [e / row.total for e in row.e]
    if isinf(row.top) or isnan(row.top):
        return [row.top], slopes
    return [arb(row.top) + row.beside.log1p()], slopes


def entropy_logits(classes: Classes, counts: Counts) -> Results:
    """Return log1p(s) − Σ a d; −a (d − Σ a d)."""
    row = Softmax([z for (z,) in classes], counts)
    if row.lost:
        return lost(len(classes))
    terms = [ZERO if d is None else -d * e for d, e in zip(row.d, row.e, strict=True)]
    mean = total(terms, counts) / row.total
    slopes = [
        ZERO if d is None else -e / row.total * (d + mean)
        for d, e in zip(row.d, row.e, strict=True)
    ]
    return [row.beside.log1p() + mean], slopes


@of_logits
def nll_logits(row: Softmax, plain: Sequence[float], counts: Counts) -> Results:
    """−log Σ t a of (z, t), as log1p(Σ (1 − t) e / Σ t e); a (hit − t total) / hit."""
    t = [arb(x) for x in plain]
    hit = total([a * e for a, e in zip(t, row.e, strict=True)], counts)
    if hit.is_zero():
        return [inf], _at_infinity(row, t, counts)
    miss = total([(1 - a) * e for a, e in zip(t, row.e, strict=True)], counts)
    slopes = [
        e * ((1 - a) * hit - a * miss) / (hit * row.total) for a, e in zip(t, row.e, strict=True)
    ]
    return [(miss / hit).log1p()], slopes


def log_likelihood(classes: Classes, counts: Counts) -> Results:
    """Return the same with the sign turned."""
    values, slopes = nll_logits(classes, counts)
    return [-x for x in values], [-x for x in slopes]


def _at_infinity(row: Softmax, t: Sequence[Ball], counts: Counts) -> list[Result]:
    # One class alone has the limit a − t; of several it depends on how they go to −∞.
    if sum(n for x, n in zip(t, counts, strict=True) if not x.is_zero()) != 1:
        return [nan] * len(t)
    return [e / row.total - (not x.is_zero()) for x, e in zip(t, row.e, strict=True)]
