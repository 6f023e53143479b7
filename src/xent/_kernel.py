"""The one contract: a loss is a mergeable statistic of a row and a gradient given that statistic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from xent import _math as m
from xent._typing import Array, Namespace

Statistics = Any
"""What a loss needs of a row: an array, or a (nested) named tuple of them, of size 1 along the axis."""

Gradient = Callable[[Namespace, Array, Any, Statistics, Array, Any], Any]


@dataclass(frozen=True, eq=False)
class Kernel:
    """A loss of one kind of target and one form of prediction, as pure array API functions.

    Attributes
    ----------
    measure : (xp, prediction, target, axis) -> Statistics
        Of one block: some rows by some classes. A label is its index in the block, maybe outside.
    merge : (xp, Statistics, Statistics) -> Statistics
        Of two blocks of the same rows and other classes.
    value : (xp, Statistics) -> Array
        The loss of each row in nats.
    gradient : (xp, prediction, target, Statistics, w, axis) -> Array
        With respect to the prediction, elementwise given the whole row's statistics, times ``w``, one
        number per row: the sample weight, the divisor and the incoming gradient in one.
    target_gradient : the same, with respect to the target, or None where it has no derivative
    shape : "row", "element" or "block"
        One value per row; or per element, which is a row by itself, without a class axis; or per
        element of a row that must be whole: the statistic is the value, and nothing merges.
    plain : whether `measure` is a product and its sum, for which no compiler stores anything
    """

    measure: Callable[[Namespace, Array, Any, Any], Statistics]
    merge: Callable[[Namespace, Statistics, Statistics], Statistics]
    value: Callable[[Namespace, Statistics], Array]
    gradient: Gradient
    target_gradient: Gradient | None = None
    shape: Literal["row", "element", "block"] = "row"
    plain: bool = False


def add(xp: Namespace, a: Array, b: Array) -> Array:
    """Merge the statistics of a loss that is a plain sum over classes."""
    return a + b


def itself(xp: Namespace, statistics: Array) -> Array:
    """Value a loss whose statistic is the loss."""
    return statistics


# --- the logarithm and the quotient, for the libraries that differentiate a gradient ---


def _log(xp: Namespace, x: Array, target: None, axis: None) -> Array:
    logarithm: Array = xp.api.log(x)
    return logarithm


def _gradient_log(xp: Namespace, x: Array, target: None, s: Array, w: Array, axis: None) -> Array:
    """Return w / x, 0 where w is: entropy has no curvature along a class that does not move (R4)."""
    return m.scaled(xp, w, 1 / x)


LOG = Kernel(_log, add, itself, _gradient_log, shape="element")


def _quotient(xp: Namespace, q: Array, p: Array, axis: None) -> Array:
    return p / q


def _gradient_quotient(xp: Namespace, q: Array, p: Array, s: Array, w: Array, axis: None) -> Array:
    return m.scaled(xp, w, -(p / q) / q)


def _target_gradient_quotient(
    xp: Namespace, q: Array, p: Array, s: Array, w: Array, axis: None
) -> Array:
    return m.scaled(xp, w, 1 / q)


QUOTIENT = Kernel(
    _quotient, add, itself, _gradient_quotient, _target_gradient_quotient, shape="element"
)
