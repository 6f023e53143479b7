"""A loss of a part of the classes of its rows: what a process, a device or a file has of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, SupportsIndex

from xent import _dispatch, _dtype
from xent._call import loss as loss_of
from xent._call import planned, seen
from xent._check import arguments, numbers, parts, structure
from xent._engine import Engine
from xent._made import Made, original, part_of
from xent._made_target import SOFTMAX_OF
from xent._namespace import Sight
from xent._part import Part
from xent._plan import CLASSES, Operands, Plan, masked
from xent._request import Call, Outline, spread, weighing, with_numbers
from xent._sparse import SparseDistribution
from xent._sparse_target import apart
from xent._typing import A, Array, ArrayLike, HasShape, Maybe


@dataclass(frozen=True)
class PartCall:
    """What a caller asks of a part: the call of the loss, and which classes these are."""

    call: Call
    first: Any
    classes: Any


class _Found(NamedTuple):
    """What a call of a loss of parts returns, as `xent.loss` asks for it."""

    found: Part[Any]

    def value(self) -> Part[Any]:
        return self.found


def prepare(function: str, given: PartCall) -> _Found:
    """Check the call of a part by the shapes of the whole row, and its values by what is there."""
    call = given.call
    arguments.exactly_one(function, **call.named)
    form, x = next((form, x) for form, x in call.predictions.items() if x is not None)
    name = call.names.get(form, form)
    parts.rows(function, call.shape)
    parts.validated(call.options.get("validate"))
    traced = {"first": given.first} if numbers.is_array(given.first) else {}
    entries = {call.target_name: call.target}
    if type(call.target) is SparseDistribution:
        call, entries = apart(call)
    every = {name: x, **entries, **weighing(call.options), **traced}
    engine, arrays = _dispatch.resolve(every, like=name)
    engine, arrays = with_numbers(engine, arrays, every, call.kernels, name)
    if call.soft is CLASSES:
        arrays = {**spread(engine, name, call.target_name, arrays)}
    sight = engine.sight(arrays.values()) if engine.has_devices else Sight.READABLE
    x, target = arrays[name], arrays.get(call.target_name)
    structure.prediction(name, x)
    axis = structure.axis_of(name, x, call.options.get("axis", -1))
    size = x.shape[axis]
    classes = parts.classes(given.classes, size)
    outlined = arrays | _outlines(name, x, call.target_name, target, axis, classes)
    plan, operands = planned(engine, call, outlined, name, form, sight)
    _mergeable(engine, plan, function, name, call.target_name)
    operands = operands._replace(prediction=x, target=target)
    plan, operands = engine.run(masked, seen(engine, call, plan, operands, name, sight), operands)
    first, readable = arrays.get("first", given.first), sight is Sight.READABLE
    first = parts.first(first, size, classes, array=len(traced) > 0, readable=readable)
    block = operands._replace(class_weight=_weights(engine.xp, operands, first, size))
    return _Found(Part(engine, plan, operands, block, first, call.keep_dtype))


def _mergeable(engine: Engine, plan: Plan, function: str, name: str, target: str) -> None:
    """Raise for arrays whose parts merge by themselves, and for a loss that needs to know whole rows."""
    if engine.spreads:
        raise parts.on_many(name)
    if not plan.kernel.merges:
        raise parts.unmerged(function, name)
    if plan.target is SOFTMAX_OF:
        raise parts.soft_rows(target)


def _outlines(
    name: str, x: Any, target_name: str, target: Any, axis: int, classes: int
) -> dict[str, Any]:
    """Return the prediction, and a target of its shape, as they would be of whole rows."""
    whole = (*x.shape[:axis], classes, *x.shape[axis + 1 :])
    outlines = {name: Outline(whole, x.dtype)}
    if target is not None and target.ndim == x.ndim and not _dtype.is_integer(target):
        structure.same_shape(target_name, target, name, x.shape)
        outlines[target_name] = Outline(whole, target.dtype)
    return outlines


def _weights(xp: Any, operands: Operands, first: Any, size: int) -> Array | None:
    """Return the weights of the classes of a part."""
    weights, x = operands.class_weight, operands.prediction
    if weights is None:
        return None
    return xp.pick(weights, xp.iota_of(x, size, 1, 0) + first, 0)


class LossOfParts(Protocol):
    """A loss of a part of the classes, whose other arguments only the loss knows, to a checker."""

    __name__: str

    def __call__(
        self,
        *arrays: ArrayLike | None,
        first: SupportsIndex | HasShape,
        classes: SupportsIndex,
        probs: Maybe[A] = None,
        logits: Maybe[A] = None,
        log_probs: Maybe[A] = None,
        q: Maybe[A] = None,
        **options: Any,
    ) -> Part[A]: ...


def part(loss: Callable[..., Any]) -> LossOfParts:
    """Return a loss of rows as a function of a part of their classes.

    So a loss of rows that lie in parts, on several devices or processes or in files, is made by hand: each
    part is measured where it lies, its statistics are sent to the others by whatever sends arrays, and with
    those of all parts each has the value of the whole rows and the gradient of its own part.

    Parameters
    ----------
    loss : function
        A loss of rows of xent, `entropy`, `perplexity`, `logsumexp`, or a loss of your own by `xent.loss`.

    Returns
    -------
    function
        Of the arguments of ``loss``, and two more by keyword: ``classes``, how many the whole row has, and
        ``first``, the index among these of the first class of this part, which may be traced. The
        prediction, and a target that is a distribution, are this part's; labels and `class_weight` are
        those of the whole row, and all that is one per row is the same in every part. It returns an
        object with

        statistics : array (k, *rows), float32 or float64
            k numbers of each row, measured each time that they are asked for. From logits 3 of labels,
            5 of distributions, 7 of smoothed labels, and 3 more with `z_loss`; `examples/many_devices.md`
            has a table of all.
        merged(every)
            The same part with what is known of whole rows, from the statistics of every part, this one
            among them, in the order of their classes. It has ``value()``, ``gradient()`` with respect to
            this part's prediction, ``value_and_gradient()``, and ``statistics`` to be merged again. Of a
            loss of logits that adds what only the softmax of a whole row tells (Jensen–Shannon, a KL
            reversed or skewed, a Brier score or a focal loss of soft targets) it has first ``again``, the
            part to be measured and merged once more, which of any other is None.

    Raises
    ------
    TypeError
        For any other function; of the function that is returned, for a loss of elements (`sigmoid`,
        `binary_cross_entropy`) or of whole rows (`softmax`), and for a linear loss.
    ValueError
        Of the function that is returned, for a part that does not lie within the ``classes``.

    Notes
    -----
    A mean divides by what the rows that were given weigh. Where rows lie apart too, take
    ``reduction="sum"``, or give all of them the same `denominator`. What a communicator sends, no library
    differentiates: pass ``gradient()`` on, as by `jax.custom_vjp` or `torch.autograd.Function`. A part is
    measured as one block, in memory of a few times its size. In JAX each step is jitted, and a part is a
    pytree. Arrays of Dask lie in parts that Dask itself merges: call the loss.

    Examples
    --------
    >>> import numpy as np, xent
    >>> logits = np.array([[1.0, 2.0, 3.0]])
    >>> part = xent.part(xent.cross_entropy)
    >>> left = part([2], logits=logits[:, :2], first=0, classes=3)
    >>> right = part([2], logits=logits[:, 2:], first=2, classes=3)
    >>> every = [left.statistics, right.statistics]
    >>> print(f"{right.merged(every).value():.6f} {left.merged(every).gradient()[0, 0]:.6f}")
    0.407606 0.090031
    """
    call = part_of(loss, "call")
    if call is None:
        raise parts.not_in_parts(loss)
    whole, name = inspect.signature(loss), original(loss).__name__
    keywords = [p for p in whole.parameters.values() if p.kind is not p.VAR_KEYWORD]
    keywords += [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY) for key in ("first", "classes")
    ]

    def body(*args: Any, first: Any, classes: Any, **options: Any) -> Any:
        given = call(*args, **options)
        if not isinstance(given, Call):
            raise parts.of_a_head(name)
        return PartCall(given, first, classes)

    body.__name__, body.__qualname__ = name, f"part({name})"
    body.__doc__ = f"Return a part of the classes of `{name}`, from ``first`` on, of ``classes``."
    vars(body)["__signature__"] = whole.replace(parameters=keywords, return_annotation=Part)
    decorator: Any = loss_of(prepare=prepare, differentiable=False)
    run: Any = decorator(body)
    run.__annotations__["return"] = Part
    made: Any = Made(part, loss, run)
    return made
