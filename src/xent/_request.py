"""What a caller asks of a loss, and the plan that it comes to: all that is decided once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, Generic, Literal, NamedTuple

from xent import _dispatch, _dtype
from xent._check import numbers, sizes, structure
from xent._engine import Engine
from xent._kernel import Forms, Kernel, is_number
from xent._plan import Numbers, Plan, Target
from xent._typing import R_co

NUMBERS = ("label_smoothing", "softcap", "temperature", "z_loss", "base")
"""Options that are numbers: what is run depends on their being there, and not on their values."""


_NEUTRAL = {"label_smoothing": 0, "skew": 0, "z_loss": 0, "temperature": 1}

WEIGHTS = ("class_weight", "pos_weight", "sample_weight", "where", "denominator")
"""Options that are arrays."""

NO_PART = (*WEIGHTS, "validate", "chunk_bytes")
"""Options of which a plan is no function; those that are arrays are looked at by themselves."""


class Outline(NamedTuple):
    """The shape and dtype of an array that is not there, or only a part of it."""

    shape: tuple[int, ...]
    dtype: Any

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)


_UNSAID: Any = None
"""The options of a call that was made without: none, where its loss takes none; else `xent.loss` raises."""


@dataclass(slots=True)
class Call(Generic[R_co]):
    """What a caller asks of a loss.

    Attributes
    ----------
    target : labels or distributions, None for a function of the prediction alone
    predictions : the prediction by its form; exactly one is not None
    labels, smoothed, distributions : the kernel for each form of the prediction, by what the target
        holds; smoothed labels without a kernel of their own, or with class weights, are distributions
    options : the shared options that were given, all of them: what is left out here is not heeded; a
        loss that takes none leaves them out
    soft : what a target that never holds labels is to the kernel; None where it is a distribution, or
        labels
    only : the one kind of target that the loss takes, None for both
    target_name, names : what target and forms are called in the signature, where not by their own name
    reductions : those that the loss takes
    finish : what is done to the reduced cost
    sequence_axis : the axis of the rows that a mean runs over, None for all
    keep_dtype : whether the value has the prediction's dtype in half precision too
    beside : the kernels of what each row is measured for beside its loss
    sparse : the kernels of targets of a few classes; without one they are distributions
    sparse_target : what becomes of the rest of such a target, once it is taken apart; None of any other
    returns : what is made of the value and of the tuple of those beside it
    """

    target: Any
    predictions: Mapping[Any, Any]
    labels: Forms = field(default_factory=dict)
    distributions: Forms = field(default_factory=dict)
    smoothed: Forms = field(default_factory=dict)
    options: Mapping[str, Any] = _UNSAID
    soft: Target | None = None
    only: Literal["labels", "distributions"] | None = None
    target_name: str = "target"
    names: Mapping[str, str] = field(default_factory=dict)
    reductions: tuple[str, ...] = ("none", "sum", "mean")
    finish: Literal["none", "negate", "exp"] = "none"
    sequence_axis: Any = None
    keep_dtype: bool = False
    beside: tuple[Kernel, ...] = ()
    sparse: Forms = field(default_factory=dict)
    sparse_target: Literal["lost", "uniform"] | None = None
    returns: Callable[..., Any] | None = None

    @property
    def named(self) -> dict[str, Any]:
        """The predictions by the names that the loss has for them."""
        return {self.names.get(form, form): x for form, x in self.predictions.items()}

    @property
    def kernels(self) -> list[Kernel]:
        """Those of every form, by whatever the target holds."""
        every = (self.labels, self.smoothed, self.sparse, self.distributions)
        return [kernel for forms in every for kernel in forms.values()]

    @property
    def shape(self) -> str:
        """The shape of the kernels."""
        kernels = (*self.distributions.values(), *self.labels.values())
        return kernels[0].shape

    @property
    def elementwise(self) -> bool:
        """Whether each element is a row by itself."""
        return self.shape == "element"


def spread(engine: Engine, name: str, mask: str, arrays: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return arrays whose ``mask`` of classes has the shape of the prediction, of that ``name``."""
    keep, shape = arrays[mask], tuple(arrays[name].shape)
    if sizes.same(keep.shape, shape):
        return arrays
    structure.broadcastable(mask, keep, shape)
    return {**arrays, mask: engine.xp.broadcast_to(keep, shape)}


def weighing(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are arrays, and those that are numbers and were given as one."""
    weights = {key: options[key] for key in WEIGHTS if key in options}
    return weights | {key: options[key] for key in NUMBERS if numbers.is_array(options.get(key))}


def with_numbers(
    engine: Engine, arrays: Any, given: Mapping[str, Any], kernels: Iterable[Kernel], like: str
) -> tuple[Engine, Any]:
    """Return the engine and the arrays of what is given, with those of kernels' numbers."""
    own: dict[str, Any] = {}
    for kernel in kernels:
        own |= _arrays_in(kernel, type(kernel).__name__)
    if all(_dispatch.engine_of(name, x).library == engine.library for name, x in own.items()):
        return engine, {**arrays, **own}
    return _dispatch.resolve({**given, **own}, like=like)


def _arrays_in(kernel: Kernel, name: str) -> dict[str, Any]:
    """Return the numbers of a kernel, and of those in it, that are arrays, called as no argument is."""
    found: dict[str, Any] = {}
    for field_ in fields(kernel):
        x, place = getattr(kernel, field_.name), f"{name}.{field_.name}"
        if isinstance(x, Kernel):
            found |= _arrays_in(x, place)
        elif numbers.is_array(x) and is_number(x):
            found[place] = x
    return found


BARE = len(Kernel.__dataclass_fields__)
"""How many entries a kernel without a parameter has there: such a one is asked for no number."""


def is_there(option: str, x: Any) -> bool:
    """Whether a number is given: not None, and not plainly the one that changes nothing."""
    if x is None:
        return False
    none = option in _NEUTRAL and isinstance(x, Real) and x == _NEUTRAL[option]
    return not none or isinstance(x, bool)


def numbers_of(engine: Engine, call: Call, plan: Plan, prediction: Any) -> Numbers:
    """Return the numbers that the options and the kernel hold, each checked; none promotes a result."""
    kernel = getattr(call, plan.source)[plan.form]
    own = tuple(map(numbers.operand, kernel.numbers))
    there = {
        name: numbers.number(name, x, plan.form)
        for name in NUMBERS
        if is_there(name, x := call.options.get(name))
    }
    if "label_smoothing" in there:
        there["label_smoothing"] = engine.settled(there["label_smoothing"], plan.classes)
    if not there:
        return Numbers(kernel=_narrowed(engine, prediction, own, own))
    smoothing, softcap, temperature, z_loss, base = map(there.get, NUMBERS)
    for name in ("softcap", "temperature"):
        numbers.held(name, there.get(name), prediction.dtype)
    if smoothing is not None:
        smoothing = plan.target.number(smoothing, plan.classes)
    log_base = None if base is None else engine.log(base)
    made = Numbers(smoothing, softcap, temperature, z_loss, log_base, own)
    return _narrowed(engine, prediction, made, (*there.values(), *own))


def _narrowed(engine: Engine, prediction: Any, numbers: Any, given: tuple[Any, ...]) -> Any:
    """Return the numbers that are made of those given in the dtype to compute in."""
    for x in given:
        if not isinstance(x, float):
            dtype = _dtype.compute_dtype(engine.xp, prediction)
            return _dtype.narrowed(engine.xp, numbers, dtype)
    return numbers
