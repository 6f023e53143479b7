"""Divergences and entropies of an order: Rényi and Tsallis."""

from __future__ import annotations

from typing import Literal, SupportsIndex, Unpack

from xent._call import loss
from xent._check.numbers import number
from xent._kernel import Kernel
from xent._options import DistanceOptions, DivergenceOptions
from xent._request import Call
from xent._typing import A, ArrayLike, Like, Scalar
from xent.kernels import renyi, tsallis
from xent.losses.distances import of_pair


@loss(DivergenceOptions)
def renyi_divergence(
    p: ArrayLike, q: Like[A], *, order: Scalar, **options: Unpack[DivergenceOptions]
) -> Call[A]:
    """Return the Rényi divergence of two distributions.

    log(Σₖ pₖᵃ qₖ¹⁻ᵃ)/(a − 1), a the order. Of order 1 it is `kl_divergence`, of order 0
    −log Σ q over the classes with p > 0, of order ∞ the logarithm of the largest p/q.

    Parameters
    ----------
    p, q : floating (..., K)
        Probabilities.
    order : float
        From 0 to `math.inf`.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per row for ``reduction="none"``.

    Notes
    -----
    Exact near p = q and near order 1, where it is log1p((a − 1) T)/(a − 1) with T the Tsallis
    divergence. A p that does not sum to 1 divides the sum, as in the reference. The gradient that
    `xent.grad` returns is with respect to q.

    References
    ----------
    Rényi, On Measures of Entropy and Information, 1961.

    Examples
    --------
    >>> import xent
    >>> print(xent.renyi_divergence([0.5, 0.5, 0.0], [0.25, 0.25, 0.5], order=2, base=2))
    1.0
    """
    return of_pair(p, q, renyi.FromProbs(number("order", order)), options)


@loss(DistanceOptions)
def tsallis_divergence(
    p: ArrayLike, q: Like[A], *, order: Scalar, **options: Unpack[DistanceOptions]
) -> Call[A]:
    """Return the Tsallis divergence of two distributions.

    (Σₖ pₖᵃ qₖ¹⁻ᵃ − 1)/(a − 1), a the order. Of order 1 it is `kl_divergence` in nats, of order 0
    what q has where p has nothing, of order 2 `chi_square_divergence`, of order ∞ 0 or infinite.

    Parameters
    ----------
    p, q : floating (..., K)
        Probabilities.
    order : float
        From 0 to `math.inf`.

    Returns
    -------
    array
        0-d, or one per row for ``reduction="none"``.

    Notes
    -----
    Near p = q each term is taken less its share of p − q, and is then ≥ 0. Of a p that does not sum
    to 1 its sum stands for the 1. The gradient that `xent.grad` returns is with respect to q.

    References
    ----------
    Tsallis, Generalized Entropy-Based Criterion for Consistent Testing, 1998.

    Examples
    --------
    >>> import xent
    >>> print(xent.tsallis_divergence([0.5, 0.5, 0.0], [0.25, 0.25, 0.5], order=2))
    1.0
    """
    return of_pair(p, q, tsallis.FromProbs(number("order", order)), options)


@loss()
def renyi_entropy(
    probs: Like[A],
    *,
    order: Scalar,
    axis: SupportsIndex = -1,
    base: Scalar | None = None,
    reduction: Literal["none", "sum", "mean"] = "none",
) -> Call[A]:
    """Return the Rényi entropy of distributions.

    log(Σₖ pₖᵃ)/(1 − a), a the order. Of order 1 it is `entropy`, of order 0 the logarithm of how many
    classes have p > 0, of order 2 the collision entropy, of order ∞ minus the logarithm of the largest p.

    Parameters
    ----------
    probs : floating (..., K)
        Probabilities.
    order : float
        From 0 to `math.inf`.
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
    A p that does not sum to 1 divides the sum, as in the reference, so that the gradient takes p as free:
    of order 0 it is −1/Σp, of order 1 less by H(p) than that of `entropy` is. It is +inf where a
    probability is 0 and the order above 0 and at most 1.

    References
    ----------
    Rényi, On Measures of Entropy and Information, 1961.

    Examples
    --------
    >>> import xent
    >>> print(xent.renyi_entropy([0.25, 0.25, 0.25, 0.25], order=2, base=2))
    2.0
    """
    return _entropy(probs, renyi.Entropy(number("order", order)), axis, reduction, base)


@loss()
def tsallis_entropy(
    probs: Like[A],
    *,
    order: Scalar,
    axis: SupportsIndex = -1,
    reduction: Literal["none", "sum", "mean"] = "none",
) -> Call[A]:
    """Return the Tsallis entropy of distributions.

    (1 − Σₖ pₖᵃ)/(a − 1), a the order. Of order 1 it is `entropy` in nats, of order 0 how many classes have
    p > 0 but one, of order 2 the Gini impurity, of order ∞ 0.

    Parameters
    ----------
    probs : floating (..., K)
        Probabilities.
    order : float
        From 0 to `math.inf`.
    axis : int, default -1
        The class axis.
    reduction : "none", "sum" or "mean"
        One per row (the default), their sum, or their mean.

    Returns
    -------
    array
        float32 for half precision.

    Notes
    -----
    Σₖ (pₖ − pₖᵃ)/(a − 1), in which every term is ≥ 0. The gradient is +inf where a probability is 0 and
    the order above 0 and at most 1.

    References
    ----------
    Tsallis, Possible Generalization of Boltzmann–Gibbs Statistics, 1988.

    Examples
    --------
    >>> import xent
    >>> print(xent.tsallis_entropy([0.25, 0.25, 0.25, 0.25], order=2))
    0.75
    """
    return _entropy(probs, tsallis.Entropy(number("order", order)), axis, reduction)


def _entropy(
    probs: Like[A], kernel: Kernel, axis: SupportsIndex, reduction: str, base: Scalar | None = None
) -> Call[A]:
    return Call(
        None,
        {"probs": probs},
        distributions={"probs": kernel},
        options={"axis": axis, "base": base, "reduction": reduction},
    )
