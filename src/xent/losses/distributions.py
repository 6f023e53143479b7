"""Distributions as targets: whether rows are some, labels made some, and smoothed ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, SupportsIndex

from xent import _dispatch, _dtype
from xent._check import numbers, structure, values
from xent._namespace import Sight
from xent._target import along, smooth
from xent._typing import A, Array, HasShape, Like, R, R_co, Scalar, Verbs


class _Comparable(HasShape, Protocol[R_co]):
    """An array by the type of its comparisons, which is that of its bools."""

    def __lt__(self, other: float, /) -> R_co: ...


class _Divisible(HasShape, Protocol[R_co]):
    """An array by the type of its quotients, which is that of its floats."""

    def __truediv__(self, other: float, /) -> R_co: ...


def is_distribution(
    p: _Comparable[R] | float | Sequence[Any],
    *,
    axis: SupportsIndex = -1,
    atol: Scalar | None = None,
) -> R:
    """Return whether rows are probability distributions: entries ≥ 0 that sum to 1.

    Parameters
    ----------
    p : floating (..., K)
        Candidates.
    axis : int, default -1
        The axis that sums to 1.
    atol : float, optional
        By how much a sum may miss 1: the square root of the dtype's epsilon where None.

    Returns
    -------
    bool array (...)
        One per row; False for NaN.

    References
    ----------
    D2, "probability distribution".

    Examples
    --------
    >>> import xent
    >>> print(xent.is_distribution([[0.5, 0.89, 0.6], [0.05, 0.89, 0.06]]))
    [False  True]
    """
    engine, arrays = _dispatch.resolve({"p": p})
    x = arrays["p"]
    structure.prediction("p", x, labels=False)
    axis = structure.axis_of("p", x, axis)
    limit = values.tolerance(_dtype.eps(x)) if atol is None else numbers.number("atol", atol)
    return engine.call(_is_distribution, x, axis, limit)


def _is_distribution(xp: Verbs, p: Array, axis: int, atol: float) -> Array:
    x = _dtype.cast(xp, p, _dtype.compute_dtype(xp, p))
    total = xp.sum(x, axis=axis)
    return xp.all(x >= 0, axis=axis) & (total >= 1 - atol) & (total <= 1 + atol)


def one_hot(
    labels: _Divisible[R] | float | Sequence[Any],
    num_classes: SupportsIndex,
    *,
    dtype: Any = None,
    axis: SupportsIndex = -1,
) -> R:
    """Return labels as distributions that are certain.

    Parameters
    ----------
    labels : integer (...)
        Class labels.
    num_classes : int
        Size of the new axis.
    dtype : dtype, optional
        Of the result; the library's default float where None.
    axis : int, default -1
        Where the class axis goes.

    Returns
    -------
    array (..., K)
        1 at the label and 0 elsewhere; NaN in the row of a label out of range that is not in host
        memory to be checked.

    Raises
    ------
    ValueError
        For a label out of range, where it can be read.

    Examples
    --------
    >>> import xent
    >>> print(xent.one_hot([1, 0], 2))
    [[0. 1.]
     [1. 0.]]
    """
    engine, arrays = _dispatch.resolve({"labels": labels})
    x = arrays["labels"]
    structure.integers("labels", x)
    classes = structure.classes(num_classes)
    axis = structure.new_axis(x, axis)
    if engine.sight([x]) is Sight.READABLE:
        values.labels(engine.xp, "labels", x, classes, None)
    dtype = engine.xp.floating if dtype is None else dtype
    return engine.call(_one_hot, x, classes, dtype, axis)


def _one_hot(xp: Verbs, labels: Array, num_classes: int, dtype: Any, axis: int) -> Array:
    index = along(_dtype.cast(xp, labels, xp.integer), axis)
    hot = xp.astype(xp.iota_of(labels, num_classes, index.ndim, axis) == index, dtype)
    if not _dtype.is_floating(hot):
        return hot
    inside = (index >= 0) & (index < num_classes)
    return xp.where(inside, hot, xp.full_like(hot, xp.nan))


def smooth_labels(target: Like[A], smoothing: Scalar, *, axis: SupportsIndex = -1) -> A:
    """Return distributions mixed with the uniform one, (1 − ε) t + ε / K.

    Parameters
    ----------
    target : floating (..., K)
        Distributions.
    smoothing : float in [0, 1]
        ε.
    axis : int, default -1
        The class axis, of size K.

    Returns
    -------
    array
        Of the shape and dtype of `target`.

    Examples
    --------
    >>> import xent
    >>> print(xent.smooth_labels([1.0, 0.0], 0.5))
    [0.75 0.25]
    """
    engine, arrays = _dispatch.resolve({"target": target})
    x = arrays["target"]
    structure.distributions("target", x)
    axis = structure.axis_of("target", x, axis)
    return engine.call(_smoothed, x, numbers.number("smoothing", smoothing), x.shape[axis])


def _smoothed(xp: Verbs, target: Array, smoothing: float, classes: int) -> Array:
    x = _dtype.cast(xp, target, _dtype.compute_dtype(xp, target))
    return _dtype.cast(xp, smooth(x, smoothing, classes), target.dtype)
