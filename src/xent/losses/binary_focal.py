"""Focal loss of two classes and the asymmetric loss of many labels, element by element."""

from __future__ import annotations

from typing import Unpack

from xent._call import loss
from xent._check.numbers import number
from xent._options import FocalOptions
from xent._request import Call
from xent._target import PAIR
from xent._typing import A, ArrayLike, Maybe, Scalar
from xent.kernels import binary_focal as kernels


@loss(FocalOptions)
def binary_focal_loss(
    target: ArrayLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    gamma: Scalar = 2.0,
    alpha: Scalar | None = None,
    **options: Unpack[FocalOptions],
) -> Call[A]:
    """Return the focal loss of yes-or-no predictions, elementwise.

    −α t (1 − h)^γ log h − (1 − α) (1 − t) h^γ log(1 − h), with h = σ(z) from logits [1]_.

    Parameters
    ----------
    target : bool, integer (0 or 1) or floating in [0, 1], (...)
        The truth, of exactly the prediction's shape.
    probs, logits : floating (...)
        The prediction h or z, exactly one of them.
    gamma : float, default 2
        How much less what is nearly certain weighs; not negative. At 0 it is the cross entropy.
    alpha : float in [0, 1], optional
        What the positive class weighs, the negative one weighing 1 − α; None weighs both by 1. It never
        enters the divisor of a mean.

    Returns
    -------
    array
        In nats; 0-d, or one per element for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`; and for a ``gamma`` or an ``alpha`` out of range.

    Notes
    -----
    Each class costs f(C) = (1 − e^−C)^γ C, with C its cross entropy, log(1 + e^∓z) from logits. Of a soft t
    the costs of both are mixed, as the formula says: torchvision, optax and Keras mix their probabilities
    before the power, which is not what labels drawn of t would cost.

    References
    ----------
    .. [1] Lin et al., "Focal Loss for Dense Object Detection", 2017, equation (5).

    Examples
    --------
    >>> import xent
    >>> print(xent.binary_focal_loss([1.0, 0.0], [0.75, 0.5], alpha=0.25))
    0.0672300643...
    """
    weight = None if alpha is None else number("alpha", alpha)
    of = kernels.kernels(number("gamma", gamma), weight)
    forms = {"probs": probs, "logits": logits}
    return Call(target, forms, distributions=of, soft=PAIR, options=options)


@loss(FocalOptions)
def asymmetric_loss(
    target: ArrayLike,
    *,
    logits: Maybe[A] = None,
    gamma_negative: Scalar = 4.0,
    gamma_positive: Scalar = 0.0,
    margin: Scalar = 0.05,
    **options: Unpack[FocalOptions],
) -> Call[A]:
    """Return the asymmetric loss of many labels, elementwise.

    −t (1 − h)^γ₊ log h − (1 − t) g^γ₋ log(1 − g), with h = σ(z) and g = max(h − margin, 0) [1]_.

    Parameters
    ----------
    target : bool, integer (0 or 1) or floating in [0, 1], (...)
        The truth, of exactly the shape of the logits.
    logits : floating (...)
        The prediction z.
    gamma_negative, gamma_positive : float, default 4 and 0
        How much less what is nearly certain weighs, of either class; not negative.
    margin : float in [0, 1), default 0.05
        The probability up to which a negative costs nothing.

    Returns
    -------
    array
        In nats; 0-d, or one per element for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`; and for a parameter out of range.

    Notes
    -----
    Nothing is clipped but by the margin. At the margin itself the gradient of a negative is 0.

    References
    ----------
    .. [1] Ridnik et al., "Asymmetric Loss For Multi-Label Classification", 2021, equations (4) to (7).

    Examples
    --------
    >>> import xent
    >>> print(xent.asymmetric_loss([1.0, 0.0, 0.0], logits=[0.0, 0.0, -4.0], reduction="none"))
    [0.69314718 0.02451505 0.        ]
    """
    of = kernels.Asymmetric(
        number("gamma_negative", gamma_negative),
        number("gamma_positive", gamma_positive),
        number("margin", margin),
    )
    return Call(
        target, {"logits": logits}, distributions={"logits": of}, soft=PAIR, options=options
    )
