"""The goals, in ULP of the output dtype: ``(columns, value, gradient) -> (of value, of gradient)``.

They are those of the package's notes on numerics; D and κ are computed for every row and element.
Where a gradient is a difference A − B its κ is (A + B)/|A − B|. A gradient that is exactly 0 though
its terms are not has no last place to be measured in: its κ is infinite, and it is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from conformance.accuracy import spread
from conformance.accuracy.draw import Array
from conformance.accuracy.exact import Exact
from conformance.exact import FORMATS

Columns = Sequence[Array]
Goals = tuple[Array, Array]
Goal = Callable[[Columns, Exact, Exact], Goals]


def plain(value: float, slope: float) -> Goal:
    """Return goals that no row changes."""

    def goal(columns: Columns, values: Exact, slopes: Exact) -> Goals:
        return np.full(values.power.shape, value), np.full(slopes.power.shape, slope)

    return goal


def _terms(size: Array, slopes: Exact) -> Array:
    return spread.condition(size, slopes.nearest())


def _at_peak(d: Array, peak: Array, elsewhere: Array) -> Array:
    return np.where(d == 0, peak[:, None], elsewhere[:, None])


def labels(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 3 + D; 8 + max(D, |z − m|)."""
    z, hot = columns
    d = spread.distances(z)
    rivals = np.where((hot == 1) & (d == 0), -np.inf, d)
    near = spread.reach(d, rivals)
    here = np.where(hot == 1, near[:, None], spread.reach(d, d)[:, None])
    return 3 + near, 8 + np.maximum(here, np.abs(d))


def soft(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 6 + D; (8 + max(D, |z − m|)) κ with A = T a, B = t."""
    z, t = columns
    d = spread.distances(z)
    with np.errstate(all="ignore"):
        score = np.log(np.where(t > 0, t * np.abs(d), 0)).max(axis=-1, keepdims=True)
        mass = t.sum(axis=-1, keepdims=True)
        weight = np.log(mass) + spread.beside(d)
    near = spread.reach(d, np.where(weight >= score - spread.REACH, weight, -np.inf))
    size = mass * spread.softmax(d) + t
    return 6 + near, _slope(d) * _terms(size, slopes)


def smoothed(smoothing: float) -> Goal:
    """Return the goals of soft targets, with t' = (1 − ε) t + ε / K."""

    def goal(columns: Columns, values: Exact, slopes: Exact) -> Goals:
        z, hot = columns
        return soft((z, (1 - smoothing) * hot + smoothing / z.shape[-1]), values, slopes)

    return goal


def _slope(d: Array) -> Array:
    here = _at_peak(d, spread.reach(d, spread.beside(d)), spread.reach(d, d))
    return 8 + np.maximum(here, np.abs(d))


def log_softmax(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 3 + D; (8 + max(D, |z − m|)) κ with A = 1, B = K a."""
    d = spread.distances(columns[0])
    near = _at_peak(d, spread.reach(d, spread.beside(d)), spread.reach(d, d))
    return 3 + near, _slope(d) * _terms(1 + d.shape[-1] * spread.softmax(d), slopes)


def softmax(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 8 + max(D, |z − m|); 0, exactly."""
    d = spread.distances(columns[0])
    return 8 + np.maximum(spread.reach(d, d)[:, None], np.abs(d)), np.zeros(d.shape)


def jacobian(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return the sum of the goals of the two softmax that are multiplied, or a and 1 − a; nothing."""
    of_softmax, nothing = softmax(columns, values, slopes)
    pairs = of_softmax[:, :, None] + of_softmax[:, None, :]
    own = (of_softmax + _slope(spread.distances(columns[0])))[:, :, None]
    pairs = np.where(np.eye(pairs.shape[-1], dtype=bool), own, pairs)
    return pairs.reshape(len(pairs), -1), nothing


def perplexity(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return (3 + D)(1 + L), 8 + max(D, |z − m|) + (3 + D) L: exp makes L ULP of one of the loss L."""
    z, hot = columns
    d = spread.distances(z)
    with np.errstate(all="ignore"):
        loss = np.log(np.exp(d).sum(axis=-1)) - np.where(hot == 1, d, 0).sum(axis=-1)
    loss = np.where(np.isfinite(loss), loss, 0)
    of_value, of_slope = labels(columns, values, slopes)
    return of_value * (1 + loss), of_slope + (of_value * loss)[:, None]


def chained(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return the softmax's largest goal; (8 + max(D, |z − m|)) κ with A = a t, B = a Σ a t."""
    z, t = columns
    of_softmax, _ = softmax((z,), values, slopes)
    d = spread.distances(z)
    a = np.where(np.isnan(d), 0, spread.softmax(d))
    size = a * (t + np.sum(a * t, axis=-1, keepdims=True))
    weighed = spread.reach(d, np.where(t > 0, d + np.log(np.where(t > 0, t, 1)), -np.inf))
    value = of_softmax.min(axis=-1) + weighed
    return value, (of_softmax + weighed[:, None]) * _terms(size, slopes)


def logsumexp(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 3 (1 + κ), κ = |m| / |lse|; 8 + max(D, |z − m|)."""
    size = np.abs(columns[0].max(axis=-1))
    return 3 * (1 + _terms(size, values)), softmax(columns, values, slopes)[0]


def entropy_logits(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 8 + D; (8 + max(D, |z − m|)) κ with A = |d|, B = Σ a |d|."""
    d = spread.distances(columns[0])
    finite = np.where(np.isinf(d), 0, d)
    weight = spread.beside(d) + np.log1p(np.abs(finite))
    near, a = spread.reach(d, weight), spread.softmax(d)
    size = a * (np.abs(finite) + np.sum(a * np.abs(finite), axis=-1, keepdims=True))
    slope = 8 + np.maximum(near[:, None], np.abs(finite))
    return 8 + near, slope * _terms(size, slopes)


def nll_logits(columns: Columns, values: Exact, slopes: Exact) -> Goals:
    """Return 6 + D; (8 + max(D, |z − m|)) κ with A = a, B = t a / Σ t a."""
    z, t = columns
    d = spread.distances(z)
    wanted = np.where(t > 0, d, -np.inf)
    with np.errstate(all="ignore"):
        hit = spread.distances(wanted)
        aimed = np.where(t > 0, np.exp(hit) * t, 0)
        aimed = aimed / aimed.sum(axis=-1, keepdims=True)
        weigh = [d + np.log(1 - t), hit + np.log(t)]
    near = np.maximum(spread.reach(d, weigh[0]), spread.reach(hit, weigh[1]))
    slope = 8 + np.maximum(near[:, None], np.abs(d))
    judged = slope * _terms(spread.softmax(d) + np.nan_to_num(aimed), slopes)
    # Where the target has several classes, all of them masked, there is no limit to ask for.
    return 6 + near, np.where(
        np.isnan(slopes.special) & (d == 0).any(-1, keepdims=True), np.inf, judged
    )


def _in_halves(goal: Array, dtype: str) -> Array:
    return 0.5 + np.maximum(0.01, goal * 2.0 ** (FORMATS[dtype].bits - FORMATS["float32"].bits))


def in_dtype(goal: Array, dtype: str) -> Array:
    """Return the goal of what half precision rounds once: ½ ULP, and what float32 is off before."""
    return _in_halves(goal, dtype) if dtype in ("float16", "bfloat16") else goal
