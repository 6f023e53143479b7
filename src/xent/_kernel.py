"""The one contract: a loss is a mergeable statistic of a row and a gradient given that statistic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, replace
from enum import Enum
from functools import cached_property
from numbers import Real
from operator import add
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from xent._nested import mapped

Statistics = Any
"""What a loss needs of a row: an array, or a (nested) named tuple of them, of size 1 along the axis.

But for a mask for the place of a peak, in what a compiler makes for values alone."""


class Known(NamedTuple):
    """The statistics of a kernel that measures no part of a row before another has measured the whole.

    Attributes
    ----------
    before : those of the other, of whole rows
    own : what `Kernel.measure_after` makes of them
    """

    before: Statistics
    own: Statistics


@dataclass(frozen=True)
class Kernel:
    """A loss of one kind of target and one form of prediction, as pure array API functions.

    A kernel is a value: a frozen dataclass whose fields are the parameters of the formula, compared by
    them. A field that is a number, as the γ of a focal loss, is an operand: it may be traced, and
    another value of it compiles nothing again. One annotated ``int`` is a count, as of the terms of a
    series, and stays one: a formula may loop by it. All methods are given the `Verbs` of the arrays'
    library as ``xp``, and arrays that are ready to be computed with: in float32 or float64, with
    smoothing and class weights in the target, and harmless numbers in rows that are taken out. What a
    method calls its arguments, and how it annotates them, is its author's choice.

    Attributes
    ----------
    shape : "row", "element" or "block"
        "row": one value for each row along the class axis. "element": each element is a row by itself,
        and there is no class axis. "block": one value for each element of a row that must be whole, as
        of a softmax; its statistic is its value, and nothing merges.
    plain : whether `measure` is no more than a product and its sum
    merges : whether the statistics of a row follow from those of parts of its classes, where there is a
        `before` in a second round; where not, `measure` and `gradient` are given whole rows only
    """

    shape: ClassVar[Literal["row", "element", "block"]] = "row"
    plain: ClassVar[bool] = False
    merges: ClassVar[bool] = True

    def measure(
        self, xp: Any, prediction: Any, target: Any, axis: Any, /
    ) -> tuple[Statistics, Any]:
        """Return the statistics of one block, some rows by some classes, and what was made on the way.

        What was made is whatever `gradient` can use of the same block, or None. A label is its index
        among the classes of the block, and outside of them where it is none of these. Where there is a
        `before` it is given whole rows, and returns a `Known`: here in two rounds, as parts are measured.
        """
        if self.before is None:
            raise lacking(
                self, "measure", "the statistics of a block, and what was made on the way"
            )
        known, _ = self.before.measure(xp, prediction, target, axis)
        return Known(known, self.measure_after(xp, prediction, target, known, axis)), None

    @property
    def before(self) -> Kernel | None:
        """What has to be known of a whole row before a part of it is measured: a kernel, or None.

        As the normaliser of a softmax, of which a sum over classes is made. Its own statistics are merged
        first; parts are then measured by `measure_after`, and all else is given a `Known`.
        """
        return None

    def measure_after(
        self, xp: Any, prediction: Any, target: Any, known: Statistics, axis: Any, /
    ) -> Statistics:
        """Return the statistics of one block, whose whole rows are ``known`` by `before`."""
        raise lacking(self, "measure_after", "the statistics of a block, as there is a `before`")

    def merge(self, xp: Any, a: Statistics, b: Statistics, /) -> Statistics:
        """Return the statistics of two blocks of the same rows and other classes; here their sums.

        Where there is a `before`, those that `measure_after` makes.
        """
        return mapped(add, a, b)

    def whole(self, xp: Any, s: Statistics, /) -> Statistics:
        """Return the statistics of whole rows with what `value` and `gradient` both make of them.

        Here as they are. An engine that calls both may call it first; neither may depend on that.
        """
        return s

    def value(self, xp: Any, s: Statistics, /) -> Any:
        """Return the loss of each row in nats; here the statistic itself."""
        return s

    def gradient(
        self,
        xp: Any,
        prediction: Any,
        target: Any,
        s: Statistics,
        made: Any,
        w: Any,
        axis: Any,
        /,
    ) -> Any:
        """Return the derivative with respect to each element of the prediction, times ``w``.

        Given the statistics ``s`` of whole rows. ``made`` is what `measure` made of this very block, or
        None: then it is made here, so that it can be differentiated. ``w``, of size 1 along the
        axis, is what multiplies each row: its weight, the divisor and the incoming gradient in one.
        """
        raise lacking(self, "gradient", "w times the derivative for each element of the prediction")

    def target_gradient(
        self, xp: Any, prediction: Any, target: Any, s: Statistics, w: Any, axis: Any, /
    ) -> Any:
        """Return the same with respect to the target, for each of its parts where it is a tuple."""
        raise NoTargetGradientError(
            f"{type(self).__name__} has no gradient with respect to its target, nor to what makes one of "
            "labels, as label_smoothing; pass it without one (detach, stop_gradient)"
        )

    def partition(self, xp: Any, target: Any, s: Statistics, /) -> Any:
        """Return T where the loss is T log Σ exp zₖ but for what is linear in the logits z; else None.

        Its second derivative is then T (diag a − a aᵀ), a the softmax, which keeps its digits near certainty
        where the derivative of the gradient cancels. NaN where the row has no loss. Of a class that
        inherits this and states a gradient of its own it is not asked.
        """
        return None

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The parameters that are numbers, in the order of the fields: what is an operand."""
        return tuple(getattr(self, f.name) for f in fields(self) if _is_operand(self, f))

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """What a plan is remembered by: the class, and the parameters that are no operands.

        A count with its type, as a float or a bool that equals it is none.
        """
        own = (HOLE if _is_operand(self, f) else getattr(self, f.name) for f in fields(self))
        counts = (type(getattr(self, f.name)) for f in fields(self) if f.type in COUNTS)
        return type(self), *own, *counts

    @property
    def structure(self) -> Kernel:
        """The kernel without its numbers, which a plan is remembered by; itself where it has none."""
        holes = {f.name: HOLE for f in fields(self) if _is_operand(self, f)}
        return replace(self, **holes) if holes else self

    def filled(self, numbers: tuple[Any, ...]) -> Kernel:
        """Return the kernel with numbers, which may be traced, in place of its holes."""
        if not numbers:
            return self
        holes = [f.name for f in fields(self) if getattr(self, f.name) is HOLE]
        return replace(self, **dict(zip(holes, numbers, strict=True)))


class NoTargetGradientError(TypeError):
    """A kernel states no gradient with respect to its target."""


def lacking(of: Any, method: str, returns: str) -> NotImplementedError:
    """Return the error for a method that a class has to state and does not."""
    return NotImplementedError(f"{type(of).__name__} has no method {method}; it returns {returns}")


Forms: TypeAlias = Mapping[str, Kernel]
"""The kernel for each form that a prediction may have."""


class _Hole(Enum):
    """The place of a number in the structure of a kernel; an enumeration, so that a pickle is the same."""

    NUMBER = "number"


HOLE = _Hole.NUMBER


COUNTS: tuple[Any, ...] = (int, "int")
"""The annotations of a field that is a count, and part of the structure."""


def _is_operand(kernel: Kernel, field: Field[Any]) -> bool:
    """Whether what a field holds is an operand, rather than part of the structure."""
    return field.type not in COUNTS and is_number(getattr(kernel, field.name))


def is_number(x: Any) -> bool:
    """Whether a parameter is a number."""
    return not isinstance(x, bool) and (isinstance(x, Real) or getattr(x, "shape", None) == ())
