"""Divergences of two distributions: Kullback–Leibler and Jensen–Shannon."""

from __future__ import annotations

from typing import Unpack

from xent._call import loss
from xent._check.arguments import exactly_one, truth
from xent._check.numbers import number
from xent._kernel import Forms
from xent._made_target import SOFTMAX_OF
from xent._options import DivergenceOptions, TemperedOptions
from xent._plan import Target
from xent._request import Call, is_there
from xent._sparse import TargetLike
from xent._target import LOGITS, LOGS, PMF
from xent._typing import A, ArrayLike, Maybe, Scalar
from xent.kernels import jensen_shannon, kl, kl_logits, labels, skewed_softmax
from xent.kernels.wrapped import OfSoftmax


@loss(TemperedOptions)
def kl_divergence(
    target: TargetLike | None = None,
    probs: Maybe[A] = None,
    *,
    target_logits: ArrayLike | None = None,
    logits: Maybe[A] = None,
    log_probs: Maybe[A] = None,
    reverse: bool = False,
    skew: Scalar = 0.0,
    **options: Unpack[TemperedOptions],
) -> Call[A]:
    """Return the Kullback–Leibler divergence of predictions from the truth.

    D(p‖q) = Σₖ pₖ log(pₖ / qₖ) = H(p, q) − H(p), computed without the difference. Reversed it is D(q‖p),
    skewed D(p‖αp + (1 − α)q), and both D(q‖αq + (1 − α)p): the losses that distillation chooses among.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Labels or distributions p, or a `SparseDistribution`; or
    target_logits : floating (..., K)
        the logits of p, as when a model is distilled. Exactly one of the two.
    probs, logits, log_probs : floating (..., K)
        The prediction q, exactly one of them.
    reverse : bool, default False
        Whether p and q change places. The gradient stays that of the prediction. Of distributions only.
    skew : float in [0, 1], default 0
        α, how much of the first is mixed into the second: above 0 nothing is infinite. Of distributions
        only.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per row for ``reduction="none"``. Infinite
        where q is 0 and p is not.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`.

    Notes
    -----
    With r = (p − q)/(p + q) a term is (p − q) + (p − q)r + 2p(r³/3 + r⁵/5 + …) for |r| < ¼, and the
    p − q are summed by themselves; of two rows of logits it is log1p(Σ p (expm1 η − η)),
    η = δ − Σ p δ, δ = z_q − z_p. The mean divides by rows, not by elements.

    References
    ----------
    D1, "KL divergence". Lee, Measures of Distributional Similarity, 1999, for the skew.

    Examples
    --------
    >>> import xent
    >>> print(xent.kl_divergence([0.5, 0.5, 0.0], [0.25, 0.25, 0.5], base=2))
    1.0
    """
    predictions = {"probs": probs, "logits": logits, "log_probs": log_probs}
    exactly_one("kl_divergence", target=target, target_logits=target_logits)
    both = target_logits is not None
    of_labels: Forms = {}
    if truth("reverse", reverse) or is_there("skew", skew):
        share = number("skew", skew) if is_there("skew", skew) else None
        kernels = skewed_softmax.kernels(share, reverse=reverse, both=both)
    elif both:
        kernels = kl.KERNELS if logits is None else kl_logits.KERNELS
    else:
        of_labels, kernels = labels.KERNELS, kl.KERNELS
    given, name = (target_logits, "target_logits") if both else (target, "target")
    soft = _soft(target_logits, logits)
    return Call(
        given, predictions, of_labels, kernels, soft=soft, target_name=name, options=options
    )


@loss(DivergenceOptions)
def kl_divergence_of_logs(
    target: ArrayLike, log_probs: ArrayLike, **options: Unpack[DivergenceOptions]
) -> Call:
    """Return the Kullback–Leibler divergence of log-probabilities from log-probabilities.

    Σₖ pₖ (log pₖ − log qₖ). Unlike logits they are not normalised. For `xent.nn.torch`, whose
    `KLDivLoss` may be given the logarithms of its target.

    Parameters
    ----------
    target, log_probs : floating (..., K)
        log p and log q.

    Returns
    -------
    array
        As of `kl_divergence`.
    """
    kernels = {"log_probs": kl.OfLogs()}
    predictions = {"log_probs": log_probs}
    return Call(target, predictions, distributions=kernels, soft=LOGS, options=options)


@loss(TemperedOptions)
def jensen_shannon_divergence(
    p: ArrayLike | None = None,
    q: Maybe[A] = None,
    *,
    target_logits: ArrayLike | None = None,
    logits: Maybe[A] = None,
    beta: Scalar = 0.5,
    **options: Unpack[TemperedOptions],
) -> Call[A]:
    """Return the Jensen–Shannon divergence of two distributions.

    β D(p‖m) + (1 − β) D(q‖m), m = βp + (1 − β)q. With β = ½ it is symmetric, and at most log 2.

    Parameters
    ----------
    p : floating (..., K)
        Probabilities; or
    target_logits : floating (..., K)
        the logits of p, as when a model is distilled. Exactly one of the two.
    q, logits : floating (..., K)
        Probabilities q or their logits, exactly one of them.
    beta : float in [0, 1], default 0.5
        The weight of p. Of 0 and 1 the divergence is 0, as the formula says.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per row for ``reduction="none"``. It is the
        divergence, not its square root, the distance.

    Notes
    -----
    Σ β E(p, m) + (1 − β) E(q, m) with E(p, m) = p log(p/m) − (p − m) ≥ 0, a series near p = q. The
    gradient that `xent.grad` returns is with respect to q or its logits.

    References
    ----------
    Lin, Divergence Measures Based on the Shannon Entropy, 1991.

    Examples
    --------
    >>> import xent
    >>> print(xent.jensen_shannon_divergence([1.0, 0.0], [0.0, 1.0], base=2))
    1.0
    """
    exactly_one("jensen_shannon_divergence", p=p, target_logits=target_logits)
    weight = number("beta", beta)
    of_probs = jensen_shannon.FromProbs(weight)
    of_logits = OfSoftmax(of_probs) if target_logits is None else jensen_shannon.FromLogits(weight)
    kernels = {"probs": of_probs, "logits": of_logits}
    return Call(
        p if target_logits is None else target_logits,
        {"probs": q, "logits": logits},
        distributions=kernels,
        soft=PMF if target_logits is None else _soft(target_logits, logits),
        target_name="p" if target_logits is None else "target_logits",
        names={"probs": "q"},
        options=options,
    )


def _soft(target_logits: object, logits: object) -> Target | None:
    """Return what the target is to a kernel that takes both as logits, or both as probabilities."""
    if target_logits is None:
        return None
    return SOFTMAX_OF if logits is None else LOGITS
