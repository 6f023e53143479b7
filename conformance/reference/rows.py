"""One row at a time: −log probabilities of a prediction in any form, and the links."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from conformance.reference.number import Number, Row, mp


def times(weight: Number, value: Number) -> Number:
    """Multiply, zero times anything being zero (R4)."""
    return mp.zero if weight == 0 else weight * value


def total(values: Sequence[Number]) -> Number:
    """Sum exactly where mpmath can, infinities and NaN included."""
    return sum(values, mp.zero)


@lru_cache(maxsize=1024)
def weights(row: Row) -> Row:
    """Return exp(z − max z), NaN where the row has no limit (R5)."""
    peak = max(row, default=mp.ninf)
    if any(mp.isnan(z) for z in row) or peak == mp.ninf or row.count(mp.inf) > 1:
        return (mp.nan,) * len(row)
    if peak == mp.inf:
        return tuple(mp.one if z == mp.inf else mp.zero for z in row)
    return tuple(mp.zero if z == mp.ninf else mp.exp(z - peak) for z in row)


@lru_cache(maxsize=1024)
def softmax(row: Row) -> Row:
    """Return e^z / Σ e^z."""
    parts = weights(row)
    whole = total(parts)
    return tuple(part / whole for part in parts)


@lru_cache(maxsize=1024)
def surprisal(row: Row) -> Row:
    """Return −log softmax: log1p of the other classes' exponentials over one's own."""
    parts = weights(row)
    # Equal parts have equal answers: a row made by rule has one value in 70 000 places.
    whole = total(parts)
    seen: dict[Number, Number] = {}
    for index, part in enumerate(parts):
        if part not in seen:
            others = total(parts[:index] + parts[index + 1 :]) if len(parts) < 64 else whole - part
            seen[part] = mp.inf if part == 0 else mp.log1p(others / part)
    return tuple(seen[part] for part in parts)


def logsumexp(row: Row) -> Number:
    """Return log Σ e^z; −inf of a row of −inf, +inf where any z is (R5)."""
    peak = mp.nan if any(mp.isnan(z) for z in row) else max(row)
    if not mp.isfinite(peak):
        return peak
    return peak + mp.log(total(weights(row)))


def neg_log(value: Number) -> Number:
    """Return −log p, infinite at 0."""
    if mp.isnan(value):
        return value
    return mp.inf if value == 0 else -mp.log(value)


def costs(form: str, row: Row) -> Row:
    """Return −log q of a row of probabilities, logits or log probabilities."""
    if form == "logits":
        return surprisal(row)
    if form == "log_probs":
        return tuple(-value for value in row)
    return tuple(neg_log(value) for value in row)


def probabilities(form: str, row: Row) -> Row:
    """Return q of a row in any form."""
    if form == "logits":
        return softmax(row)
    if form == "log_probs":
        return tuple(mp.zero if value == mp.ninf else mp.exp(value) for value in row)
    return row


def sigmoid(z: Number) -> Number:
    """Return 1/(1 + e^−z)."""
    if not mp.isfinite(z):
        return mp.one if z == mp.inf else mp.zero if z == mp.ninf else mp.nan
    return 1 / (1 + mp.exp(-z))


def softplus(z: Number) -> Number:
    """Return log(1 + e^z), which is −log σ(−z)."""
    if not mp.isfinite(z):
        return mp.zero if z == mp.ninf else z
    return mp.log1p(mp.exp(z)) if z < 0 else z + mp.log1p(mp.exp(-z))


def divergence(p: Number, q: Number) -> Number:
    """Return p log(p/q), 0 at p = 0 and infinite at q = 0 < p."""
    if mp.isnan(p) or mp.isnan(q):
        return mp.nan
    if p == 0:
        return mp.zero
    if q < p / 2:
        return p * mp.log(p / q) if q else mp.inf
    return -p * mp.log1p((q - p) / p)
