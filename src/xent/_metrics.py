"""What training code logs beside a loss, measured in the same pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, NamedTuple, ParamSpec

from xent._beside import of_beside
from xent._check import metrics
from xent._made import Made, part_of
from xent._nested import mapped
from xent._plan import NOTHING, Plan
from xent._rows import reduced
from xent._transform import named
from xent._typing import Array, R
from xent.kernels.logged import LOGGED

P = ParamSpec("P")


class Metrics(NamedTuple, Generic[R]):
    """Means over the rows that are left, by their sample weights, in nats; 0 where nothing is left.

    Attributes
    ----------
    accuracy : how often no class is predicted higher than the label, so that equal ones count; of
        distributions, how probable the predicted class is, the likeliest of several predicted alike
    entropy : of the softmax of the logits
    logsumexp : of the logits
    z_loss : what `z_loss` adds to the loss: its multiple of logsumexp², and 0 without
    """

    accuracy: R
    entropy: R
    logsumexp: R
    z_loss: R


class _Logged:
    """The problem of a loss whose rows are measured for more."""

    returns = None

    def __init__(self, problem: Any) -> None:
        self.problem = problem

    def value(self) -> tuple[Any, Metrics[Any]]:
        return self._logged(self.problem.value())

    def value_and_gradient(self) -> tuple[tuple[Any, Metrics[Any]], Any]:
        both, g = self.problem.value_and_gradient()
        return self._logged(both), g

    def _logged(self, both: tuple[Any, tuple[Any, ...]]) -> tuple[Any, Metrics[Any]]:
        value, rows = both
        engine = self.problem.engine
        return value, mapped(engine.result, engine.run(self._means, rows))

    def _means(self, rows: tuple[Any, ...]) -> Metrics[Any]:
        problem, xp = self.problem, self.problem.engine.xp
        plan, operands = of_beside(problem.plan, problem.operands)[0]
        plan = replace(plan, target=NOTHING, reduction="mean", even=False)
        operands = operands._replace(sample_weight=problem.operands.sample_weight)
        hits, entropies, lses = (xp.constant(problem.flat(x)) for x in rows)
        means = [reduced(xp, plan, operands, x) for x in (hits, entropies, lses, lses * lses)]
        share = problem.operands.numbers.z_loss
        accuracy, spread, lse, squares = means
        return Metrics(accuracy, spread, lse, squares * (0 if share is None else share))


_LOGGED = tuple[Array, Metrics[Array]]
"""What is returned; a compiler follows what stands here, and no type that is made while it looks on."""


def with_metrics(loss: Callable[P, R]) -> Callable[P, tuple[R, Metrics[R]]]:
    """Return a function of the arguments of ``loss`` that returns its value and what training code logs.

    Of a linear loss all is measured of the logits that are made for it: there is no second product.

    Parameters
    ----------
    loss : function
        A loss of logits of xent, `linear_cross_entropy` above all, or of your own.

    Returns
    -------
    function
        ``(value, Metrics(accuracy, entropy, logsumexp, z_loss))``. The metrics are constants to autograd.
        `value_and_grad` of it returns ``((value, metrics), gradient)``.

    Raises
    ------
    TypeError
        For any other function, a gradient among them; of the function that is returned, for a prediction
        that is not logits.

    Notes
    -----
    Each metric is 0-d, a mean over the rows, whatever the `reduction`: of ``reduction="none"`` too, where
    the value is one per row.
    Of arrays of Dask and of DTensors each metric is a pass of its own.

    Examples
    --------
    >>> import numpy as np, xent
    >>> features, weight = np.array([[1.0, 0.0], [0.0, 1.0]]), np.eye(2)
    >>> loss, metrics = xent.with_metrics(xent.linear_cross_entropy)([0, 0], features, weight)
    >>> print(f"{loss:.6f} {metrics.accuracy} {metrics.entropy:.6f} {metrics.logsumexp:.6f}")
    0.813262 0.5 0.582203 1.313262
    """
    problem = part_of(loss, "problem")
    if problem is None:
        raise metrics.unknown(loss)

    def logged(*args: P.args, **kwargs: P.kwargs) -> _Logged:
        checked: Any = problem(*args, **kwargs)
        plan = getattr(checked, "plan", None)
        if plan is None or not _has_metrics(plan):
            raise metrics.unlogged(loss)
        plan = replace(plan, beside=LOGGED)
        return _Logged(checked._replace(plan=plan, returns=_pair))

    @named(loss, _LOGGED)
    def run(*args: P.args, **kwargs: P.kwargs) -> Any:
        return logged(*args, **kwargs).value()

    run.problem = logged  # not by vars, to which torch.compile of 2.11 writes nothing
    return Made(with_metrics, loss, run)


def _has_metrics(plan: Plan) -> bool:
    """Whether each row has logits, a target and one loss."""
    rows = plan.row_axis is not None and plan.target is not NOTHING
    return rows and plan.form == "logits" and plan.finish != "exp" and not plan.beside


def _pair(value: Any, beside: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    return value, beside
