"""Losses that are a function of the cross entropy of a class: focal, generalized, and with a polynomial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Unpack

from xent._call import loss
from xent._check.numbers import number
from xent._options import CurveOptions
from xent._request import Call
from xent._typing import A, ArrayLike, Maybe, Scalar
from xent.kernels import curves, of_label


def _call(
    target: ArrayLike,
    predictions: Mapping[str, Any],
    options: Mapping[str, Any],
    curve: Callable[[Any], curves.Curve],
    **parameter: Scalar,
) -> Call:
    ((name, x),) = parameter.items()
    labels, soft = of_label.kernels(curve, number(name, x))
    return Call(target, predictions, labels, soft, options=options)


@loss(CurveOptions)
def focal_loss(
    target: ArrayLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    gamma: Scalar = 2.0,
    **options: Unpack[CurveOptions],
) -> Call[A]:
    """Return the focal loss of predictions with labels or distributions.

    −(1 − q_y)^γ log q_y for a label y [1]_, and −Σₖ tₖ (1 − qₖ)^γ log qₖ: what is nearly certain weighs less.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Class labels, of the prediction's shape without `axis`, or distributions, of exactly its
        shape.
    probs, logits, log_probs : floating (..., K)
        The prediction, exactly one of them. Probabilities are neither clipped nor normalised.
    gamma : float, default 2
        How much less; not negative. At 0 it is the cross entropy.

    Returns
    -------
    array
        In nats; 0-d, or one per row for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`; and for a ``gamma`` that is negative or infinite.

    Notes
    -----
    With C = −log q_y the loss is f(C) = (1 − e^−C)^γ C and its gradient f′(C) times that of C. The paper's
    weights α_t of the classes are `class_weight`.

    References
    ----------
    .. [1] Lin et al., "Focal Loss for Dense Object Detection", 2017, equation (4).

    Examples
    --------
    >>> import xent
    >>> print(xent.focal_loss([0, 1], [[0.5, 0.5], [0.25, 0.75]]))
    0.0956334...
    """
    forms = {"probs": probs, "logits": logits, "log_probs": log_probs}
    return _call(target, forms, options, curves.Focal, gamma=gamma)


@loss(CurveOptions)
def generalized_cross_entropy(
    target: ArrayLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    q: Scalar = 0.7,
    **options: Unpack[CurveOptions],
) -> Call[A]:
    """Return the generalized cross entropy of predictions with labels or distributions.

    (1 − q_y^q) / q for a label y [1]_, and Σₖ tₖ (1 − qₖ^q) / q: a label that is wrong costs at most 1/q.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Class labels, of the prediction's shape without `axis`, or distributions, of exactly its
        shape.
    probs, logits, log_probs : floating (..., K)
        The prediction, exactly one of them. Probabilities are neither clipped nor normalised.
    q : float in [0, 1], default 0.7
        The exponent: at 1 the mean absolute error 1 − q_y, at 0 the limit, the cross entropy.

    Returns
    -------
    array
        0-d, or one per row for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`; and for a ``q`` out of range.

    Notes
    -----
    With C = −log q_y it is f(C) = (1 − e^−qC) / q, a power series beside q C = 0, and f′(C) = e^−qC.

    References
    ----------
    .. [1] Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy
       Labels", 2018, equation (6).

    Examples
    --------
    >>> import xent
    >>> print(xent.generalized_cross_entropy([0, 1], [[0.25, 0.75], [0.25, 0.75]], q=1.0))
    0.5
    """
    forms = {"probs": probs, "logits": logits, "log_probs": log_probs}
    return _call(target, forms, options, curves.Generalized, q=q)


@loss(CurveOptions)
def poly_loss(
    target: ArrayLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    epsilon: Scalar = 1.0,
    **options: Unpack[CurveOptions],
) -> Call[A]:
    """Return the Poly-1 loss of predictions with labels or distributions.

    −log q_y + ε (1 − q_y) for a label y [1]_, and Σₖ tₖ (−log qₖ + ε (1 − qₖ)).

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Class labels, of the prediction's shape without `axis`, or distributions, of exactly its
        shape.
    probs, logits, log_probs : floating (..., K)
        The prediction, exactly one of them. Probabilities are neither clipped nor normalised.
    epsilon : float, default 1
        What is added to the coefficient of 1 − q_y, which is 1 in the power series of −log q_y.

    Returns
    -------
    array
        0-d, or one per row for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`; and for an ``epsilon`` that is not finite.

    Notes
    -----
    As (1 + ε) p + (−log q_y − p) with p = 1 − q_y, of which no term is negative for ε ≥ −1.

    References
    ----------
    .. [1] Leng et al., "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions",
       2022, equation (6).

    Examples
    --------
    >>> import xent
    >>> print(xent.poly_loss([0, 1], [[0.5, 0.5], [0.25, 0.75]], epsilon=2.0))
    1.2404146265058...
    """
    forms = {"probs": probs, "logits": logits, "log_probs": log_probs}
    return _call(target, forms, options, curves.Poly, epsilon=epsilon)
