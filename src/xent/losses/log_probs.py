"""Log-probabilities of labels, and the entropy of what they were drawn from: what a policy is trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, Unpack

from xent._call import loss
from xent._linear_call import LinearCall, LossOfHead, of_logits, prepare
from xent._options import LinearPolicyOptions, TokenOptions
from xent._request import Call
from xent._typing import A, ArrayLike, Like, R
from xent.kernels import entropy, labels


class LogProbs(NamedTuple, Generic[R]):
    """Of each row the log-probability of its label, and the entropy of its softmax, in nats."""

    log_prob: R
    entropy: R


def _log_probs(log_prob: Any, beside: tuple[Any, ...]) -> LogProbs[Any]:
    return LogProbs(log_prob, *beside)


class _OfHead(LossOfHead, Protocol):
    """The same of a linear head, as a checker sees it."""

    def __call__(
        self,
        target: ArrayLike,
        features: Like[A],
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        **options: Unpack[LinearPolicyOptions],
    ) -> LogProbs[A]: ...


def _of_head(body: Callable[..., LinearCall]) -> _OfHead:
    decorator: Any = loss(LinearPolicyOptions, prepare=prepare)
    return decorator(body)


@loss(TokenOptions)
def log_probs(
    target: ArrayLike, *, logits: Like[A], **options: Unpack[TokenOptions]
) -> Call[LogProbs[A]]:
    """Return the log-probability of each label, and the entropy of each row.

    log softmax(z / T)_y and H(softmax(z / T)): of a policy the log-probability of the action that was
    taken, and what an entropy bonus is made of.

    Parameters
    ----------
    target : integer (...)
        Class labels, of the logits' shape without `axis`.
    logits : floating (..., K)
        Logits of the softmax.

    Returns
    -------
    LogProbs
        ``(log_prob, entropy)``, each one per row, 0 in rows that are taken out; float32 for half precision.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`.

    Notes
    -----
    Both are as exact as `cross_entropy` and `entropy`: of a token that is nearly certain all digits are
    there. `xent.vjp` pulls any cotangents of both back to the logits; in torch and JAX autograd does.

    Examples
    --------
    >>> import numpy as np, xent
    >>> log_prob, entropy = xent.log_probs([0], logits=np.array([[2.0, 0.0, 0.0]]), temperature=2.0)
    >>> print(f"{log_prob[0]:.6f} {entropy[0]:.6f}")
    -0.551445 0.975328
    """
    return Call(
        target,
        {"logits": logits},
        {"logits": labels.KERNELS["logits"]},
        options={**options, "reduction": "none"},
        only="labels",
        finish="negate",
        beside=(entropy.KERNELS["logits"],),
        returns=_log_probs,
    )


@_of_head
def linear_log_probs(
    target: ArrayLike,
    features: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    **options: Unpack[LinearPolicyOptions],
) -> LinearCall:
    """Return the log-probability of each label and the entropy of each row, without storing the logits.

    `log_probs` of the logits ``features @ weight.T + bias``, which are made and dropped some rows at a
    time, once for both.

    Parameters
    ----------
    target : integer (...)
        Class labels: of a language model the tokens that were drawn.
    features : floating (..., D)
        What the head sees of each row.
    weight : floating (K, D)
        One row per class.
    bias : floating (K,), optional
        One number per class.

    Returns
    -------
    LogProbs
        As of `log_probs`.

    Raises
    ------
    TypeError, ValueError
        As `linear_cross_entropy`.

    Notes
    -----
    A derivative by any cotangents of both makes the logits again, chunk by chunk. Of arrays of Dask and of
    DTensors each of the two is a pass of its own.

    Examples
    --------
    >>> import numpy as np, xent
    >>> log_prob, entropy = xent.linear_log_probs([0], np.array([[1.0, 2.0]]), np.zeros((4, 2)))
    >>> print(f"{log_prob[0]:.6f} {entropy[0]:.6f}")
    -1.386294 1.386294
    """
    return of_logits(log_probs, target, features, weight, bias, options)
