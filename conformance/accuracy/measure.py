"""Measure results: for each family the worst error, percentiles, and what was due and is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from conformance.accuracy.draw import Array
from conformance.accuracy.exact import errors
from conformance.accuracy.problem import Part, Problem, result_dtype
from conformance.accuracy.ways import Way
from conformance.adapters.peer import Peer


@dataclass(frozen=True)
class Line:
    """One library on one family: the errors in ULP of the dtype that it returned.

    Attributes
    ----------
    worst, high, median
        The largest error, the 99th percentile and the median, of results that are finite and due
        to be.
    goal
        The largest goal among the elements; ``over`` is the largest error as a share of its goal.
    special
        How many infinities, NaN and zeros were due or returned wrongly.
    flushed
        How many results miss the goal where a subnormal number was taken for 0, on a backend that
        does so: they are counted here, and in nothing else.
    """

    library: str
    subject: str
    quantity: str
    family: str
    dtype: str
    worst: float
    high: float
    median: float
    goal: float
    over: float
    special: int
    flushed: int
    count: int

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What the record calls it."""
        return self.library, self.subject, self.quantity, self.family, self.dtype

    def plain(self) -> dict[str, Any]:
        """Return the line as JSON's values."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def of_xent(way: Way, problem: Problem) -> Iterator[Line]:
    """Yield what xent reaches in one call, family by family."""
    if not way.measures(problem.subject):
        return
    results = way.measured(problem.subject, problem.arrays, problem.dtype)
    flushes = way.flushes(problem.subject, problem.dtype)
    yield from lines(f"xent {way.name}", problem, results, flushes=flushes)


def of_peer(peer: Peer, problem: Problem) -> Iterator[Line]:
    """Yield what a peer reaches in the same call, nothing where it has no such function.

    A call that it refuses is made again family by family, so that it is judged on the others.
    """
    try:
        found = peer.measured(problem.subject.name, problem.arrays, problem.dtype)
    except (ArithmeticError, IndexError, RuntimeError, TypeError, ValueError):
        for part in problem.parts if len(problem.parts) > 1 else ():
            yield from of_peer(peer, problem.alone(part))
        return
    if found is not None:
        yield from lines(peer.name, problem, *found, flushes=peer.flushes)


def lines(
    library: str,
    problem: Problem,
    results: tuple[Array | None, ...],
    dtypes: tuple[str, ...] | None = None,
    flushes: bool = False,
) -> Iterator[Line]:
    """Yield the lines of one call's results, (value, gradient), float64 made of ``dtypes``."""
    for index, quantity in enumerate(("value", "gradient")):
        got = results[index]
        if got is None:
            continue
        dtype = result_dtype(problem.subject, quantity, problem.dtype)
        dtype = dtypes[index] if dtypes else dtype
        for part in problem.parts:
            yield _line(library, problem, part, quantity, got[part.rows], dtype, flushes)


def _line(
    library: str,
    problem: Problem,
    part: Part,
    quantity: str,
    got: Array,
    dtype: str,
    flushes: bool,
) -> Line:
    want = part.value if quantity == "value" else part.gradient
    goal = part.goals[quantity == "gradient"]
    if got.shape != want.power.shape:
        raise ValueError(f"{library}, {problem.subject.name}: {got.shape}, not {want.power.shape}")
    found = errors(got, want, dtype)
    judged = np.isfinite(goal)
    wrong = found.special & (judged | ~np.isfinite(got))
    flushed = part.delicate[quantity == "gradient"] & (wrong | (found.ulp > goal)) & flushes
    ulp, wrong = np.where(flushed, 0.0, found.ulp), wrong & ~flushed
    with np.errstate(all="ignore"):
        share = np.where(judged & (ulp > 0), ulp / np.maximum(goal, 0.5), 0)
    shown = np.sort(ulp[judged & ~wrong])
    shown = shown if len(shown) else np.zeros(1)
    return Line(
        library,
        problem.subject.name,
        quantity,
        part.family,
        problem.dtype,
        float(shown[-1]),
        float(shown[int(0.99 * (len(shown) - 1))]),
        float(shown[(len(shown) - 1) // 2]),
        float(np.max(goal[judged], initial=0.0)),
        float(np.max(share, initial=0.0)),
        int(wrong.sum()),
        int(flushed.sum()),
        int(ulp.size),
    )
