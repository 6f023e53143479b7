"""Losses of a linear head, whose logits are never stored whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Unpack

from xent._call import loss
from xent._linear_call import LinearCall, LossOfHead, of_logits, prepare
from xent._options import HeadOptions, LinearBinaryOptions, LinearOptions
from xent._sparse import TargetLike
from xent._typing import A, ArrayLike, Like
from xent.losses.binary_cross_entropy import binary_cross_entropy
from xent.losses.cross_entropy import cross_entropy


class _LinearLoss(LossOfHead, Protocol):
    """A loss of a linear head, as a checker sees it: its result is of the features' type."""

    def __call__(
        self,
        target: TargetLike,
        features: Like[A],
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        **options: Unpack[HeadOptions],
    ) -> A: ...


def _linear_loss(options: type) -> Callable[[Callable[..., LinearCall]], _LinearLoss]:
    decorator: Any = loss(options, prepare=prepare)
    return decorator


@_linear_loss(LinearOptions)
def linear_cross_entropy(
    target: TargetLike,
    features: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    **options: Unpack[LinearOptions],
) -> LinearCall:
    """Return the cross entropy of softmax regression, without storing its logits.

    `cross_entropy` of the logits ``features @ weight.T + bias``, which are made and dropped some
    rows at a time.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Class labels or distributions; or a `SparseDistribution`.
    features : floating (..., D)
        What the head sees of each row.
    weight : floating (K, D)
        One row per class. It may have another dtype than the features: the wider of the two
        computes, inside `torch.autocast` its dtype, and each gradient has that of what it is of.
    bias : floating (K,), optional
        One number per class.

    Returns
    -------
    array
        As of `cross_entropy`.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`, and for a head whose shapes or dtypes do not match.

    Notes
    -----
    `xent.value_and_grad` returns the gradients as a named tuple ``(features, weight, bias)``:
    ∂L/∂θᵢₖ = (aᵢ − yᵢ) aₖ for the weight [1]_. They are made with the value, chunk by chunk, in
    extra memory of the gradients and two chunks. Statistics, loss and the weight's gradient are
    accumulated in float32 for half precision.

    References
    ----------
    .. [1] D1, the last equation of "softmax regression".

    Examples
    --------
    >>> import numpy as np, xent
    >>> x, theta = np.array([[1.0, 2.0]]), np.zeros((3, 2))
    >>> print(xent.linear_cross_entropy([0], x, theta))
    1.09861228866810...
    >>> loss, g = xent.value_and_grad(xent.linear_cross_entropy)([0], x, theta)
    >>> print(g.weight[0])
    [-0.66666667 -1.33333333]
    """
    return of_logits(cross_entropy, target, features, weight, bias, options)


@_linear_loss(LinearBinaryOptions)
def linear_binary_cross_entropy(
    target: ArrayLike,
    features: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    **options: Unpack[LinearBinaryOptions],
) -> LinearCall:
    """Return the cost of logistic regression, J(θ), without storing its logits.

    `binary_cross_entropy` of the logits ``features @ weight.T + bias``.

    Parameters
    ----------
    target : bool, integer (0 or 1) or floating in [0, 1], (...) or (..., K)
        The truth, of the shape of the logits.
    features : floating (..., D)
        What the head sees of each row.
    weight : floating (D,) or (K, D)
        θ, of one or of several yes-or-no questions.
    bias : floating () or (K,), optional
        One number per question.

    Returns
    -------
    array
        As of `binary_cross_entropy`.

    Raises
    ------
    TypeError, ValueError
        As `binary_cross_entropy`, and for a head whose shapes or dtypes do not match.

    Notes
    -----
    `xent.value_and_grad` returns the gradients as a named tuple ``(features, weight, bias)``:
    ∂J/∂θⱼ = 1/n Σᵢ (h(xᵢ) − yᵢ) xᵢⱼ for the weight [1]_.

    References
    ----------
    .. [1] D1, "logistic regression".

    Examples
    --------
    >>> import numpy as np, xent
    >>> print(xent.linear_binary_cross_entropy([1], np.array([[1.0, 2.0]]), np.zeros(2)))
    0.693147180559945...
    """
    return of_logits(binary_cross_entropy, target, features, weight, bias, options)
