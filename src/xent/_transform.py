"""The gradient of a loss as a function of the loss's own arguments, in any library."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from xent._engine import Problem
from xent._typing import Array

P = ParamSpec("P")


def value_and_grad(loss: Callable[P, Array]) -> Callable[P, tuple[Array, Array]]:
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

    @wraps(loss)
    def value_and_gradient(*args: P.args, **kwargs: P.kwargs) -> tuple[Array, Array]:
        return problem(*args, **kwargs).value_and_gradient()

    return value_and_gradient


def grad(loss: Callable[P, Array]) -> Callable[P, Array]:
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
    both = value_and_grad(loss)

    @wraps(loss)
    def gradient(*args: P.args, **kwargs: P.kwargs) -> Array:
        return both(*args, **kwargs)[1]

    return gradient


def _problem(loss: Any) -> Callable[..., Problem]:
    problem: Callable[..., Problem] | None = getattr(loss, "problem", None)
    if problem is None:
        name = getattr(loss, "__name__", type(loss).__qualname__)
        raise TypeError(
            f"no gradient is known of {name}; it is of cross_entropy and the other losses and links of "
            "xent, and of functions that are made losses by xent.loss"
        )
    return problem
