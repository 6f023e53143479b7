"""Second derivatives of the losses: products with the Hessian, and its diagonal, on every library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec, overload

from xent import _curvature_head, _dtype
from xent._check import arguments
from xent._curved import moved, slopes
from xent._dual import OWN
from xent._dual_verbs import DiagonalVerbs, DualVerbs
from xent._engine import Engine, Problem
from xent._linear import Gradients
from xent._linear_call import LinearProblem
from xent._made import Made
from xent._plan import Operands, Plan, in_single
from xent._rows import exponential
from xent._transform import GRADIENT, OfHead, named, problem_of
from xent._typing import Array, R

P = ParamSpec("P")


@overload
def hvp(loss: OfHead[P, R]) -> Callable[..., Gradients[R]]: ...
@overload
def hvp(loss: Callable[P, R]) -> Callable[..., R]: ...
def hvp(loss: Callable[P, Any]) -> Callable[..., Any]:
    """Return a function of the arguments of ``loss``, and ``tangent=``, that returns Hessian · tangent.

    The Hessian is the second derivative with respect to the prediction, of the reduced value, or of the sum
    of the rows for ``reduction="none"``. For a linear loss it is that of features, weight and bias together.

    Parameters
    ----------
    loss : function
        A loss of xent, of your own, or a link.

    Returns
    -------
    function
        Of the loss's arguments and ``tangent=``, a direction of the prediction's shape. Its product has
        the prediction's shape, dtype, library and device. For a linear loss both are tuples
        ``(features, weight, bias)``, as `xent.grad` returns them; a direction of None is 0.

    Notes
    -----
    The gradient is run by dual numbers, and no Hessian is made. Of cross entropies of logits,
    w T a (v − Σ a v), each entry keeps its digits near certainty. Where torch records for autograd, what
    is made of its parameters is kept for a further derivative, of a linear head all chunks of it, here as
    in `grad_and_hessian_diagonal` and `gauss_newton`: call under `torch.no_grad` where none is wanted.

    Examples
    --------
    >>> import numpy as np, xent
    >>> z, v = np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])
    >>> print(xent.hvp(xent.cross_entropy)([0], logits=z, tangent=v))
    [[ 0.25 -0.25]]
    """
    problem = problem_of(loss)

    @named(loss, GRADIENT, "tangent")
    def product(*args: Any, tangent: Any, **kwargs: Any) -> Any:
        made = _of_one_value(problem(*args, **kwargs), loss)
        if isinstance(made, LinearProblem):
            return _curvature_head.product(made, tangent)
        engine, plan, operands, *_ = made
        v = moved(engine, "the prediction", operands.prediction, tangent)
        return engine.apply(_along, plan, operands, v)[1]

    return Made(hvp, loss, product)


def _of_one_value(made: Any, loss: Any) -> Problem | LinearProblem:
    """Return what runs a call that has one value, alone or of each row."""
    if not hasattr(made, "plan") or made.plan.beside:
        raise arguments.not_known("second derivative", loss)
    return made


def _along(engine: Engine, plan: Plan, operands: Operands, v: Array) -> tuple[Array, Array]:
    """Return the gradient, and Hessian · v."""
    xp = engine.xp
    g = slopes(DualVerbs(xp, values=plan.finish == "exp"), plan, operands, v)[1]
    product = g.parts.get(OWN, xp.zeros_like(v))
    return xp.reshape(g.value, v.shape), xp.reshape(product, v.shape)


def gauss_newton(loss: OfHead[P, R]) -> Callable[..., Gradients[R]]:
    """Return a function of the arguments of a linear loss, and ``tangent=``, that returns Jᵀ H J tangent.

    J is the derivative of the logits with respect to features, weight and bias, and H that of the loss in the
    logits, twice: the Hessian without what is there because logits are products of features and weight.
    Where the loss is convex in its logits this is positive. No logits are stored.

    Parameters
    ----------
    loss : function
        A linear loss: `linear_cross_entropy`, or what `linear_head` returns.

    Returns
    -------
    function
        As of `hvp`.

    Examples
    --------
    >>> import numpy as np, xent
    >>> x, theta = np.array([[1.0, 2.0]]), np.zeros((2, 2))
    >>> along = (None, np.array([[1.0, 0.0], [0.0, 0.0]]), None)
    >>> made = xent.gauss_newton(xent.linear_cross_entropy)([0], x, theta, tangent=along)
    >>> print(made.weight)
    [[ 0.25  0.5 ]
     [-0.25 -0.5 ]]
    """
    problem = problem_of(loss)

    @named(loss, Gradients[Array], "tangent")
    def product(*args: Any, tangent: Any, **kwargs: Any) -> Any:
        made = _of_one_value(problem(*args, **kwargs), loss)
        if not isinstance(made, LinearProblem):
            raise TypeError("gauss_newton takes the loss of a linear head; of any other take hvp")
        return _curvature_head.product(made, tangent, newton=True)

    return Made(gauss_newton, loss, product)


def grad_and_hessian_diagonal(loss: Callable[P, R]) -> Callable[P, tuple[R, R]]:
    """Return a function of the arguments of ``loss`` that returns its gradient and its Hessian's diagonal.

    As gradient boosting takes them: elementwise, of the reduced value, or of the sum of the rows for
    ``reduction="none"``.

    Parameters
    ----------
    loss : function
        A loss of xent, of your own, or a link; not of a linear head.

    Returns
    -------
    function
        (gradient, diagonal) in the place of the value, each of the prediction's shape, dtype, library and
        device.

    Notes
    -----
    Of cross entropies of logits the diagonal is w T a (1 − a), exact near a = 1 too. It takes one pass,
    however many classes there are.

    Examples
    --------
    >>> import numpy as np, xent
    >>> g, h = xent.grad_and_hessian_diagonal(xent.binary_cross_entropy)(
    ...     [1, 0], logits=np.array([0.0, 0.0]), reduction="sum"
    ... )
    >>> print(g, h)
    [-0.5  0.5] [0.25 0.25]
    """
    problem = problem_of(loss)

    @named(loss, tuple[Array, Array])
    def both(*args: P.args, **kwargs: P.kwargs) -> Any:
        made = _of_one_value(problem(*args, **kwargs), loss)
        if isinstance(made, LinearProblem):
            raise TypeError("no diagonal is made of the Hessian of a linear head; take hvp")
        engine, plan, operands, *_ = made
        return engine.apply(_diagonal, plan, operands)

    return Made(grad_and_hessian_diagonal, loss, both)


def _diagonal(engine: Engine, plan: Plan, operands: Operands) -> tuple[Array, Array]:
    x, xp, moving = operands.prediction, engine.xp, DiagonalVerbs(engine.xp)
    is_exp = plan.finish == "exp"
    if is_exp:
        plan = replace(plan, finish="none")
        plan, operands = in_single(xp, plan, operands) if plan.half else (plan, operands)
    cost, slope = slopes(moving, plan, operands, xp.ones_like(operands.prediction))
    g, h = slope.value, moving.diagonal(slope)
    if is_exp:
        h = exponential(xp, cost.value, lambda e: e * (h + g * g))[1]
        g = exponential(xp, cost.value, lambda e: e * g)[1]
    return tuple(xp.reshape(_dtype.cast(xp, y, x.dtype), x.shape) for y in (g, h))
