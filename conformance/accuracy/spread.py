"""D and κ of 3-numerics: by how much rounded differences and cancelling sums may cost digits.

D is the largest |z − m| among the terms within a factor 1000 of the largest: exp turns the half
unit that fl(z − m) is off into that many units. κ is how much larger the terms are than what is
left of them. Both are made of the exact results and of sums of positive terms; that they are
computed in float64 changes their sixteenth digit.
"""

from __future__ import annotations

import numpy as np

from conformance.accuracy.draw import Array

#: The logarithm of the factor beyond which a term does not matter.
REACH = float(np.log(1000.0))


def distances(z: Array) -> Array:
    """Return z − max z of each row, −∞ below a peak of +∞ (float64 overflows for none)."""
    top = z.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        d = z - top
    return np.where(z == top, 0.0, np.where(np.isinf(top), -np.inf, d))


def reach(d: Array, weight: Array) -> Array:
    """Return D: the largest |d| among the terms whose log weight is near the largest."""
    largest = weight.max(axis=-1, keepdims=True)
    counts = (weight >= largest - REACH) & np.isfinite(weight)
    return np.max(np.where(counts, np.abs(np.where(np.isfinite(d), d, 0)), 0), axis=-1)


def beside(d: Array) -> Array:
    """Return the log weights without one peak, −∞ in its place."""
    weight = d.copy()
    weight[np.arange(len(d)), d.argmax(axis=-1)] = -np.inf
    return weight


def condition(size: Array, rest: Array) -> Array:
    """Return κ = Σ|term| / |Σ term|, 1 at least, infinite where nothing is left."""
    with np.errstate(all="ignore"):
        ratio = size / np.abs(rest)
    return np.where(np.isnan(ratio), 1.0, np.maximum(ratio, 1.0))


def softmax(d: Array) -> Array:
    """Return the softmax, for sizes of terms."""
    e = np.exp(d)
    return e / e.sum(axis=-1, keepdims=True)


def cost(p: Array) -> Array:
    """Return |log p|, 0 where p is."""
    return np.abs(np.log(np.where(p > 0, p, 1.0)))


def log_ratio(p: Array, q: Array) -> Array:
    """Return |log(p/q)| to its last digits, 0 where p is 0."""
    with np.errstate(all="ignore"):
        near = np.log1p((q - p) / p)
        far = np.log(p) - np.log(q)
        x = np.abs(np.where((q > p / 2) & (q < 2 * p), near, far))
    return np.where((p == 0) | (q == 0), 0.0, x)
