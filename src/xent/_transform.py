"""The gradient of a loss as a function of the loss's own arguments, in any library."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, overload

from xent._check import arguments
from xent._engine import Problem
from xent._linear import Gradients
from xent._made import Made, part_of
from xent._typing import Array, R, R_co

P = ParamSpec("P")

_GRADIENT: Any = Array | Gradients[Array]
_BOTH: Any = tuple[Array, Array | Gradients[Array]]


class _OfHead(Protocol[P, R_co]):
    """A loss of a linear head: of all that can be called, only these say so to a checker."""

    @property
    def problem(self) -> Any: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


@overload
def value_and_grad(loss: _OfHead[P, R]) -> Callable[P, tuple[R, Gradients[R]]]: ...
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
        For any other function.

    Examples
    --------
    >>> import numpy as np, xent
    >>> loss, dz = xent.value_and_grad(xent.cross_entropy)([0], logits=np.array([[0.0, 0.0]]))
    >>> print(dz)
    [[-0.5  0.5]]
    """
    problem = _problem(loss)

    @_named(loss, _BOTH)
    def both(*args: P.args, **kwargs: P.kwargs) -> tuple[Any, Any]:
        return problem(*args, **kwargs).value_and_gradient()

    return Made(value_and_grad, loss, both)


@overload
def grad(loss: _OfHead[P, R]) -> Callable[P, Gradients[R]]: ...
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
    problem = _problem(loss)

    @_named(loss, _GRADIENT)
    def gradient(*args: P.args, **kwargs: P.kwargs) -> Any:
        return problem(*args, **kwargs).value_and_gradient()[1]

    return Made(grad, loss, gradient)


def _named(loss: Any, returned: Any) -> Callable[[Any], Any]:
    """Give a function the name, documentation, signature and hints of a loss, but for what it returns."""

    def wrap(function: Any) -> Any:
        named: Any = wraps(loss, updated=())(function)
        named.__annotations__ = {**named.__annotations__, "return": returned}
        return named

    return wrap


def _problem(loss: Any) -> Callable[..., Problem]:
    problem: Callable[..., Problem] | None = part_of(loss, "problem")
    if problem is None:
        raise TypeError(
            f"no gradient is known of {arguments.shown(loss)}; it is of cross_entropy and the other "
            "losses and links of xent, and of functions that are made losses by xent.loss"
        )
    return problem
