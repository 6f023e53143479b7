"""Measures of one distribution."""

from __future__ import annotations

from typing import Literal, SupportsIndex

from xent import _dispatch, _dtype
from xent._call import loss
from xent._check import numbers, structure, values
from xent._namespace import Sight
from xent._request import Call
from xent._typing import A, Array, Like, Maybe, Scalar, Verbs
from xent.kernels import entropy as kernels


def self_information(p: Like[A], *, base: Scalar | None = None) -> A:
    """Return the information of events of probability `p`, elementwise.

    I(x) = −log p. A certain event carries none, and that of independent events adds.

    Parameters
    ----------
    p : floating (...)
        Probabilities.
    base : float, optional
        Base of the logarithm: 2 for bits, 10 for hartleys; None for nats.

    Returns
    -------
    array
        Of the shape of `p`; infinite where `p` is 0.

    References
    ----------
    D1, "self-information".

    Examples
    --------
    >>> import xent
    >>> print(xent.self_information([1.0, 0.5, 0.125], base=2))
    [0. 1. 3.]
    """
    engine, arrays = _dispatch.resolve({"p": p})
    x = arrays["p"]
    structure.prediction("p", x, labels=False)
    if engine.sight([x]) is Sight.READABLE:
        values.of_form(engine.xp, "probs", "p", x, None, None)
    return engine.call(
        _information, x, 1.0 if base is None else engine.log(numbers.number("base", base))
    )


def _information(xp: Verbs, p: Array, log_base: float) -> Array:
    information: Array = 0 - xp.log(_dtype.cast(xp, p, _dtype.compute_dtype(xp, p)))
    return information / _dtype.narrowed(xp, log_base, information.dtype)


@loss()
def entropy(
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    axis: SupportsIndex = -1,
    base: Scalar | None = None,
    reduction: Literal["none", "sum", "mean"] = "none",
) -> Call[A]:
    """Return the entropy of distributions.

    H(p) = −Σₖ pₖ log pₖ, the mean information.

    Parameters
    ----------
    probs, logits, log_probs : floating (..., K)
        The distributions, exactly one of them. Probabilities are not normalised.
    axis : int, default -1
        The class axis.
    base : float, optional
        Base of the logarithm: 2 for bits, 10 for hartleys; None for nats.
    reduction : "none", "sum" or "mean"
        One per row (the default), their sum, or their mean.

    Returns
    -------
    array
        In nats unless `base` says otherwise; float32 for half precision.

    Notes
    -----
    From logits log1p(s) − Σ eₖ dₖ / (1 + s), d = z − max z, e = exp d, s the sum beside the peak. The
    gradient is +inf where a probability is 0.

    References
    ----------
    D1, "information entropy"; D2, "entropy".

    Examples
    --------
    >>> import xent
    >>> print(xent.entropy([0.9, 0.1]))
    0.325082973391448...
    """
    return Call(
        None,
        {"probs": probs, "logits": logits, "log_probs": log_probs},
        distributions=kernels.KERNELS,
        options={"axis": axis, "base": base, "reduction": reduction},
    )
