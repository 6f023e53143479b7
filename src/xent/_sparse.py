"""A distribution by a few of its classes, as a teacher stores it that is not there any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from xent._check import arguments
from xent._typing import ArrayLike


@dataclass(frozen=True, eq=False)
class SparseDistribution:
    """Distributions by k of their K classes: a target that is never made an array of K numbers a row.

    Attributes
    ----------
    indices : integer (..., k)
        Which classes, 0 to K − 1. The last axis is that of the k entries, whatever the `axis` of the
        prediction; the others are its rows.
    probs : floating (..., k)
        How probable each is. A row may sum to less than 1, not to more; an entry that is not needed has 0.
    rest : None or "uniform", default None
        What becomes of what a row lacks to 1: it is lost, so that the row counts its sum in a mean; or it
        is spread evenly over the classes that no entry gives any.

    Notes
    -----
    The probabilities of a class that is named twice add up, and an entry of 0 is as if it were not there,
    whatever class it names: padding. Without a rest, smoothing or `class_weight`, `cross_entropy` looks up k
    numbers of each row. Other losses, and a rest, see the distribution of some rows at a time, as many as are
    computed together.

    Examples
    --------
    >>> import numpy as np, xent
    >>> teacher = xent.SparseDistribution([[3, 0]], [[0.75, 0.25]])
    >>> print(xent.cross_entropy(teacher, logits=np.zeros((1, 4)), base=2))
    2.0
    """

    indices: ArrayLike
    probs: ArrayLike
    rest: Literal["uniform"] | None = None

    def __post_init__(self) -> None:
        if self.rest is not None:
            arguments.choice("rest", self.rest, ("uniform",))


TargetLike: TypeAlias = ArrayLike | SparseDistribution
"""What a loss takes that knows sparse distributions too."""
