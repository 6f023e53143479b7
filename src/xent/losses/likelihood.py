"""The likelihood of labels under predictions, and its logarithm."""

from __future__ import annotations

from functools import partial
from typing import Literal, SupportsIndex, Unpack

from xent._call import loss
from xent._options import LikelihoodOptions
from xent._request import Call
from xent._typing import A, ArrayLike, Like, Maybe
from xent.kernels import labels
from xent.kernels import likelihood as kernels

_CALL = partial(Call, labels=labels.KERNELS, distributions=kernels.KERNELS)


@loss(differentiable=False)
def likelihood(
    target: ArrayLike,
    probs: Like[A],
    *,
    axis: SupportsIndex = -1,
    reduction: Literal["none", "prod"] = "prod",
) -> Call[A]:
    """Return the likelihood of labels under predictions.

    Σₖ tₖ qₖ of a row, q_y for a label y; the product over the rows is the joint likelihood.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Labels or distributions.
    probs : floating (..., K)
        The prediction.
    axis : int, default -1
        The class axis of the prediction.
    reduction : "none" or "prod"
        One likelihood per row, or the joint one (the default).

    Returns
    -------
    array
        A probability.

    References
    ----------
    D1, the relation of cross entropy and likelihood.

    Examples
    --------
    >>> import xent
    >>> print(xent.likelihood([0, 1], [[0.5, 0.5], [0.25, 0.75]]))
    0.375
    """
    return Call(
        target,
        {"probs": probs},
        labels={"probs": labels.LIKELIHOOD},
        distributions={"probs": kernels.LIKELIHOOD},
        options={"axis": axis, "reduction": reduction},
        reductions=("none", "prod"),
    )


@loss()
def log_likelihood(
    target: ArrayLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    axis: SupportsIndex = -1,
    reduction: Literal["none", "sum", "mean"] = "sum",
) -> Call[A]:
    """Return the logarithm of the likelihood of labels under predictions.

    log Σₖ tₖ qₖ of a row; the sum over the rows is the logarithm of the joint likelihood.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Labels or distributions.
    probs, logits, log_probs : floating (..., K)
        The prediction, exactly one of them.
    axis : int, default -1
        The class axis of the prediction.
    reduction : "none", "sum" or "mean"
        One per row, their sum (the default), or their mean.

    Returns
    -------
    array
        In nats, at most 0.

    References
    ----------
    D1, the relation of cross entropy and likelihood.

    Examples
    --------
    >>> import xent
    >>> print(xent.log_likelihood([0, 1], [[0.5, 0.5], [0.25, 0.75]]))
    -0.9808292530117...
    """
    forms = {"probs": probs, "logits": logits, "log_probs": log_probs}
    options = {"axis": axis, "reduction": reduction}
    return _CALL(target, forms, options=options, finish="negate")


@loss(LikelihoodOptions)
def negative_log_likelihood(
    target: ArrayLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    **options: Unpack[LikelihoodOptions],
) -> Call[A]:
    """Return minus the logarithm of the likelihood of labels under predictions.

    −log Σₖ tₖ qₖ; for labels and one-hot rows this is the cross entropy, for soft targets it is less.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Labels or distributions.
    probs, logits, log_probs : floating (..., K)
        The prediction, exactly one of them.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per row for ``reduction="none"``.

    Notes
    -----
    From logits the miss Σ (1 − t) e is summed by itself, so that a likelihood near 1 keeps its digits.

    References
    ----------
    D1, the relation of cross entropy and likelihood.

    Examples
    --------
    >>> import xent
    >>> print(xent.negative_log_likelihood([0, 1], [[0.5, 0.5], [0.25, 0.75]], reduction="sum"))
    0.9808292530117...
    """
    forms = {"probs": probs, "logits": logits, "log_probs": log_probs}
    return _CALL(target, forms, options=options)
