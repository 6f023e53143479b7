"""Logits, probabilities and their logarithms; labels as distributions."""

from __future__ import annotations

from typing import Any

from xent import _check, _dispatch, _dtype
from xent import _math as m
from xent._call import Call, loss
from xent._kernel import Kernel
from xent._plan import along, smooth
from xent._typing import Array, ArrayLike
from xent.losses import _links


def _link(function: str, logits: Any, kernel: Kernel, **options: Any) -> Call:
    return Call(
        function,
        {"logits": logits},
        distributions={"logits": kernel},
        options={"reduction": "none", **options},
        keep_dtype=True,
    )


@loss()
def softmax(logits: ArrayLike, *, axis: int = -1) -> Call:
    """Return the probabilities aⱼ = exp zⱼ / Σₖ exp zₖ.

    Parameters
    ----------
    logits : floating (..., K)
        Logits; −inf is a class of probability 0.
    axis : int, default -1
        The class axis.

    Returns
    -------
    array
        Of the shape and dtype of `logits`; NaN in a row without a limit (all −inf, or two +inf).

    References
    ----------
    D1, "softmax".

    Examples
    --------
    >>> import xent
    >>> print(xent.softmax([0.0, 0.0]))
    [0.5 0.5]
    """
    return _link("softmax", logits, _links.SOFTMAX, axis=axis)


@loss()
def log_softmax(logits: ArrayLike, *, axis: int = -1) -> Call:
    """Return the logarithms of the softmax, zⱼ − log Σₖ exp zₖ.

    Parameters
    ----------
    logits : floating (..., K)
        Logits; −inf is a class of probability 0.
    axis : int, default -1
        The class axis.

    Returns
    -------
    array
        Of the shape and dtype of `logits`, at most 0.

    Notes
    -----
    (z − m) − log1p(s), s the exponentials beside one peak m.

    Examples
    --------
    >>> import xent
    >>> print(xent.log_softmax([20.0, 0.0])[0])
    -2.061153620314...e-09
    """
    return _link("log_softmax", logits, _links.LOG_SOFTMAX, axis=axis)


@loss()
def logsumexp(logits: ArrayLike, *, axis: int = -1) -> Call:
    """Return log Σₖ exp zₖ.

    Parameters
    ----------
    logits : floating (..., K)
        Logits.
    axis : int, default -1
        The class axis, which the result lacks.

    Returns
    -------
    array
        Of the dtype of `logits`; −inf of a row of −inf, +inf where any logit is.

    Examples
    --------
    >>> import xent
    >>> print(xent.logsumexp([0.0, 0.0]))
    0.693147180559945...
    """
    return _link("logsumexp", logits, _links.LOGSUMEXP, axis=axis)


@loss()
def sigmoid(logits: ArrayLike) -> Call:
    """Return the logistic function 1 / (1 + e⁻ᶻ), elementwise.

    Parameters
    ----------
    logits : floating (...)
        Logits z.

    Returns
    -------
    array
        Of the shape and dtype of `logits`.

    References
    ----------
    D1, the hypothesis h of logistic regression.

    Examples
    --------
    >>> import xent
    >>> print(xent.sigmoid(0.0))
    0.5
    """
    return _link("sigmoid", logits, _links.SIGMOID)


@loss()
def log_sigmoid(logits: ArrayLike) -> Call:
    """Return the logarithm of the logistic function, min(z, 0) − log1p(exp(−|z|)), elementwise.

    Parameters
    ----------
    logits : floating (...)
        Logits z.

    Returns
    -------
    array
        Of the shape and dtype of `logits`, at most 0.

    Examples
    --------
    >>> import xent
    >>> print(xent.log_sigmoid(-1000.0))
    -1000.0
    """
    return _link("log_sigmoid", logits, _links.LOG_SIGMOID)


def softmax_jacobian(logits: ArrayLike, *, axis: int = -1) -> Array:
    """Return the derivatives of the softmax, ∂aⱼ/∂zᵢ = aᵢ (δᵢⱼ − aⱼ).

    Parameters
    ----------
    logits : floating (..., K)
        Logits.
    axis : int, default -1
        The class axis.

    Returns
    -------
    array (..., K, K)
        Symmetric in its last two axes, whatever the position of the class axis in `logits`.

    Notes
    -----
    On the diagonal 1 − aᵢ of the peak is s / (1 + s), s the exponentials beside it.

    References
    ----------
    D1, equations (1) and (2).

    Examples
    --------
    >>> import xent
    >>> print(xent.softmax_jacobian([0.0, 0.0]))
    [[ 0.25 -0.25]
     [-0.25  0.25]]
    """
    engine, arrays = _dispatch.resolve({"logits": logits})
    x = arrays["logits"]
    _check.prediction("logits", x)
    axis = _check.axis_of("logits", x, axis)
    return engine.call(_jacobian, x, axis)


def _jacobian(xp: Any, logits: Array, axis: int) -> Array:
    z = xp.moveaxis(_dtype.cast(xp, logits, _dtype.compute_dtype(xp, logits)), axis, -1)
    a, others = m.softmax_and_complement(xp, z, -1)
    jacobian = -(a[..., :, None] * a[..., None, :])
    diagonal = xp.reshape(xp.iota(a, -1), (-1,))
    here = diagonal[:, None] == diagonal[None, :]
    jacobian = xp.where(here, (a * others)[..., :, None], jacobian)
    return _dtype.cast(xp, jacobian, logits.dtype)


def is_distribution(p: ArrayLike, *, axis: int = -1, atol: float | None = None) -> Array:
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
    _check.prediction("p", x)
    axis = _check.axis_of("p", x, axis)
    limit = _check.tolerance(_dtype.eps(x)) if atol is None else _check.at_least_0("atol", atol)
    return engine.call(_is_distribution, x, axis, limit)


def _is_distribution(xp: Any, p: Array, axis: int, atol: float) -> Array:
    x = _dtype.cast(xp, p, _dtype.compute_dtype(xp, p))
    total = xp.sum(x, axis=axis)
    result: Array = xp.all(x >= 0, axis=axis) & (total >= 1 - atol) & (total <= 1 + atol)
    return result


def one_hot(labels: ArrayLike, num_classes: int, *, dtype: Any = None, axis: int = -1) -> Array:
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
    _check.integers("labels", x)
    _check.classes(num_classes)
    axis = _check.new_axis(x, axis)
    if engine.readable(x):
        _check.labels(engine.xp, "labels", x, num_classes, None)
    dtype = engine.xp.floating if dtype is None else dtype
    return engine.call(_one_hot, x, num_classes, dtype, axis)


def _one_hot(xp: Any, labels: Array, num_classes: int, dtype: Any, axis: int) -> Array:
    index = along(_dtype.cast(xp, labels, xp.integer), axis)
    hot = xp.astype(xp.iota_of(labels, num_classes, index.ndim, axis) == index, dtype)
    if not _dtype.is_floating(hot):
        return hot
    inside = (index >= 0) & (index < num_classes)
    return xp.where(inside, hot, xp.full_like(hot, xp.nan))


def smooth_labels(target: ArrayLike, smoothing: float, *, axis: int = -1) -> Array:
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
    _check.distributions("target", x)
    axis = _check.axis_of("target", x, axis)
    return engine.call(_smoothed, x, _check.smoothing("smoothing", smoothing), x.shape[axis])


def _smoothed(xp: Any, target: Array, smoothing: float, classes: int) -> Array:
    x = _dtype.cast(xp, target, _dtype.compute_dtype(xp, target))
    return _dtype.cast(xp, smooth(x, smoothing, classes), target.dtype)
