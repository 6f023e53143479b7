"""Cross entropy of two classes, elementwise."""

from __future__ import annotations

from typing import Unpack

from xent._call import loss
from xent._options import BinaryOptions
from xent._request import Call
from xent._target import PAIR
from xent._typing import A, ArrayLike, Maybe
from xent.kernels import binary


@loss(BinaryOptions)
def binary_cross_entropy(
    target: ArrayLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    **options: Unpack[BinaryOptions],
) -> Call[A]:
    """Return the cross entropy of yes-or-no predictions, elementwise.

    −t log h − (1 − t) log(1 − h), with h = σ(z) from logits.

    Parameters
    ----------
    target : bool, integer (0 or 1) or floating in [0, 1], (...)
        The truth, of exactly the prediction's shape.
    probs, logits : floating (...)
        The prediction h or z, exactly one of them.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per element for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`.

    Notes
    -----
    From logits log1p(e^−|z|) + t max(−z, 0) + (1 − t) max(z, 0): no digit is lost at any z.
    The gradient (1 − t) σ(z) − t σ(−z) is D1's h − y without its cancellation.

    References
    ----------
    D1, the logistic regression's J(θ); D2, "binary cross entropy".

    Examples
    --------
    >>> import xent
    >>> print(xent.binary_cross_entropy([1.0, 1.0, 0.0], [0.9, 0.7, 0.4]))
    0.3242870277875...
    """
    return Call(
        target,
        {"probs": probs, "logits": logits},
        distributions=binary.KERNELS,
        soft=PAIR,
        options=options,
    )
