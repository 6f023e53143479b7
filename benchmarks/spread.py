"""What a few samples say, and whether they would say it again."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, nan
from statistics import quantiles
from typing import Any, NamedTuple

# A number whose quartiles are farther than this factor from its median is not shown.
WIDEST = 1.25

Row = dict[str, Any]


class Spread(NamedTuple):
    """The quartiles of some samples."""

    low: float
    median: float
    high: float

    @property
    def width(self) -> float:
        """The factor between the median and the quartile that is farther from it."""
        if self.low == self.high:
            return 1.0
        return max(self.high / self.median, self.median / self.low) if self.low > 0 else inf

    @property
    def steady(self) -> bool:
        """Whether the median may be quoted."""
        return self.width <= WIDEST


def spread(samples: list[float]) -> Spread:
    """Return the quartiles; fewer than two samples do not tell how far they may lie apart."""
    if len(samples) < 2:
        return Spread(0.0, nan, inf)
    alike = min(samples) == max(samples)  # of which infinite ones have no quantiles
    return Spread(*(samples[:1] * 3 if alike else quantiles(samples, n=4)))


def ratio(above: Iterable[float], below: Iterable[float]) -> Spread:
    """Return the quartiles of a ratio that is taken in each round for itself.

    What slows a whole round down slows both sides of it.
    """
    return spread([a / b if b else inf if a else 1.0 for a, b in zip(above, below, strict=True)])


def time(row: Row) -> Spread | None:
    """Return the seconds of a row, None where it was not timed."""
    return spread(row.get("samples", [])) if "seconds" in row else None


def speedup(row: Row, rows: Iterable[Row]) -> Spread | None:
    """Return how many times as fast as its runner's reference, one of ``rows``, a row is."""
    for other in rows:
        named = (other["runner"], other["contender"]) == (row["runner"], row["reference"])
        if named and "seconds" in row and "seconds" in other:
            return ratio(other.get("samples", ()), row.get("samples", ()))
    return None
