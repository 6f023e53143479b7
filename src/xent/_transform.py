"""What is made of a loss: its gradient, with the loss's own arguments, and the loss of a linear head."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, overload

from xent import _call, _signature
from xent._check import arguments
from xent._engine import Problem
from xent._linear import Gradients
from xent._linear_call import LossOfHead, of_logits, prepare
from xent._made import Made, original, part_of
from xent._pair_call import BySign, ByTemperature, PairProblem
from xent._sparse import TargetLike
from xent._typing import A, Array, ArrayLike, Like, R, R_co

P = ParamSpec("P")

GRADIENT: Any = Array | Gradients[Array] | ByTemperature[Array] | BySign[Array]
_BOTH: Any = tuple[Array, GRADIENT]
# Made here, as torch.compile of 2.11 follows none that is made in a call.
_MORE = {x: inspect.Parameter(x, inspect.Parameter.KEYWORD_ONLY) for x in ("tangent", "cotangent")}


class OfHead(Protocol[P, R_co]):
    """A loss of a linear head: of all that can be called, only these say so to a checker."""

    @property
    def problem(self) -> Any: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class _OfTemperature(Protocol[P, R_co]):
    """The same of a loss whose gradients are named otherwise."""

    @property
    def problem(self) -> Callable[..., PairProblem[ByTemperature[Any]]]: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class _OfSign(Protocol[P, R_co]):
    """The same of a loss with a scale and a bias."""

    @property
    def problem(self) -> Callable[..., PairProblem[BySign[Any]]]: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


@overload
def value_and_grad(loss: _OfTemperature[P, R]) -> Callable[P, tuple[R, ByTemperature[R]]]: ...
@overload
def value_and_grad(loss: _OfSign[P, R]) -> Callable[P, tuple[R, BySign[R]]]: ...
@overload
def value_and_grad(loss: OfHead[P, R]) -> Callable[P, tuple[R, Gradients[R]]]: ...
@overload
def value_and_grad(loss: Callable[P, R]) -> Callable[P, tuple[R, R]]: ...
def value_and_grad(loss: Callable[P, Any]) -> Callable[P, tuple[Any, Any]]:
    """Return a function of the arguments of ``loss`` that returns its value and its gradient.

    The gradient is with respect to the prediction in the form it was given, `probs`, `logits` or
    `log_probs`, of the reduced value, or of the sum of the rows for ``reduction="none"``.

    Parameters
    ----------
    loss : function
        A loss of xent, or `entropy`, `perplexity`, `log_likelihood` or a link.

    Returns
    -------
    function
        (value, gradient) in the place of the value. The gradient has the prediction's shape, dtype,
        library and device.

    Raises
    ------
    TypeError
        For any other function, and for several values at once, as of `log_probs`: of these take `vjp`.

    Examples
    --------
    >>> import numpy as np, xent
    >>> loss, dz = xent.value_and_grad(xent.cross_entropy)([0], logits=np.array([[0.0, 0.0]]))
    >>> print(dz)
    [[-0.5  0.5]]
    """
    problem = problem_of(loss)

    @named(loss, _BOTH)
    def both(*args: P.args, **kwargs: P.kwargs) -> Any:
        made: Any = problem(*args, **kwargs)
        if made.returns is not None:
            raise arguments.of_several(loss)
        return made.value_and_gradient()

    return Made(value_and_grad, loss, both)


@overload
def grad(loss: _OfTemperature[P, R]) -> Callable[P, ByTemperature[R]]: ...
@overload
def grad(loss: _OfSign[P, R]) -> Callable[P, BySign[R]]: ...
@overload
def grad(loss: OfHead[P, R]) -> Callable[P, Gradients[R]]: ...
@overload
def grad(loss: Callable[P, R]) -> Callable[P, R]: ...
def grad(loss: Callable[P, Any]) -> Callable[P, Any]:
    """Return a function of the arguments of ``loss`` that returns its gradient.

    `value_and_grad` without the value.

    Parameters
    ----------
    loss : function
        A loss of xent, or `entropy`, `perplexity`, `log_likelihood` or a link.

    Returns
    -------
    function
        The gradient in the place of the value.

    Examples
    --------
    >>> import xent
    >>> print(xent.grad(xent.cross_entropy)([0.5, 0.5], [0.25, 0.75]))
    [-2.         -0.66666667]
    """
    problem = problem_of(loss)

    @named(loss, GRADIENT)
    def gradient(*args: P.args, **kwargs: P.kwargs) -> Any:
        made: Any = problem(*args, **kwargs)
        if made.returns is not None:
            raise arguments.of_several(loss)
        return made.value_and_gradient()[1]

    return Made(grad, loss, gradient)


def named(loss: Any, returned: Any, *more: str) -> Callable[[Any], Any]:
    """Give a function the name, documentation, signature and hints of a loss, but for what it returns.

    It may take ``more`` arrays by keyword.
    """

    def wrap(function: Any) -> Any:
        named: Any = wraps(original(loss), updated=())(function)
        named.__annotations__ = {**named.__annotations__, "return": returned}
        if more:
            own = inspect.signature(loss)
            kept = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
            named.__signature__ = own.replace(parameters=[*kept, *(_MORE[x] for x in more)])
        return named

    return wrap


def problem_of(loss: Any) -> Callable[..., Problem]:
    problem: Callable[..., Problem] | None = part_of(loss, "problem")
    if problem is None:
        raise TypeError(
            f"no gradient is known of {arguments.shown(loss)}; take the loss itself, ours or made by "
            "xent.loss, as in xent.grad(xent.cross_entropy)(labels, logits=z); functools.partial for options"
        )
    return problem


class LinearLoss(LossOfHead, Protocol):
    """The loss of a linear head, whose options only the loss of logits knows, to a checker."""

    def __call__(
        self,
        target: TargetLike,
        features: Like[A],
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        **options: Any,
    ) -> A: ...


def linear_head(loss_of_logits: Callable[..., Any]) -> LinearLoss:
    """Return a loss of logits as the loss of a linear head, whose logits are never stored whole.

    Parameters
    ----------
    loss_of_logits : function
        A loss of xent, or of your own by `xent.loss`, that takes ``logits=``.

    Returns
    -------
    function
        Of ``(target, features, weight, bias=None, *, chunk_bytes=..., **options)``: the loss of the logits
        ``features @ weight.T + bias``. Shapes, options and gradients are those of `linear_cross_entropy`.
        `torch.compile` takes what was made before, outside of the function that it follows.

    Raises
    ------
    TypeError
        For any other function.

    Examples
    --------
    >>> import numpy as np, xent
    >>> head = xent.linear_head(xent.kl_divergence)
    >>> print(head([[0.5, 0.5]], np.array([[1.0, 2.0]]), np.zeros((2, 2))))
    0.0
    """
    known = part_of(loss_of_logits, "call") is not None
    signature = inspect.signature(loss_of_logits if known else named)
    logits = signature.parameters.get("logits")
    unmade = logits and (logits.default is None or logits.default is logits.empty)
    if not unmade or "target" not in signature.parameters:
        raise TypeError(
            f"{arguments.shown(loss_of_logits)} is no loss of logits: linear_head takes a function by "
            "xent.loss of target and logits="
        )

    def body(
        target: TargetLike,
        features: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        **options: Any,
    ) -> Any:
        return of_logits(loss_of_logits, target, features, weight, bias, options)

    own = [p for p in inspect.signature(body).parameters.values() if p.kind is not p.VAR_KEYWORD]
    shared = [p for p in signature.parameters.values() if p.name not in _OF_THE_HEAD]
    chunk_bytes = _signature.parameter("chunk_bytes")
    name = original(loss_of_logits).__name__
    body.__name__ = body.__qualname__ = f"linear_{name}"
    body.__doc__ = f"Return `{name}` of ``features @ weight.T + bias``, never stored whole."
    vars(body)["__signature__"] = signature.replace(parameters=[*own, *shared, chunk_bytes])
    decorator: Any = _call.loss(prepare=prepare)
    made: Any = Made(linear_head, loss_of_logits, decorator(body))
    return made


_OF_THE_HEAD = ("target", "probs", "logits", "log_probs", "axis")
"""What a loss of logits takes and the loss of a linear head does not, or by itself."""
