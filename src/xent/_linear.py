"""What a linear head is, what is made of it, and how its logits are cut into chunks.

A chunk is at most 512 rows, enough to keep the products compute-bound, or more where rows are short,
and at most a budget of bytes; where a few rows are too long for that, their classes are cut too. On a
device, where each chunk costs launches and another pass over the weight and the sum of its gradient,
rows and bytes are many more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple

from xent._typing import Array, R

ROWS = 512
"""Rows of a chunk at the most, but for short ones."""

BUDGET = 64 << 20
"""Bytes of a chunk of logits, where a call names none."""

DEVICE_ROWS, DEVICE_BUDGET = 4096, 3 << 29
"""The same two on a device; the bytes are less than those of the summed gradient of a large weight."""

DEVICE_STRIP = 1 << 26
"""Numbers of the weight's gradient that are added to at a time on a device, where there must be a product."""

SHORT = 1 << 21
"""Bytes that a chunk's features, and its logits, may have without being cut for their many rows."""

FEW = 64
"""Rows below which a chunk is not cut for its bytes: its classes are."""

PIECES = 4
"""Pieces of a sum of half precision: few, so that a system takes back each that is dropped."""

UNKNOWN = 1 << 16
"""What is taken for a number of rows or classes that is not known yet: a symbol of an exported program."""

STRIP = 1024
"""Classes of the weight's gradient that are added to at a time."""


class Gradients(NamedTuple, Generic[R]):
    """The gradients of a linear loss, None where there is no bias, and for what is not wanted."""

    features: R
    weight: R
    bias: R | Any


Wanted = tuple[bool, bool, bool]
"""Which gradients are wanted: of features, weight and bias."""

ALL: Wanted = (True, True, True)
"""All three gradients are wanted."""


class Head(NamedTuple):
    """What makes the logits: ``features @ weight.T + bias``, (N, D), (K, D) and (K,)."""

    features: Array
    weight: Array
    bias: Array | None = None


class Cut(NamedTuple):
    """Some classes: ``size`` of them from ``first``, which may be traced."""

    first: Any
    size: int


class Block(NamedTuple):
    """Some rows: their features, the head, and where a library makes them at once all their logits."""

    features: Array
    head: Head
    logits: Array | None = None


class Sums(NamedTuple):
    """What the chunks add up to: the value, the gradients of weight and bias if they are wanted, and what
    is known of the columns where these are rows too.
    """

    value: Any
    weight: Any
    bias: Any
    columns: Any = None


class Made(NamedTuple):
    """What rows have for themselves: values if these are not summed, features' gradient, values beside."""

    value: Any
    features: Any
    beside: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Chunks:
    """How the rows and classes of the logits are cut.

    Attributes
    ----------
    asked : bytes of a chunk of logits as the caller or an engine chose them, None for what is usual there
    shape : (N, K)
    size : bytes of a logit
    width : D
    elsewhere : whether they lie on a device
    entire : whether the loss needs whole rows of logits, however long they are
    doubled : whether as much again is made beside the logits
    """

    asked: int | None
    shape: tuple[int, int]
    size: int
    width: int
    elsewhere: bool = False
    entire: bool = False
    doubled: bool = False

    @property
    def budget(self) -> int:
        """Bytes of a chunk of logits."""
        budget = self.asked or (DEVICE_BUDGET if self.elsewhere else BUDGET)
        return -(-budget // 2) if self.doubled else budget

    @property
    def rows(self) -> int:
        """Rows of a chunk."""
        return self._even(max(FEW, self._fitting))

    @property
    def whole_rows(self) -> int:
        """Rows of a chunk whose classes are not cut.

        A compiler keeps memory of their own for rows that are left over: none are where that can be
        had, and all are fewer where not.
        """
        return self._divisor(self._fitting)

    @property
    def strip_rows(self) -> int:
        """Rows of a chunk of which a compiler never makes more than a strip of classes at a time."""
        return self._divisor(max(FEW, self._entries // (4 * STRIP)))

    def _divisor(self, rows: int) -> int:
        rows = self._even(rows)
        divisors = (n for n in range(rows, rows // 2, -1) if self._size[0] % n == 0)
        return next(divisors, max(1, rows // 2))

    @property
    def strip(self) -> int:
        """Classes of the weight's gradient that are added to at a time."""
        return max(STRIP, DEVICE_STRIP // max(1, self.width)) if self.elsewhere else STRIP

    @property
    def classes(self) -> int:
        """Classes of a chunk, all of them unless a few rows are too long.

        A part of a row is held four times: as it is, made ready, its exponentials and its gradient.
        """
        if self.entire or self.rows <= self._fitting:
            return self.shape[1]
        return max(1, self._entries // (4 * self.rows))

    def _even(self, rows: int) -> int:
        """Return at most ``rows``, so many that no chunk is much smaller than the others."""
        most = DEVICE_ROWS if self.elsewhere else ROWS
        most = max(most, SHORT // (self.size * max(self.width, self._size[1])))
        count = -(-self._size[0] // max(1, min(most, rows)))
        return -(-self._size[0] // max(1, count)) or 1

    @property
    def _fitting(self) -> int:
        return self._entries // max(1, self._size[1])

    @property
    def _size(self) -> tuple[int, int]:
        """The shape, large numbers in the place of what is not known yet."""
        n, k = (x if isinstance(x, int) else UNKNOWN for x in self.shape)
        return n, k

    @property
    def _entries(self) -> int:
        return max(1, self.budget // self.size)


def cuts(stop: int, step: int) -> Iterator[slice]:
    """Cut 0 to ``stop`` into slices of ``step``."""
    for start in range(0, stop, max(1, step)):
        yield slice(start, min(start + step, stop))
