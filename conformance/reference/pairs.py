"""Losses of pairs: the logits of all rows with all others, and the chain rule to what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.case import Case
from conformance.reference.number import Array, mp
from conformance.reference.rows import softmax, surprisal

FUNCTIONS = ("contrastive_loss", "sigmoid_contrastive_loss")


def evaluate(case: Case, arrays: Mapping[str, Array], *, sized: bool = False) -> Any:
    """Return the mean over the pairs, or the gradients; ``sized``, the sums of their terms' sizes."""
    a, b = arrays["a"], arrays["b"]
    numbers = {name: mp.mpf(x) for name, x in case.options.items()}
    temperature, bias = numbers.get("temperature"), numbers.get("bias", mp.zero)
    scale = numbers["scale"] if temperature is None else 1 / temperature
    costs, slopes = (_signs if temperature is None else _softmax)(scale * (a @ b.T) + bias)
    if case.quantity != "gradient":
        return costs.sum() / len(a)
    slopes = slopes / len(a)
    if sized:
        a, b, slopes = abs(a), abs(b), abs(slopes)
    by_scale = (slopes * (a @ b.T)).sum()
    rest = [by_scale, slopes.sum()] if temperature is None else [-by_scale / temperature**2]
    parts = [(abs(scale) if sized else scale) * by for by in (slopes @ b, slopes.T @ a)]
    return [*(part.tolist() for part in parts), *(map(abs, rest) if sized else rest)]


def _softmax(z: Array) -> tuple[Array, Array]:
    """Return the cost of each pair, the mean of both directions, and its slopes in the logits."""
    n = len(z)
    costs = [(surprisal(tuple(z[i]))[i] + surprisal(tuple(z[:, i]))[i]) / 2 for i in range(n)]
    rows = np.array([softmax(tuple(row)) for row in z], dtype=object)
    columns = np.array([softmax(tuple(column)) for column in z.T], dtype=object).T
    return np.array(costs, dtype=object), (rows + columns) / 2 - np.eye(n, dtype=int)


def _signs(z: Array) -> tuple[Array, Array]:
    """Return the cost of each question, whether two rows belong together, and its slope."""
    signs = 1 - 2 * np.eye(len(z), dtype=int)
    costs = np.vectorize(lambda x: mp.log1p(mp.exp(x)), otypes=[object])(signs * z)
    slopes = np.vectorize(lambda x: 1 / (1 + mp.exp(-x)), otypes=[object])(signs * z)
    return costs, signs * slopes
