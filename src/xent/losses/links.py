"""From logits to probabilities, their logarithms, their normaliser and their derivatives."""

from __future__ import annotations

from typing import Any, SupportsIndex

from xent import _dispatch, _dtype
from xent._call import loss
from xent._check import structure
from xent._elementary import LOGSUMEXP
from xent._kernel import Kernel
from xent._plan import CLASSES
from xent._request import Call
from xent._typing import A, Array, ArrayLike, Like
from xent.kernels import links


def _link(logits: Any, kernel: Kernel, where: Any = None, **options: Any) -> Call:
    kernel = kernel if where is None else links.AMONG[kernel]
    return Call(
        where,
        {"logits": logits},
        distributions={"logits": kernel},
        options={"reduction": "none", **options},
        soft=None if where is None else CLASSES,
        target_name="target" if where is None else "where",
        keep_dtype=True,
    )


@loss()
def softmax(
    logits: Like[A], *, axis: SupportsIndex = -1, where: ArrayLike | None = None
) -> Call[A]:
    """Return the probabilities aⱼ = exp zⱼ / Σₖ exp zₖ.

    Parameters
    ----------
    logits : floating (..., K)
        Logits; −inf is a class of probability 0.
    axis : int, default -1
        The class axis.
    where : bool, broadcastable to `logits`, optional
        False takes a class out of its row, whatever its logit holds: it has value and
        gradient 0.

    Returns
    -------
    array
        Of the shape and dtype of `logits`; NaN in a row without a limit (all −inf, or two +inf),
        0 in one whose classes are all taken out.

    References
    ----------
    D1, "softmax".

    Examples
    --------
    >>> import xent
    >>> print(xent.softmax([0.0, 0.0]))
    [0.5 0.5]
    """
    return _link(logits, links.SOFTMAX, where, axis=axis)


@loss()
def log_softmax(
    logits: Like[A], *, axis: SupportsIndex = -1, where: ArrayLike | None = None
) -> Call[A]:
    """Return the logarithms of the softmax, zⱼ − log Σₖ exp zₖ.

    Parameters
    ----------
    logits : floating (..., K)
        Logits; −inf is a class of probability 0.
    axis : int, default -1
        The class axis.
    where : bool, broadcastable to `logits`, optional
        False takes a class out of its row, whatever its logit holds: it has value −inf
        and gradient 0.

    Returns
    -------
    array
        Of the shape and dtype of `logits`, at most 0; −inf in a row whose classes are all taken out.

    Notes
    -----
    (z − m) − log1p(s), s the exponentials beside one peak m.

    Examples
    --------
    >>> import xent
    >>> print(xent.log_softmax([20.0, 0.0])[0])
    -2.061153620314...e-09
    """
    return _link(logits, links.LOG_SOFTMAX, where, axis=axis)


@loss()
def logsumexp(
    logits: Like[A], *, axis: SupportsIndex = -1, where: ArrayLike | None = None
) -> Call[A]:
    """Return log Σₖ exp zₖ.

    Parameters
    ----------
    logits : floating (..., K)
        Logits.
    axis : int, default -1
        The class axis, which the result lacks.
    where : bool, broadcastable to `logits`, optional
        False takes a class out of its row, whatever its logit holds: it adds nothing and
        has gradient 0.

    Returns
    -------
    array
        Of the dtype of `logits`; −inf of a row of −inf or without classes, +inf where any
        logit is.

    Examples
    --------
    >>> import xent
    >>> print(xent.logsumexp([0.0, 0.0]))
    0.693147180559945...
    """
    return _link(logits, LOGSUMEXP, where, axis=axis)


@loss()
def sigmoid(logits: Like[A]) -> Call[A]:
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
    return _link(logits, links.SIGMOID)


@loss()
def log_sigmoid(logits: Like[A]) -> Call[A]:
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
    return _link(logits, links.LOG_SIGMOID)


def softmax_jacobian(logits: Like[A], *, axis: SupportsIndex = -1) -> A:
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
    structure.prediction("logits", x, labels=False)
    axis = structure.axis_of("logits", x, axis, empty=True)
    return engine.by_row(_jacobian, x, axis)


def _jacobian(xp: Any, logits: Array, axis: int) -> Array:
    z = xp.moveaxis(_dtype.cast(xp, logits, _dtype.compute_dtype(xp, logits)), axis, -1)
    if z.shape[-1] == 0:
        return _dtype.cast(xp, z[..., :, None] * z[..., None, :], logits.dtype)
    a, others = links.softmax_and_complement(xp, z, -1)
    jacobian = -(a[..., :, None] * a[..., None, :])
    diagonal = xp.reshape(xp.iota(a, -1), (-1,))
    here = diagonal[:, None] == diagonal[None, :]
    jacobian = xp.where(here, (a * others)[..., :, None], jacobian)
    return _dtype.cast(xp, jacobian, logits.dtype)
