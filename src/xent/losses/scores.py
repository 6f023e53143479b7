"""Proper scores that have no logarithm: Brier and spherical."""

from __future__ import annotations

from typing import Unpack

from xent._call import loss
from xent._options import ScoreOptions
from xent._request import Call
from xent._typing import A, ArrayLike, Like, Maybe
from xent.kernels import brier, spherical


@loss(ScoreOptions)
def brier_score(
    target: ArrayLike,
    probs: Maybe[A] = None,
    *,
    logits: Maybe[A] = None,
    **options: Unpack[ScoreOptions],
) -> Call[A]:
    """Return the Brier score of predictions, of which less is better.

    Σₖ (qₖ − tₖ)², over all classes: of two classes it is twice the square that some count once.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Labels or distributions.
    probs, logits : floating (..., K)
        The prediction, exactly one of them.

    Returns
    -------
    array
        0-d, or one per row for ``reduction="none"``; from 0 to 2.

    Notes
    -----
    From logits 1 − q of the label is made of the other classes alone.

    References
    ----------
    Brier, Verification of Forecasts Expressed in Terms of Probability, 1950.

    Examples
    --------
    >>> import xent
    >>> print(xent.brier_score([0], [[0.75, 0.25]]))
    0.125
    """
    predictions = {"probs": probs, "logits": logits}
    return Call(target, predictions, brier.LABELS, brier.DISTRIBUTIONS, options=options)


@loss(ScoreOptions)
def spherical_score(target: ArrayLike, probs: Like[A], **options: Unpack[ScoreOptions]) -> Call[A]:
    """Return the spherical score of predictions, of which more is better: turn its sign for a loss.

    q_y / ‖q‖₂ of a label y, and Σₖ tₖ qₖ / ‖q‖₂ of a distribution.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Labels or distributions.
    probs : floating (..., K)
        The prediction.

    Returns
    -------
    array
        0-d, or one per row for ``reduction="none"``; from 0 to 1.

    References
    ----------
    Gneiting and Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, 2007.

    Examples
    --------
    >>> import xent
    >>> print(xent.spherical_score([1], [[0.6, 0.8]]))
    0.8
    """
    forms = {"probs": spherical.LABEL}, {"probs": spherical.DISTRIBUTION}
    return Call(target, {"probs": probs}, *forms, options=options)
