"""What a call computes: the static plan, its arrays and numbers, and of what kind a target may be."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple

from array_api_compat import array_namespace

from xent import _dtype, _elementary
from xent._kernel import HOLE, Kernel
from xent._typing import Array, Form, Number, Verbs

Source = Literal["labels", "smoothed", "distributions", "sparse"]


@dataclass(frozen=True)
class Plan:
    """All of a call that decides what is run, and no array or number of it.

    Hashable, so that a compiler may take it as static: another value of a number is the same plan.

    Attributes
    ----------
    kernel : without its numbers
    target : what the target is to the kernel
    form : what the prediction is
    axis : the class axis, None where each element is a row by itself
    row_axis : the axis that an array with one entry per value lacks, None for none
    classes : how many there are, in all blocks together
    source : by which kind of target the kernel was found
    half : whether the prediction is in half precision
    smoothed, based, capped, tempered : whether there is a smoothing, a base, a softcap, and a temperature
    penalty : the kernel of what ``z_loss`` multiplies, None where there is none
    beside : the kernels of what each row is measured for beside its loss: more values, one per row
    even : whether every row counts and weighs 1
    traced : whether some of the arrays have no values yet
    checked : whether the values were looked at, so that each label that counts is a class
    overwrites : whether the prediction is a temporary, which its gradient may be written over
    mutual : whether the columns of a head's logits are rows too, and the value is the sum of both losses:
        of a kernel of one round, without penalty, and biases that are −inf or none
    """

    kernel: Kernel
    target: Target
    form: Form
    axis: int | None
    row_axis: int | None
    classes: int
    source: Source = "distributions"
    reduction: str = "none"
    half: bool = False
    ignore_index: tuple[float, ...] | None = None
    finish: Literal["none", "negate", "exp"] = "none"
    smoothed: bool = False
    based: bool = False
    capped: bool = False
    tempered: bool = False
    penalty: Kernel | None = None
    beside: tuple[Kernel, ...] = ()
    even: bool = False
    traced: bool = False
    checked: bool = False
    overwrites: bool = False
    mutual: bool = False

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """The hash, made once: a compiler asks for it in every call."""
        return hash(tuple(getattr(self, f.name) for f in fields(self)))

    @cached_property
    def has_numbers(self) -> bool:
        """Whether the call has numbers, which are no part of the plan."""
        given = self.smoothed, self.based, self.bent, self.penalty is not None
        return any(given) or HOLE in self.kernel.key

    @property
    def adds(self) -> bool:
        """Whether gradients are added: of the loss, its penalty and what is beside it."""
        return self.penalty is not None or bool(self.beside)

    @property
    def bent(self) -> bool:
        """Whether the kernel is given another prediction than the caller's."""
        return self.capped or self.tempered

    @cached_property
    def seen(self) -> Plan:
        """The plan where the values were looked at."""
        return replace(self, checked=True)


class Numbers(NamedTuple):
    """The numbers of a call, None where not given; each a float, or a 0-d array or tracer."""

    smoothing: Any = None
    softcap: Number = None
    temperature: Number = None
    z_loss: Number = None
    log_base: Number = None
    kernel: tuple[Number, ...] = ()


NO_NUMBERS = Numbers()


class Operands(NamedTuple):
    """All arrays of a call, None where not given, and its numbers.

    Of a sparse distribution the target is the indices; they and the probabilities have the axes of the rows,
    and then that of the entries.
    Where ``target_weight`` is there, the target is the features of a second head, of weight and bias, that
    makes the target's logits.
    """

    prediction: Array
    target: Any = None
    class_weight: Array | None = None
    pos_weight: Array | None = None
    sample_weight: Array | None = None
    where: Array | None = None
    denominator: Array | None = None
    target_probs: Array | None = None
    target_weight: Array | None = None
    target_bias: Array | None = None
    numbers: Numbers = NO_NUMBERS


class Target:
    """A target that the kernel takes as it is.

    Attributes
    ----------
    name : what the one of its kind is called in this module
    by_label : whether it holds class labels, one per row or a few
    soft : whether what the kernel takes of it may have a derivative
    counts : whether its mass is what a row counts in a mean, class weights or not
    costs : whether the kernel leaves it to the row to be multiplied by its class weight
    checks : whether its values can be wrong
    """

    by_label: ClassVar[bool] = False
    soft: ClassVar[bool] = True
    counts: ClassVar[bool] = False
    costs: ClassVar[bool] = False
    checks: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def alone(self) -> Target:
        """What it is without smoothing and class weights, to whatever kernel."""
        return self

    def __reduce__(self) -> str:
        return self.name  # each is one, compared by identity, wherever it is unpickled

    def ready(self, xp: Verbs, plan: Plan, operands: Operands, first: Any) -> Any:
        """Return the target of a block, whose first class is ``first``, as its kernel takes it."""
        return operands.target

    def mass(self, xp: Verbs, plan: Plan, operands: Operands) -> Array | None:
        """Return Σₖ cₖ tₖ of each row, t before smoothing, 0 in rows taken out; None for 1."""
        return None

    def number(self, smoothing: Number, classes: int) -> Any:
        """Return what `ready` needs of a smoothing."""
        return smoothing

    def check(
        self, xp: Verbs, plan: Plan, operands: Operands, name: str, validate: bool | None
    ) -> None:
        """Raise where a value cannot be what it is said to be (R13)."""


NOTHING, READY = Target("NOTHING"), Target("READY")
"""A kernel that takes no target, and a target that has been made ready before."""

CLASSES = Target("CLASSES")
"""A mask of the classes that count, which a link takes in the place of a target."""

LOG = Plan(_elementary.LOG, NOTHING, "probs", None, None, 2)
"""The logarithm of an array, as an engine runs it where it differentiates a gradient."""

QUOTIENT = Plan(_elementary.QUOTIENT, READY, "probs", None, None, 2)
"""The target divided by the prediction, likewise."""


def kept(plan: Plan, operands: Operands) -> Array | None:
    """Return which rows count, None for all (R9)."""
    keep, labels = operands.where, operands.target
    for label in plan.ignore_index or ():
        ignored: Any = label
        if label >= 2**31:  # JAX makes an int32 or int64 of a Python int, whatever the labels are
            ignored = array_namespace(labels).asarray(label, dtype=labels.dtype)
        wanted: Array = labels != ignored
        keep = wanted if keep is None else keep & wanted
    return keep


def masked(plan: Plan, operands: Operands) -> tuple[Plan, Operands]:
    """Return plan and operands with all rows that are taken out in the mask ``where``."""
    if plan.ignore_index is None:
        return plan, operands
    return replace(plan, ignore_index=None), operands._replace(where=kept(plan, operands))


def of_penalty(plan: Plan, operands: Operands) -> tuple[Plan, Operands]:
    """Return the plan and operands whose rows are what ``z_loss`` multiplies."""
    assert plan.penalty is not None
    plan = replace(
        plan, kernel=plan.penalty, target=NOTHING, penalty=None, beside=(), ignore_index=None
    )
    numbers = operands.numbers
    numbers = Numbers(softcap=numbers.softcap, temperature=numbers.temperature)
    return plan, Operands(operands.prediction, where=operands.where, numbers=numbers)


def in_single(xp: Verbs, plan: Plan, operands: Operands) -> tuple[Plan, Operands]:
    """Return plan and operands of a prediction in float32: the sum of two gradients is rounded once."""
    prediction = xp.astype(operands.prediction, xp.float32)
    return replace(plan, half=False), operands._replace(prediction=prediction)


def widened(xp: Verbs, operands: Operands) -> Operands:
    """Return operands whose target and weights are in the dtype to compute in.

    They are used more than once, and their gradients are rounded once.
    """
    dtype = _dtype.compute_dtype(xp, operands.prediction)
    wide: dict[str, Any] = {
        name: xp.astype(x, dtype)
        for name, x in operands._asdict().items()
        if name not in ("prediction", "numbers") and x is not None and _dtype.is_half(x)
    }
    return operands._replace(**wide)
