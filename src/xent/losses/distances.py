"""Distances of two distributions that have no logarithm: Hellinger, total variation, χ²."""

from __future__ import annotations

from typing import Unpack

from xent._call import loss
from xent._kernel import Kernel
from xent._options import DistanceOptions, DivergenceOptions
from xent._request import Call
from xent._target import PMF
from xent._typing import A, ArrayLike, Like
from xent.kernels import distances


def of_pair(
    p: ArrayLike, q: Like[A], kernel: Kernel, options: DistanceOptions | DivergenceOptions
) -> Call[A]:
    """Return the call of a measure of two distributions, whose gradient is that of the second."""
    return Call(
        p,
        {"probs": q},
        distributions={"probs": kernel},
        soft=PMF,
        target_name="p",
        names={"probs": "q"},
        options=options,
    )


@loss(DistanceOptions)
def hellinger_distance(p: ArrayLike, q: Like[A], **options: Unpack[DistanceOptions]) -> Call[A]:
    """Return the Hellinger distance of two distributions.

    √(½ Σₖ (√pₖ − √qₖ)²). Symmetric, and at most 1, of two without a common class.

    Parameters
    ----------
    p, q : floating (..., K)
        Probabilities.

    Returns
    -------
    array
        0-d, or one per row for ``reduction="none"``.

    Notes
    -----
    √p − √q is (p − q)/(√p + √q). The gradient that `xent.grad` returns is with respect to q; in a row with
    p = q, where the distance has a corner, it is 0.

    Examples
    --------
    >>> import xent
    >>> print(xent.hellinger_distance([1.0, 0.0], [0.0, 1.0]))
    1.0
    """
    return of_pair(p, q, distances.HELLINGER, options)


@loss(DistanceOptions)
def total_variation(p: ArrayLike, q: Like[A], **options: Unpack[DistanceOptions]) -> Call[A]:
    """Return the total variation distance of two distributions.

    ½ Σₖ |pₖ − qₖ|, the largest difference of probability that an event has. Symmetric, and at most 1.

    Parameters
    ----------
    p, q : floating (..., K)
        Probabilities.

    Returns
    -------
    array
        0-d, or one per row for ``reduction="none"``.

    Notes
    -----
    The gradient that `xent.grad` returns is with respect to q; of a class with p = q it is 0.

    Examples
    --------
    >>> import xent
    >>> print(xent.total_variation([0.5, 0.5], [0.25, 0.75]))
    0.25
    """
    return of_pair(p, q, distances.TOTAL_VARIATION, options)


@loss(DistanceOptions)
def chi_square_divergence(p: ArrayLike, q: Like[A], **options: Unpack[DistanceOptions]) -> Call[A]:
    """Return Pearson's χ² divergence of two distributions.

    Σₖ (pₖ − qₖ)²/qₖ, in which p is what was observed and q what was expected.

    Parameters
    ----------
    p, q : floating (..., K)
        Probabilities.

    Returns
    -------
    array
        0-d, or one per row for ``reduction="none"``. Infinite where q is 0 and p is not.

    Notes
    -----
    The gradient that `xent.grad` returns is with respect to q.

    Examples
    --------
    >>> import xent
    >>> print(xent.chi_square_divergence([0.5, 0.5], [0.25, 0.75]))
    0.3333333333333333
    """
    return of_pair(p, q, distances.CHI_SQUARE, options)
