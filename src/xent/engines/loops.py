"""What the loss of a linear head asks of a library: how it loops over chunks, and adds to what it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from xent._kernel import Kernel, Statistics
from xent._linear import Block, Cut, Head, Made, Sums
from xent._plan import Operands, Plan
from xent._typing import Array

Carry = TypeVar("Carry")


OfRows = Callable[[Sums, Array, Operands], tuple[Sums, Made]]


OfColumns = Callable[[Any, Any, Cut], Any]
"""Of arrays of some columns, what is there for these, and which they are, makes what takes its place."""


class Loops(Protocol):
    """How a library loops over chunks; what is added to may be written over, and is returned.

    Attributes
    ----------
    xp : the verbs of the library
    stored : those of logits that are stored, whose classes may be along their first axis
    single : whether all classes are one strip
    alone : whether that is all of the rows, of which no other device has more
    once : whether the rows are one chunk, and one strip, of which the engine measures columns too
    measures : whether the engine itself makes value and gradient of whole rows in one strip
    """

    xp: Any
    stored: Any
    single: bool
    alone: bool
    once: bool
    measures: bool

    def over_rows(self, body: OfRows, sums: Sums, operands: Operands, /) -> tuple[Sums, Made]:
        """Return the sums after ``body(sums, features, operands)`` of each chunk, and all it made."""

    def over_classes(self, body: Callable[[Cut, Carry], Carry], carry: Carry, /) -> Carry:
        """Return what ``body(cut, carry)`` makes of a carry, which may be None at first."""

    def complete(self, kernel: Kernel, s: Statistics, /) -> Statistics:
        """Return the statistics of whole rows, of which others may have other classes."""

    def block(self, features: Array, head: Head, /) -> Block:
        """Return the rows that have these features, with the head that makes logits of them."""

    def logits(self, block: Block, cut: Cut, /) -> Array:
        """Return the logits of some classes."""

    def some(self, x: Array, cut: Cut, /) -> Array:
        """Return some classes along the last axis of ``x``."""

    def put(self, x: Array, cut: Cut, new: Array, /) -> Array:
        """Return ``x`` with ``new`` in the place of some classes along the last axis."""

    def zeros(self, shape: tuple[int, ...], /) -> Array:
        """Return zeros to add to, in the dtype to compute in."""

    def value(self, plan: Plan, operands: Operands, /) -> Array:
        """Return the value of a strip."""

    def value_and_gradient(self, plan: Plan, operands: Operands, /) -> tuple[Array, Array]:
        """Return it and its gradient, rounded as it is multiplied by the head."""

    def unrounded(self, plan: Plan, operands: Operands, /) -> tuple[Array, Array]:
        """Return the same before the gradient is rounded."""

    def factor(self, g: Array, /) -> Array:
        """Return a gradient as it is multiplied by the head."""

    def over_columns(self, body: OfColumns, x: Any, old: Carry, cut: Cut, /) -> Carry:
        """Return ``body(x, old, cut)``, some columns after others, along the last axis of all arrays."""

    def down_total(self, block: Block, /) -> Any:
        """Return nothing yet of the gradient of the features of some rows."""

    def add_down(self, total: Any, g: Array, block: Block, cut: Cut, /) -> Any:
        """Return the total with ``g @ weight`` of some classes."""

    def weight_total(self) -> Any:
        """Return nothing yet of the gradient of the weight."""

    def add_weight(self, total: Any, g: Array, features: Array, cut: Cut, /) -> Any:
        """Return the total with ``g.T @ features`` in the rows of some classes."""

    def rounded(self, total: Any, /) -> Array:
        """Return the gradient of the weight in its own dtype."""

    def add_bias(self, total: Array, g: Array, cut: Cut, /) -> Array:
        """Return the total with the sums of the columns of ``g`` at some classes."""
