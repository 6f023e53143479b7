"""Cross entropy of labels or distributions."""

from __future__ import annotations

from functools import partial
from typing import Unpack

from xent._call import loss
from xent._options import CrossEntropyOptions
from xent._request import Call
from xent._sparse import TargetLike
from xent._typing import A, ArrayLike, Maybe
from xent.kernels import distributions, labels, smoothed, sparse

CALL = partial(
    Call,
    labels=labels.KERNELS,
    distributions=distributions.KERNELS,
    smoothed=smoothed.KERNELS,
    sparse=sparse.KERNELS,
)
"""A call of whatever is made of the cross entropy."""


@loss(CrossEntropyOptions)
def cross_entropy(
    target: TargetLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    **options: Unpack[CrossEntropyOptions],
) -> Call[A]:
    """Return the cross entropy of predictions with labels or distributions.

    H(t, q) = −Σₖ tₖ log qₖ; −log q_y for a label y.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Class labels, of the prediction's shape without `axis`, or distributions, of exactly its
        shape; or a `SparseDistribution` of a few classes a row.
    probs, logits, log_probs : floating (..., K)
        The prediction, exactly one of them. Probabilities are neither clipped nor normalised.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per row for ``reduction="none"``. Of the
        library, device and dtype of the prediction, float32 for half precision.

    Raises
    ------
    TypeError
        For arrays of two libraries (but NumPy's beside JAX's or Dask's), a prediction that is not
        floating, a boolean target, or not exactly one prediction.
    ValueError
        For shapes that do not match, labels or probabilities out of range where values are
        checked, and a mean over no rows.

    Notes
    -----
    From logits the label is taken out before it can drown its rivals: with m = max_{j≠y} zⱼ,
    s = Σ_{j≠y} exp(zⱼ − m), d = z_y − m and t = e^−|d| the loss is log1p(s t) where d ≥ 0, and
    log(s + t) − d elsewhere; what the rounded d lacks is added back.
    Zero times infinity is zero, and nothing is clipped. The gradient in the logits is a − y [1]_.

    References
    ----------
    .. [1] The softmax regression of D1, equation (3); the definition in D1 and D2.
    .. [2] Gemma Team, "Gemma 2: Improving Open Language Models at a Practical Size", 2024.
    .. [3] Chowdhery et al., "PaLM: Scaling Language Modeling with Pathways", 2022, section 5.

    Examples
    --------
    >>> import numpy as np, xent
    >>> loss = xent.cross_entropy([0, 1], logits=np.array([[20.0, 0.0], [1.0, 3.0]]))
    >>> print(loss)
    0.0634640065520...
    >>> bits = xent.cross_entropy([0.25] * 4, [0.25, 0.5, 0.125, 0.125], base=2)
    >>> print(f"{float(bits):.6g}")
    2.25
    """
    forms = {"probs": probs, "logits": logits, "log_probs": log_probs}
    return CALL(target, forms, options=options)


@loss(CrossEntropyOptions)
def categorical_cross_entropy(
    target: TargetLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    **options: Unpack[CrossEntropyOptions],
) -> Call[A]:
    """Return the cross entropy of predictions with distributions, one-hot or soft.

    H(t, q) = −Σₖ tₖ log qₖ. `cross_entropy`, but labels raise.

    Parameters
    ----------
    target : floating (..., K)
        Distributions, of exactly the prediction's shape; or a `SparseDistribution`.
    probs, logits, log_probs : floating (..., K)
        The prediction, exactly one of them.

    Returns
    -------
    array
        As of `cross_entropy`.

    References
    ----------
    D2, "categorical cross entropy".

    Examples
    --------
    >>> import xent
    >>> t = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    >>> q = [[0.9, 0.05, 0.05], [0.05, 0.89, 0.06], [0.05, 0.01, 0.94]]
    >>> print(xent.categorical_cross_entropy(t, q))
    0.094589911877288...
    """
    forms = {"probs": probs, "logits": logits, "log_probs": log_probs}
    return CALL(target, forms, options=options, only="distributions")


@loss(CrossEntropyOptions)
def sparse_categorical_cross_entropy(
    target: ArrayLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    **options: Unpack[CrossEntropyOptions],
) -> Call[A]:
    """Return the cross entropy of predictions with integer labels.

    −log q_y. `cross_entropy`, but distributions raise.

    Parameters
    ----------
    target : integer (...)
        Class labels, of the prediction's shape without `axis`.
    probs, logits, log_probs : floating (..., K)
        The prediction, exactly one of them.

    Returns
    -------
    array
        As of `cross_entropy`.

    References
    ----------
    D2, "sparse categorical cross entropy".

    Examples
    --------
    >>> import xent
    >>> q = [[0.05, 0.9, 0.05], [0.89, 0.05, 0.06], [0.05, 0.01, 0.94]]
    >>> print(xent.sparse_categorical_cross_entropy([1, 0, 2], q))
    0.094589911877288...
    """
    forms = {"probs": probs, "logits": logits, "log_probs": log_probs}
    return CALL(target, forms, options=options, only="labels")
