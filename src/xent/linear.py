"""Losses of a linear head, whose logits are never stored whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, NamedTuple, Unpack

from xent import _check, _dispatch, _options
from xent._call import WEIGHTS, Call, check_values, loss, planned
from xent._engine import Engine
from xent._linear import Chunks, Gradients, Head
from xent._options import LinearBinaryOptions, LinearOptions
from xent._plan import Operands, Plan
from xent._typing import Array, ArrayLike
from xent.losses import _binary, _distributions, _labels, _links, _smoothed


@dataclass(frozen=True)
class HeadCall:
    """What a caller asks of a linear loss: the call, but for the logits, and the head."""

    call: Call
    head: Mapping[str, Any]


class _Logits(NamedTuple):
    """The shape and dtype of logits that are not there."""

    shape: tuple[int, ...]
    dtype: Any

    @property
    def ndim(self) -> int:
        return len(self.shape)


class HeadProblem(NamedTuple):
    """A checked call of a linear loss."""

    engine: Engine
    plan: Plan
    operands: Operands
    head: Head
    chunks: Chunks
    shapes: tuple[tuple[int, ...], ...]

    def value(self) -> Array:
        """Return the value."""
        value = self.engine.linear_value(self.plan, self.head, self.operands, self.chunks)
        return self._shaped(value)

    def value_and_gradient(self) -> tuple[Array, Gradients]:
        """Return the value, and the gradients by name."""
        value, g = self.engine.linear_value_and_gradient(
            self.plan, self.head, self.operands, self.chunks
        )
        _, features, weight = self.shapes
        reshape = self.engine.xp.reshape
        bias = g.bias if g.bias is None or len(weight) == 2 else reshape(g.bias, ())
        return self._shaped(value), Gradients(
            reshape(g.features, features), reshape(g.weight, weight), bias
        )

    def _shaped(self, value: Array) -> Array:
        if self.plan.reduction != "none":
            return value
        shaped: Array = self.engine.xp.reshape(value, self.shapes[0])
        return shaped


def prepare(given: HeadCall) -> HeadProblem:
    """Check a call of a linear loss; return what runs it, its rows flat."""
    call, options = given.call, {**_options.DEFAULTS, **given.call.options}
    engine, arrays = _dispatch.resolve(
        {**given.head, call.target_name: call.target, **{k: options[k] for k in WEIGHTS}},
        like="features",
    )
    features, weight, bias = arrays["features"], arrays["weight"], arrays.get("bias")
    binary = next(iter(call.distributions.values())).shape == "element"
    _check.head(features, weight, bias, narrow=binary)
    rows, classes = tuple(features.shape[:-1]), tuple(weight.shape[:-1])
    logits: Any = _Logits((*rows, *classes), features.dtype)
    plan, operands = planned(engine, call, options, arrays, "features @ weight.T", "logits", logits)
    budget = _check.budget(options["chunk_bytes"])
    budget = budget if plan.penalty is None else -(-budget // 2)  # it has a gradient of its own
    seen = check_values(
        engine,
        plan,
        operands._replace(prediction=features),
        options["validate"],
        (call.target_name, "features"),
    )
    plan = plan.seen if seen else plan
    n, k = prod(rows), prod(classes)
    xp = engine.xp
    head = Head(
        xp.reshape(features, (n, features.shape[-1])),
        xp.reshape(weight, (k, weight.shape[-1])),
        None if bias is None else xp.reshape(bias, (k,)),
    )
    plan = replace(plan, axis=None if plan.axis is None else 1)
    chunks = Chunks(budget, (n, k), engine.logit_size(features), features.shape[-1])
    shapes = (
        (*rows, *classes) if binary else rows,
        tuple(features.shape),
        tuple(weight.shape),
    )
    operands = _flat(xp, plan, operands, head, rows, classes)
    return HeadProblem(engine, plan, operands, head, chunks, shapes)


def _flat(
    xp: Any,
    plan: Plan,
    operands: Operands,
    head: Head,
    rows: tuple[int, ...],
    classes: tuple[int, ...],
) -> Operands:
    """Return operands with one axis of rows, or of rows and one of classes."""
    wide = (prod(rows), prod(classes))
    row = wide if plan.axis is None else wide[:1]
    shapes = {
        "target": row if plan.by_label else wide,
        "sample_weight": row,
        "where": row,
    }
    flat = {
        name: None if x is None else xp.reshape(x, shapes[name])
        for name, x in operands._asdict().items()
        if name in shapes
    }
    pos_weight = operands.pos_weight
    if pos_weight is not None and pos_weight.ndim > len(classes):  # it has an axis of rows
        last = pos_weight.shape[-1:] if classes else ()
        pos_weight = xp.broadcast_to(pos_weight, (*rows, *last))
        pos_weight = xp.reshape(pos_weight, (prod(rows), prod(last)))
    return operands._replace(prediction=head.features, pos_weight=pos_weight, **flat)


@loss(LinearOptions, prepare=prepare)
def linear_cross_entropy(
    target: ArrayLike,
    features: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    **options: Unpack[LinearOptions],
) -> HeadCall:
    """Return the cross entropy of softmax regression, without storing its logits.

    `cross_entropy` of the logits ``features @ weight.T + bias``, which are made and dropped some
    rows at a time.

    Parameters
    ----------
    target : integer (...) or floating (..., K)
        Class labels or distributions.
    features : floating (..., D)
        What the head sees of each row.
    weight : floating (K, D)
        One row per class, of the dtype of the features.
    bias : floating (K,), optional
        One number per class.

    Returns
    -------
    array
        As of `cross_entropy`.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`, and for a head whose shapes or dtypes do not match.

    Notes
    -----
    `xent.value_and_grad` returns the gradients as a named tuple ``(features, weight, bias)``:
    ∂L/∂θᵢₖ = (aᵢ − yᵢ) aₖ for the weight [1]_. They are made with the value, chunk by chunk, in
    extra memory of the gradients and two chunks. Statistics, loss and the weight's gradient are
    accumulated in float32 for half precision.

    References
    ----------
    .. [1] D1, the last equation of "softmax regression".

    Examples
    --------
    >>> import numpy as np, xent
    >>> x, theta = np.array([[1.0, 2.0]]), np.zeros((3, 2))
    >>> print(xent.linear_cross_entropy([0], x, theta))
    1.09861228866810...
    >>> loss, g = xent.value_and_grad(xent.linear_cross_entropy)([0], x, theta)
    >>> print(g.weight[0])
    [-0.66666667 -1.33333333]
    """
    call = Call(
        "linear_cross_entropy",
        {},
        target,
        labels=_labels.KERNELS,
        smoothed=_smoothed.KERNELS,
        distributions=_distributions.KERNELS,
        options=options,
        penalty=_links.LOGSUMEXP_SQUARED,
    )
    return HeadCall(call, {"features": features, "weight": weight, "bias": bias})


@loss(LinearBinaryOptions, prepare=prepare)
def linear_binary_cross_entropy(
    target: ArrayLike,
    features: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    **options: Unpack[LinearBinaryOptions],
) -> HeadCall:
    """Return the cost of logistic regression, J(θ), without storing its logits.

    `binary_cross_entropy` of the logits ``features @ weight.T + bias``.

    Parameters
    ----------
    target : bool, integer (0 or 1) or floating in [0, 1], (...) or (..., K)
        The truth, of the shape of the logits.
    features : floating (..., D)
        What the head sees of each row.
    weight : floating (D,) or (K, D)
        θ, of one or of several yes-or-no questions.
    bias : floating () or (K,), optional
        One number per question.

    Returns
    -------
    array
        As of `binary_cross_entropy`.

    Raises
    ------
    TypeError, ValueError
        As `binary_cross_entropy`, and for a head whose shapes or dtypes do not match.

    Notes
    -----
    `xent.value_and_grad` returns the gradients as a named tuple ``(features, weight, bias)``:
    ∂J/∂θⱼ = 1/n Σᵢ (h(xᵢ) − yᵢ) xᵢⱼ for the weight [1]_.

    References
    ----------
    .. [1] D1, "logistic regression".

    Examples
    --------
    >>> import numpy as np, xent
    >>> print(xent.linear_binary_cross_entropy([1], np.array([[1.0, 2.0]]), np.zeros(2)))
    0.693147180559945...
    """
    call = Call(
        "linear_binary_cross_entropy",
        {},
        target,
        distributions=_binary.KERNELS,
        kind="pair",
        options=options,
    )
    return HeadCall(call, {"features": features, "weight": weight, "bias": bias})
