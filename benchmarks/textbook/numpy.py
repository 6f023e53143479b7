"""The textbook forms for NumPy and for CuPy, whose arrays NumPy's functions accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.family import How
from benchmarks.textbook import rows


def pick(values: Any, labels: Any, axis: int) -> Any:
    """Return the values at the labels."""
    return np.take_along_axis(values, np.expand_dims(labels, axis), axis).squeeze(axis)


def label_loss(how: How) -> Callable[..., Any]:
    """``max``, ``exp``, ``sum``, ``log``."""

    def loss(labels: Any, logits: Any) -> Any:
        peak = logits.max(axis=how.axis, keepdims=True)
        total = np.exp(logits - peak).sum(axis=how.axis)
        return how.reduce(np.log(total) + peak.squeeze(how.axis) - pick(logits, labels, how.axis))

    return loss


def label_gradient(how: How) -> Callable[..., Any]:
    """Softmax minus one-hot."""

    def both(labels: Any, logits: Any) -> tuple[Any, tuple[Any]]:
        peak = logits.max(axis=how.axis, keepdims=True)
        powers = np.exp(logits - peak)
        total = powers.sum(axis=how.axis, keepdims=True)
        rows = (np.log(total) + peak).squeeze(how.axis) - pick(logits, labels, how.axis)
        slope = powers / total
        index = np.expand_dims(labels, how.axis)
        at_label = np.take_along_axis(slope, index, how.axis) - 1
        np.put_along_axis(slope, index, at_label, how.axis)
        slope /= labels.size
        return rows.mean(), (slope,)

    return both


def binary_loss(how: How) -> Callable[..., Any]:
    """max(z, 0) − z t + log(1 + exp(−|z|))."""
    return lambda target, logits: how.reduce(rows.binary(np, target, logits))


def binary_gradient(how: How) -> Callable[..., Any]:
    """σ(z) − t."""
    value = binary_loss(how)

    def both(target: Any, logits: Any) -> tuple[Any, tuple[Any]]:
        slope = (1 / (1 + np.exp(-logits)) - target) / np.float32(logits.size)
        return value(target, logits), (slope,)

    return both


def mixed_loss(how: How) -> Callable[..., Any]:
    """−Σ t log q, log q by ``max``, ``exp``, ``sum``, ``log``."""

    def loss(target: Any, logits: Any) -> Any:
        shifted = logits - logits.max(axis=how.axis, keepdims=True)
        total = np.exp(shifted).sum(axis=how.axis, keepdims=True)
        return how.reduce((target * (np.log(total) - shifted)).sum(axis=how.axis))

    return loss


def mixed_gradient(how: How) -> Callable[..., Any]:
    """Softmax minus target."""
    return _soft_gradient(how, lambda target, shifted, log_total: log_total - shifted)


def divergence_loss(how: How) -> Callable[..., Any]:
    """Σ p (log p − log q), log q by ``max``, ``exp``, ``sum``, ``log``."""

    def loss(target: Any, logits: Any) -> Any:
        shifted = logits - logits.max(axis=how.axis, keepdims=True)
        log_q = shifted - np.log(np.exp(shifted).sum(axis=how.axis, keepdims=True))
        return how.reduce((target * (np.log(target) - log_q)).sum(axis=how.axis))

    return loss


def divergence_gradient(how: How) -> Callable[..., Any]:
    """The same."""
    return _soft_gradient(
        how, lambda target, shifted, log_total: np.log(target) - shifted + log_total
    )


def teacher_loss(how: How) -> Callable[..., Any]:
    """Σ p (log p − log q) of two log-softmaxes."""

    def loss(teacher: Any, logits: Any) -> Any:
        log_p, log_q = (_log_softmax(x, how.axis) for x in (teacher, logits))
        return how.reduce((np.exp(log_p) * (log_p - log_q)).sum(axis=how.axis))

    return loss


def teacher_gradient(how: How) -> Callable[..., Any]:
    """The same, and the softmax minus the teacher's."""

    def both(teacher: Any, logits: Any) -> tuple[Any, tuple[Any]]:
        log_p, log_q = (_log_softmax(x, how.axis) for x in (teacher, logits))
        p = np.exp(log_p)
        rows = (p * (log_p - log_q)).sum(axis=how.axis)
        return rows.mean(), ((np.exp(log_q) - p) / np.float32(rows.size),)

    return both


def _log_softmax(logits: Any, axis: int) -> Any:
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _soft_gradient(how: How, cost: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    """Return the loss of rows Σ t · cost, and softmax minus target."""

    def both(target: Any, logits: Any) -> tuple[Any, tuple[Any]]:
        shifted = logits - logits.max(axis=how.axis, keepdims=True)
        powers = np.exp(shifted)
        total = powers.sum(axis=how.axis, keepdims=True)
        rows = (target * cost(target, shifted, np.log(total))).sum(axis=how.axis)
        return rows.mean(), ((powers / total - target) / np.float32(rows.size),)

    return both
