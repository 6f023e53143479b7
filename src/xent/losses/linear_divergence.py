"""Divergences of two linear heads, a teacher's and a student's, whose logits are never stored whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Unpack, cast

from xent._call import loss
from xent._linear_call import LinearCall, LossOfHead, of_two_heads, prepare
from xent._options import LinearDivergenceOptions
from xent._typing import A, ArrayLike, Like, Scalar
from xent.losses.divergence import jensen_shannon_divergence, kl_divergence


class _KullbackLeibler(LossOfHead, Protocol):
    """`linear_kl_divergence`, as a checker sees it: its result is of the features' type."""

    def __call__(
        self,
        target_features: ArrayLike,
        target_weight: ArrayLike,
        features: Like[A],
        weight: ArrayLike,
        *,
        target_bias: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        reverse: bool = False,
        skew: Scalar = 0.0,
        **options: Unpack[LinearDivergenceOptions],
    ) -> A: ...


class _JensenShannon(LossOfHead, Protocol):
    """`linear_jensen_shannon_divergence`, likewise."""

    def __call__(
        self,
        target_features: ArrayLike,
        target_weight: ArrayLike,
        features: Like[A],
        weight: ArrayLike,
        *,
        target_bias: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        beta: Scalar = 0.5,
        **options: Unpack[LinearDivergenceOptions],
    ) -> A: ...


_of_heads: Any = loss(LinearDivergenceOptions, prepare=prepare)
_kullback_leibler = cast("Callable[[Callable[..., LinearCall]], _KullbackLeibler]", _of_heads)
_jensen_shannon = cast("Callable[[Callable[..., LinearCall]], _JensenShannon]", _of_heads)


@_kullback_leibler
def linear_kl_divergence(
    target_features: ArrayLike,
    target_weight: ArrayLike,
    features: ArrayLike,
    weight: ArrayLike,
    *,
    target_bias: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    reverse: bool = False,
    skew: Scalar = 0.0,
    **options: Unpack[LinearDivergenceOptions],
) -> LinearCall:
    """Return the Kullback–Leibler divergence of a student from its teacher, without storing their logits.

    `kl_divergence` of the logits ``features @ weight.T + bias`` from the teacher's, which its own features,
    weight and bias make: D(teacher‖student). Both rows of logits are made and dropped some rows at a time.
    A student is distilled by it [1]_, and by what it is reversed or skewed [2]_ [3]_.

    Parameters
    ----------
    target_features : floating (..., E)
        What the teacher's head sees of each row; its width need not be the student's.
    target_weight : floating (K, E)
        The teacher's row for each class.
    features : floating (..., D)
        What the student's head sees of each row.
    weight : floating (K, D)
        The student's row for each class.
    target_bias, bias : floating (K,), optional
        One number per class.
    reverse : bool, default False
        Whether teacher and student change places in the divergence.
    skew : float in [0, 1], default 0
        How much of the first distribution is mixed into the second: above 0 nothing is infinite.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per row for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        As `kl_divergence`, and for heads whose shapes or dtypes do not match.

    Notes
    -----
    `xent.value_and_grad` returns the student's gradients as a named tuple ``(features, weight, bias)``, made
    with the value, chunk by chunk, in extra memory of these gradients and a few chunks; half of `chunk_bytes`
    is the teacher's. By autograd the teacher's three have theirs too; torch makes whole logits for them in
    compiled programs and `torch.func`, and elsewhere those of a few rows at a time.

    The temperature divides both logits, and the value is not multiplied
    by its square: multiply by temperature² to keep the gradients' size, as Hinton et al. do.

    References
    ----------
    .. [1] Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015.
    .. [2] Lee, Measures of Distributional Similarity, 1999.
    .. [3] Ko et al., DistiLLM: Towards Streamlined Distillation for Large Language Models, 2024.

    Examples
    --------
    >>> import numpy as np, xent
    >>> teacher, student = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, -1.0]])
    >>> w_teacher, w_student = np.zeros((4, 3)), np.array([[np.log(5.0), 0.0], *np.zeros((3, 2))])
    >>> print(xent.linear_kl_divergence(teacher, w_teacher, student, w_student, base=2))
    0.4195...
    """
    own = {"reverse": reverse, "skew": skew, **options}
    teacher = target_features, target_weight, target_bias
    return of_two_heads(kl_divergence, teacher, (features, weight, bias), own)


@_jensen_shannon
def linear_jensen_shannon_divergence(
    target_features: ArrayLike,
    target_weight: ArrayLike,
    features: ArrayLike,
    weight: ArrayLike,
    *,
    target_bias: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    beta: Scalar = 0.5,
    **options: Unpack[LinearDivergenceOptions],
) -> LinearCall:
    """Return the Jensen–Shannon divergence of a teacher and its student, without storing their logits.

    β D(p‖m) + (1 − β) D(q‖m), m = βp + (1 − β)q, as `jensen_shannon_divergence` of the logits of both heads;
    p is the teacher's. Students are distilled by it on what they say themselves [1]_.

    Parameters
    ----------
    target_features, target_weight, features, weight, target_bias, bias
        Both heads, as `linear_kl_divergence` takes them.
    beta : float in [0, 1], default 0.5
        The weight of the teacher. Of 0 and 1 the divergence is 0, as the formula says.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per row for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        As `linear_kl_divergence`.

    Notes
    -----
    Gradients, memory and temperature are as of `linear_kl_divergence`.

    References
    ----------
    .. [1] Agarwal et al., On-Policy Distillation of Language Models: Learning from Self-Generated Mistakes,
       2024, equation 2.

    Examples
    --------
    >>> import numpy as np, xent
    >>> teacher, student = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, -1.0]])
    >>> w_teacher, w_student = np.zeros((4, 3)), np.zeros((4, 2))
    >>> print(xent.linear_jensen_shannon_divergence(teacher, w_teacher, student, w_student))
    0.0
    """
    teacher = target_features, target_weight, target_bias
    own = {"beta": beta, **options}
    return of_two_heads(jensen_shannon_divergence, teacher, (features, weight, bias), own)
