"""Losses of two arrays of embeddings, of which row i of one belongs to row i of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Unpack, cast

from xent._call import loss
from xent._kernel import Forms
from xent._linear import Gradients
from xent._linear_call import UNMADE
from xent._options import BaseOptions, ChunkOptions, ReductionOptions
from xent._pair_call import BySign, ByTemperature, PairCall, PairProblem, Pairs, prepare
from xent._request import Call
from xent._typing import A, Array, ArrayLike, Like, Scalar, Verbs
from xent.kernels import labels, pairs


class PairOptions(ReductionOptions, BaseOptions, ChunkOptions, total=False):
    """What the losses of pairs take."""

    where: ArrayLike | None
    denominator: ArrayLike | None


class ContrastiveOptions(PairOptions, total=False):
    """What the cross entropies of pairs take."""

    sample_weight: ArrayLike | None


def _divided(xp: Verbs, a: Array, temperature: Array) -> tuple[Array, None]:
    """Return what makes the logits a bᵀ / τ."""
    return a / temperature, None


def _by_temperature(
    xp: Verbs, g: Gradients[Array], a: Array, temperature: Array
) -> ByTemperature[Array]:
    """Return the gradients; L is a function of a / τ, so that τ ∂L/∂τ = −Σ a ∂L/∂a."""
    d = g.features / temperature
    return ByTemperature(d, g.weight, -xp.sum(a * d, axis=None) / temperature)


def _scaled(xp: Verbs, a: Array, scale: Array, bias: Array) -> tuple[Array, Array]:
    """Return what makes the logits s a bᵀ + t."""
    return a * scale, xp.zeros_like(a[:, 0]) + bias


def _by_sign(xp: Verbs, g: Gradients[Array], a: Array, scale: Array, bias: Array) -> BySign[Array]:
    d = g.features
    return BySign(d * scale, g.weight, xp.sum(a * d, axis=None), xp.sum(g.bias, axis=None))


_SOFTMAX = Pairs(True, _divided, _by_temperature)
_SIGMOID = Pairs(False, _scaled, _by_sign)


class _Contrastive(Protocol):
    """`contrastive_loss`, as a checker sees it."""

    __name__: str

    @property
    def problem(self) -> Callable[..., PairProblem[ByTemperature[Any]]]: ...

    def __call__(
        self,
        a: Like[A],
        b: ArrayLike,
        *,
        temperature: Scalar,
        **options: Unpack[ContrastiveOptions],
    ) -> A: ...


class _SigmoidContrastive(Protocol):
    """`sigmoid_contrastive_loss`, as a checker sees it."""

    __name__: str

    @property
    def problem(self) -> Callable[..., PairProblem[BySign[Any]]]: ...

    def __call__(
        self,
        a: Like[A],
        b: ArrayLike,
        *,
        scale: Scalar,
        bias: Scalar,
        **options: Unpack[PairOptions],
    ) -> A: ...


_contrastive: Callable[[Callable[..., PairCall]], _Contrastive]
_contrastive = cast("Any", loss(ContrastiveOptions, prepare=prepare))
_sigmoid_contrastive: Callable[[Callable[..., PairCall]], _SigmoidContrastive]
_sigmoid_contrastive = cast("Any", loss(PairOptions, prepare=prepare))


@_contrastive
def contrastive_loss(
    a: ArrayLike, b: ArrayLike, *, temperature: Scalar, **options: Unpack[ContrastiveOptions]
) -> PairCall:
    """Return the contrastive loss of pairs (InfoNCE, CLIP), without storing their N × N logits.

    The mean of the cross entropies of the rows of z = a bᵀ / τ and of its columns, each row of ``a``
    belonging to the row of ``b`` with its number [1]_ [2]_:

        L = −1/2N Σᵢ (log softmax(zᵢ·)ᵢ + log softmax(z·ᵢ)ᵢ)

    Parameters
    ----------
    a, b : floating (N, D)
        Embeddings as they are: normalise them before, where their cosine is meant.
    temperature : number or 0-d array
        τ > 0, which may be traced or require a gradient. CLIP learns log 1/τ.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per pair for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        For arrays that are no pairs, and a temperature that is no positive number.

    Notes
    -----
    A pair that `where` takes out is no other row's negative either. `sample_weight` is of a pair as an
    anchor, in both directions; it stays as much of a negative.

    `xent.value_and_grad` returns the gradients as a named tuple ``(a, b, temperature)``.
    Logits are made and dropped some rows at a time, and the columns measured while these rows are there:
    one product of N² D for the value and four with the gradients, where stored logits would take
    one and three; of a few hundred pairs it is three too. The directions are two linear heads, two products
    and six, where that takes less on NumPy and eager torch, of D < 128 and of so many pairs that a chunk
    has no whole row; and on a device of torch or CuPy, where JAX has several, in Dask and inside transforms
    of torch. Half precision is computed in float32, but for the products inside `torch.autocast`.

    References
    ----------
    .. [1] van den Oord, Li and Vinyals, "Representation Learning with Contrastive Predictive Coding",
       2018, equation (4).
    .. [2] Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021,
       figure 3.

    Examples
    --------
    >>> import numpy as np, xent
    >>> a = b = np.eye(2)
    >>> print(xent.contrastive_loss(a, b, temperature=0.5))
    0.126928011042972...
    >>> loss, g = xent.value_and_grad(xent.contrastive_loss)(a, b, temperature=0.5)
    >>> print(g.temperature)
    0.476811688088...
    """
    numbers = {"temperature": temperature}
    return _call(labels.KERNELS, _SOFTMAX, a, b, numbers, options)


@_sigmoid_contrastive
def sigmoid_contrastive_loss(
    a: ArrayLike, b: ArrayLike, *, scale: Scalar, bias: Scalar, **options: Unpack[PairOptions]
) -> PairCall:
    """Return the sigmoid loss of pairs (SigLIP), without storing their N × N logits.

    Each row of ``a`` is asked of each row of ``b`` whether they belong together, which those with
    the same number do: with z = s a bᵀ + t the mean over i of [1]_

        log(1 + exp(−zᵢᵢ)) + Σⱼ log(1 + exp zᵢⱼ),  j ≠ i

    Parameters
    ----------
    a, b : floating (N, D)
        Embeddings as they are: normalise them before, where their cosine is meant.
    scale, bias : number or 0-d array
        s and t, which may be traced or require a gradient. SigLIP learns log s, from s = 10, and t
        from −10.

    Returns
    -------
    array
        In nats unless `base` says otherwise; 0-d, or one per row of ``a`` for ``reduction="none"``.

    Raises
    ------
    TypeError, ValueError
        For arrays that are no pairs, and a scale or a bias that is no number.

    Notes
    -----
    A pair that `where` takes out is asked of no other row either.

    `xent.value_and_grad` returns the gradients as a named tuple ``(a, b, scale, bias)``. Logits are made
    and dropped some rows at a time. Half precision is computed in float32, but for the products
    inside `torch.autocast`.

    References
    ----------
    .. [1] Zhai et al., "Sigmoid Loss for Language Image Pre-Training", 2023, equation (1).

    Examples
    --------
    >>> import numpy as np, xent
    >>> a = b = np.eye(2)
    >>> print(xent.sigmoid_contrastive_loss(a, b, scale=10.0, bias=-5.0))
    0.0134306969782...
    """
    numbers = {"scale": scale, "bias": bias}
    return _call(pairs.KERNELS, _SIGMOID, a, b, numbers, options)


def _call(kernels: Forms, of: Pairs[Any], a: Any, b: Any, numbers: Any, options: Any) -> PairCall:
    chunk_bytes = options.pop("chunk_bytes", None)
    call: Call[Any] = Call(None, {"logits": UNMADE}, kernels, options=options)
    return PairCall(call, of, a, b, numbers, chunk_bytes)
