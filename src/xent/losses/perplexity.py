"""Perplexity: the exponential of a mean cross entropy, of all rows or of each sequence of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, SupportsIndex, Unpack

from xent import _dtype
from xent._call import checked, loss
from xent._check import sequences
from xent._engine import Problem
from xent._options import PerplexityOptions
from xent._request import Call
from xent._rows import divided, exponential
from xent._sparse import TargetLike
from xent._target import along
from xent._typing import A, Array, Maybe, Verbs
from xent.losses.cross_entropy import CALL


class _Sequences(NamedTuple):
    """A checked call that has a perplexity for each index of the rows but along one axis.

    Attributes
    ----------
    rows, counts : what each row costs, and what it counts in a mean
    axis : of the rows, over which the means run
    """

    rows: Problem
    counts: Problem
    axis: int
    returns: None = None

    def value(self) -> Array:
        """Return the perplexities."""
        return self.rows.engine.call(_perplexity, *self._costs(), self.axis)

    def value_and_gradient(self) -> tuple[Array, Array]:
        """Return the perplexities, and the gradient of their sum."""
        engine, costs = self.rows.engine, self._costs()
        value = engine.call(_perplexity, *costs, self.axis)
        return value, engine.run(self._gradient, *costs)

    def _costs(self) -> tuple[Array, Array]:
        return self.rows.value(), self.counts.value()

    def _gradient(self, rows: Array, counts: Array) -> Array:
        engine, plan, operands, *_ = self.rows
        xp = engine.xp
        cost = engine.call(_mean, rows, counts, self.axis)
        share = engine.call(_share, counts, operands.sample_weight, self.axis)
        summed = replace(plan, reduction="sum", even=False)

        def sloped(factor: Array) -> Array:
            w = xp.squeeze(factor, axis=plan.axis) * share
            return engine.value_and_gradient(summed, operands._replace(sample_weight=w))[1]

        return exponential(xp, along(cost, plan.axis), sloped)[1]


def _mean(xp: Verbs, rows: Array, counts: Array, axis: int) -> Array:
    """Return the mean of each sequence, its axis of size 1."""
    total, count = (xp.sum(x, axis=axis, keepdims=True) for x in (rows, counts))
    return divided(xp, total, count)


def _share(xp: Verbs, counts: Array, sample: Array | None, axis: int) -> Array:
    """Return the derivative of the mean by the cost of each row, but for masks and class weights."""
    total = xp.sum(counts, axis=axis, keepdims=True) + xp.zeros_like(counts)
    weight = xp.ones_like(counts) if sample is None else _dtype.cast(xp, sample, counts.dtype)
    return divided(xp, weight, total)


def _perplexity(xp: Verbs, rows: Array, counts: Array, axis: int) -> Array:
    return xp.exp(xp.squeeze(_mean(xp, rows, counts, axis), axis=axis))


def _prepare(function: str, call: Call) -> Any:
    """Check a call; return what runs it."""
    axis = call.sequence_axis
    if axis is None:
        return checked(function, call)
    if call.options.get("denominator") is not None:
        raise sequences.one_mean()
    options: Mapping[str, Any] = {**call.options, "reduction": "none"}
    call = replace(call, finish="none", sequence_axis=None, options=options)
    rows = checked(function, call)
    x = rows.operands.prediction
    # Where each class costs 1 a row costs what it counts.
    options = {**options, "label_smoothing": 0.0, "validate": False}
    ones = {"log_probs": rows.engine.xp.full_like(x, -1.0)}
    counts = checked(function, replace(call, predictions=ones, options=options))
    return _Sequences(rows, counts, sequences.axis_of(axis, x.ndim - 1))


@loss(PerplexityOptions, prepare=_prepare)
def perplexity(
    target: TargetLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    sequence_axis: SupportsIndex | None = None,
    **options: Unpack[PerplexityOptions],
) -> Call[A]:
    """Return the perplexity of predictions: exp of the mean cross entropy in nats.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Labels or distributions; or a `SparseDistribution`.
    probs, logits, log_probs : floating (..., K)
        The prediction, exactly one of them.
    sequence_axis : int, optional
        The axis of the rows, as of labels, along which a sequence lies: each has a perplexity of its
        own. None for one of all rows.

    Returns
    -------
    array
        0-d, or one per sequence; 1 where everything is masked or weighted away.

    Examples
    --------
    >>> import numpy as np, xent
    >>> print(xent.perplexity([0, 3], logits=np.zeros((2, 4))))
    4.0
    >>> padded, q = [[0, 1], [1, -1]], [[[0.5, 0.5], [0.5, 0.5]], [[0.75, 0.25], [1.0, 0.0]]]
    >>> print(xent.perplexity(padded, q, sequence_axis=1, ignore_index=-1))
    [2. 4.]
    """
    forms = {"probs": probs, "logits": logits, "log_probs": log_probs}
    return CALL(target, forms, options=options, finish="exp", sequence_axis=sequence_axis)
