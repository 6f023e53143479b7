"""The goals of losses from probabilities, of divergences, and of elementwise losses."""

from __future__ import annotations

import numpy as np

from conformance.accuracy import spread
from conformance.accuracy.draw import Array
from conformance.accuracy.exact import Exact
from conformance.accuracy.goals import Columns, Goal, Goals
from conformance.accuracy.goals import soft as soft_logits


def entropy_probs(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 3; 8 κ with A = |log p|, B = 1."""
    size = spread.cost(columns[0]) + 1
    return np.full(values.power.shape, 3.0), 8 * spread.condition(size, slopes.nearest())


def entropy_log_probs(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 8; 8 κ with A = |log p|, B = 1, both times p.

    The entropy takes an exponential of each class as that of logits does, with nothing rounded
    before it: 8 + D, D = 0.
    """
    (x,) = columns
    finite = np.where(np.isinf(x), 0, x)
    size = np.exp(x) * (1 + np.abs(finite))
    return np.full(values.power.shape, 8.0), 8 * spread.condition(size, slopes.nearest())


def kl_probs(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 3 (1 + κ), κ = Σ|term| / |Σ term|; 8."""
    q, p = columns
    size = np.sum(p * spread.log_ratio(p, q), axis=-1)
    value = 3 * (1 + spread.condition(size, values.nearest()))
    return value, np.full(slopes.power.shape, 8.0)


def nll_probs(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 3 (1 + 1 / |NLL|): the sum Σ t q is rounded before its logarithm; 8."""
    value = 3 * (1 + spread.condition(np.ones(values.power.shape), values.nearest()))
    return value, np.full(slopes.power.shape, 8.0)


def nll_log_probs(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return (6 + D)(1 + 1 / |NLL|); 8 + 2 D, D the largest |x| that is rounded in a difference."""
    x, t = columns
    wanted = spread.distances(np.where(t > 0, x, -np.inf))
    with np.errstate(all="ignore"):
        near = spread.reach(wanted, wanted + np.log(t))
    far = np.where(np.isfinite(wanted), np.abs(wanted), 0)
    value = 6 + near * spread.condition(np.ones(values.power.shape), values.nearest())
    value = value + 3 * spread.condition(np.ones(values.power.shape), values.nearest())
    slope = 8 + np.maximum(near[:, None], far)
    # Where the target has classes of probability 0 alone, there is no limit to ask for.
    return value, np.where(np.isnan(slopes.special), np.inf, slope)


def kl_mixed(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 16 (1 + κ), κ = Σ p (|log p| + |log q|) / KL; as the cross entropy of soft targets."""
    z, p = columns
    d = spread.distances(z)
    with np.errstate(all="ignore"):
        log_q = np.log(np.exp(d).sum(axis=-1, keepdims=True)) - d
    size = np.sum(p * (spread.cost(p) + np.where(p > 0, log_q, 0)), axis=-1)
    value = 16 * (1 + spread.condition(size, values.nearest()))
    return value, soft_logits(columns, values, slopes)[1]


def kl_log_probs(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 16 (1 + κ), κ = Σ p (|log p| + |log q|) / KL; 8."""
    x, p = columns
    size = np.sum(p * (spread.cost(p) + np.where(p > 0, np.abs(x), 0)), axis=-1)
    value = 16 * (1 + spread.condition(size, values.nearest()))
    return value, np.full(slopes.power.shape, 8.0)


def kl_logits(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 16 + D; (8 + max(D, |z − m|)) κ with A and B the two softmax."""
    d_q, d_p = (spread.distances(z) for z in columns)
    q, p = spread.softmax(d_q), spread.softmax(d_p)
    with np.errstate(all="ignore"):
        delta = np.where(np.isfinite(d_p), columns[0] - columns[1], 0)
        eta = delta - np.nansum(p * delta, axis=-1, keepdims=True)
        weight = np.log(np.where(eta > 1, q + p * eta, p * np.minimum(eta * eta, np.abs(eta))))
    weight = np.where(np.isnan(weight), -np.inf, weight)
    finite = [np.where(np.isfinite(d), d, 0) for d in (d_q, d_p)]
    far = np.maximum(np.abs(finite[0]), np.abs(finite[1]))
    slope = 8 + np.maximum(spread.reach(far, np.maximum(d_q, d_p))[:, None], far)
    return 16 + spread.reach(far, weight), slope * spread.condition(q + p, slopes.nearest())


def binary_logits(value: float) -> Goal:
    """Return ``value``; 8 κ with A = (1 − t) σ(z), B = t σ(−z)."""

    def goal(columns: Columns, values: Exact, slopes: Exact) -> Goals:
        z, t = columns
        with np.errstate(over="ignore"):
            size = (1 - t) / (1 + np.exp(-z)) + t / (1 + np.exp(z))
        return _elementwise(value, size, values, slopes)

    return goal


def binary_probs(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 3; 8 κ with A = (1 − t)/(1 − p), B = t/p."""
    p, t = columns
    with np.errstate(all="ignore"):
        size = np.nan_to_num((1 - t) / (1 - p)) + np.nan_to_num(t / p)
    return _elementwise(3.0, size, values, slopes)


def _elementwise(value: float, size: Array, values: Exact, slopes: Exact) -> Goals:
    condition = spread.condition(size, slopes.nearest())
    return np.full(values.power.shape, value), 8 * condition
