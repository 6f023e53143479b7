"""Functions that are no losses: elementwise, along an axis, or a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.reference.number import Number, Row, mp
from conformance.reference.rows import (
    logsumexp,
    neg_log,
    sigmoid,
    softmax,
    softplus,
    surprisal,
    total,
)

Options = Mapping[str, Any]


def self_information(p: Number, options: Options) -> Number:
    """−log p in the base asked for."""
    cost = neg_log(p)
    return cost / mp.log(options["base"]) if options.get("base") else cost


def log_sigmoid(z: Number, _: Options) -> Number:
    """Return log σ(z)."""
    return -softplus(-z)


def jacobian(row: Row) -> list[list[Number]]:
    """aᵢ(δᵢⱼ − aⱼ), the diagonal as aᵢ Σ_{j≠i} aⱼ."""
    a = softmax(row)
    rest = [total(a[:i] + a[i + 1 :]) for i in range(len(a))]
    return [[x * rest[i] if i == j else -x * y for j, y in enumerate(a)] for i, x in enumerate(a)]


def logsumexp_slope(row: Row) -> Row:
    """Return the softmax, 0 of a row of −inf (R5)."""
    return (mp.zero,) * len(row) if max(row) == mp.ninf else softmax(row)


def smoothed(row: Row, share: Number) -> Row:
    """(1 − ε)t + ε/K."""
    return tuple((1 - share) * t + share / len(row) for t in row)


def is_distribution(row: Row, bits: int) -> bool:
    """No probability outside [0, 1], and a sum of 1 but for the rounding of the inputs."""
    inside = all(0 <= p <= 1 for p in row)
    # Each input is half a unit off at most; a document's error is millions of times that.
    return bool(inside and abs(total(row) - 1) <= len(row) * mp.mpf(2) ** -bits)


ELEMENTWISE: dict[str, Callable[[Number, Options], Number]] = {
    "self_information": self_information,
    "sigmoid": lambda z, _: sigmoid(z),
    "log_sigmoid": log_sigmoid,
}
#: Derivatives of the elementwise ones.
SLOPES: dict[str, Callable[[Number], Number]] = {
    "sigmoid": lambda z: sigmoid(z) * sigmoid(-z),
    "log_sigmoid": lambda z: sigmoid(-z),
}
ALONG: dict[str, Callable[[Row], Any]] = {
    "softmax": softmax,
    "log_softmax": lambda row: tuple(-cost for cost in surprisal(row)),
    "logsumexp": logsumexp,
    "softmax_jacobian": jacobian,
    "logsumexp_slope": logsumexp_slope,
}
