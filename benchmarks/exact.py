"""Exact values in float64, in cancellation-free form: what every contender is compared with.

Inputs are float32, so float64 leaves 29 bits to spare, and no formula below subtracts nearly equal
numbers (but for the gradients of soft targets, whose error is counted at the size of their terms).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

BLOCK = 2**21  # elements: the float64 temporaries of a block stay small
PICKED = 2**20  # elements of the gradient that are kept in float64, to count ULP in


class Gradient(NamedTuple):
    """An exact gradient: all of it in float32, and some rows in float64.

    Attributes
    ----------
    whole : float32 (rows, K)
        For the check of every element, in the largest element's scale.
    rows : integer (n,)
        Which rows are kept in full.
    picked, size : float64 (n, K)
        Those rows, and the magnitude whose ULP their error is counted in.
    """

    whole: np.ndarray
    rows: np.ndarray
    picked: np.ndarray
    size: np.ndarray


@dataclass(frozen=True)
class Exact:
    """The exact loss of each row, their mean, and the mean's gradients.

    ``gradients`` and ``axes`` have an entry per differentiated input, an axis as in `rows_first`.
    """

    rows: np.ndarray
    gradients: tuple[Gradient, ...]
    axes: tuple[int | None, ...]

    @property
    def value(self) -> float:
        """The mean of the rows."""
        return float(self.rows.mean())


Block = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]


def rows_first(array: np.ndarray, axis: int | None) -> np.ndarray:
    """Return ``array`` as (rows, K); each element is a row where ``axis`` is None."""
    if axis is None:
        return array.reshape(-1, 1)
    moved = np.moveaxis(array, axis, -1)
    return moved.reshape(-1, moved.shape[-1])


def _blocks(rows: int, classes: int) -> Iterator[slice]:
    step = max(1, BLOCK // classes)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def by_rows(formula: Block, target: np.ndarray, prediction: np.ndarray, axis: int | None) -> Exact:
    """Return the exact results of a loss whose rows do not know each other.

    Parameters
    ----------
    formula : callable
        ``(target, prediction) -> (loss, gradient, size)`` of a float64 block.
    target : (rows,) or (rows, K)
        Already rows first.
    prediction : floating
        Class axis at ``axis``; None where the loss is elementwise.
    """
    flat = rows_first(prediction, axis)
    count, classes = flat.shape
    loss, whole = np.empty(count), np.empty(flat.shape, np.float32)
    keep = max(1, min(count, PICKED // classes))
    rows = np.unique(np.linspace(0, count - 1, keep).astype(int))
    picked, size = [], []
    for part in _blocks(count, classes):
        block, slope, scale = formula(target[part], flat[part].astype(np.float64))
        loss[part] = block
        whole[part] = slope / count
        inside = rows[(rows >= part.start) & (rows < part.stop)] - part.start
        picked.append(slope[inside] / count)
        size.append(scale[inside] / count)
    kept = Gradient(whole, rows, np.concatenate(picked), np.concatenate(size))
    return Exact(loss, (kept,), (axis,))


def softmax_parts(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the shifted logits, their exponentials, and log Σ exp of them, by log1p."""
    peak = logits.argmax(-1)[:, None]
    shifted = logits - np.take_along_axis(logits, peak, -1)
    powers = np.exp(shifted)
    rest = powers.copy()
    np.put_along_axis(rest, peak, 0.0, -1)
    return shifted, powers, np.log1p(rest.sum(-1))


def label_block(labels: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, ...]:
    """−log softmax(z)_y: m − z_y and log Σ exp(z − m), both of them positive."""
    shifted, powers, log_sum = softmax_parts(logits)
    pick = labels[:, None]
    loss = log_sum - np.take_along_axis(shifted, pick, -1)[:, 0]
    slope = powers / powers.sum(-1, keepdims=True)
    np.put_along_axis(slope, pick, 0.0, -1)
    # −(1 − p_y), as the sum of all the others.
    np.put_along_axis(slope, pick, -slope.sum(-1, keepdims=True), -1)
    return loss, slope, np.abs(slope)


def binary_block(target: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, ...]:
    """(1 − t) softplus(z) + t softplus(−z), and (1 − t) σ(z) − t σ(−z)."""
    t = target.astype(np.float64)
    tail = np.log1p(np.exp(-np.abs(logits)))
    loss = (1 - t) * (np.maximum(logits, 0) + tail) + t * (np.maximum(-logits, 0) + tail)
    small = np.exp(-np.abs(logits)) / (1 + np.exp(-np.abs(logits)))
    large = 1 / (1 + np.exp(-np.abs(logits)))
    up, down = np.where(logits >= 0, (large, small), (small, large))
    return loss[:, 0], (1 - t) * up - t * down, (1 - t) * up + t * down


def mixed_block(target: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, ...]:
    """−Σ t log q, every term of it positive, and q Σt − t."""
    t = target.astype(np.float64)
    shifted, powers, log_sum = softmax_parts(logits)
    q = t.sum(-1, keepdims=True) * powers / powers.sum(-1, keepdims=True)
    return (t * (log_sum[:, None] - shifted)).sum(-1), q - t, q + t


def teacher_block(teacher: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same of a teacher's logits: log1p Σ p (expm1 d − d), d = log(q/p) but for its mean, and q − p."""
    p_shifted, p_powers, _ = softmax_parts(teacher.astype(np.float64))
    shifted, powers, _ = softmax_parts(logits)
    p, q = (x / x.sum(-1, keepdims=True) for x in (p_powers, powers))
    d = shifted - p_shifted
    d -= (p * d).sum(-1, keepdims=True)
    return np.log1p((p * (np.expm1(d) - d)).sum(-1)), q - p, q + p


def divergence_block(target: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, ...]:
    """Σ p (log p − log q), and q Σp − p."""
    p = target.astype(np.float64)
    shifted, powers, log_sum = softmax_parts(logits)
    terms = p * (np.log(np.where(p > 0, p, 1.0)) - shifted + log_sum[:, None])
    q = p.sum(-1, keepdims=True) * powers / powers.sum(-1, keepdims=True)
    return terms.sum(-1), q - p, q + p
