"""Families, laid out as calls: those of one shape in one call, with exact results and goals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from conformance.accuracy import balls, goals
from conformance.accuracy.draw import Array, Draw
from conformance.accuracy.exact import Exact
from conformance.accuracy.inputs import Batch, Size, of_pairs
from conformance.accuracy.subjects import Subject
from conformance.exact import FORMATS

SEED = 20240229
#: By how many a family has fewer rows where each of them is a call.
FEWER = 5


@dataclass(frozen=True)
class Part:
    """One family: its rows in a call, the exact results, and the goals of each of them.

    ``delicate`` says where a library that takes subnormal numbers for 0 loses digits by that alone:
    where an input is subnormal, or the difference of two, or the result so small that one term
    which is can be seen in it.
    """

    family: str
    rows: slice
    value: Exact
    gradient: Exact
    goals: tuple[Array, Array]
    delicate: tuple[Array, Array]


@dataclass(frozen=True)
class Problem:
    """One call: the arrays of all families of a shape, one after the other."""

    subject: Subject
    dtype: str
    arrays: dict[str, Array]
    parts: tuple[Part, ...]

    def alone(self, part: Part) -> Problem:
        """Return one family as a call of its own."""
        arrays = {name: x[part.rows] for name, x in self.arrays.items()}
        whole = slice(0, part.rows.stop - part.rows.start)
        return replace(self, arrays=arrays, parts=(replace(part, rows=whole),))


@lru_cache(maxsize=2)
def batches(kind: Callable[..., Iterator[Batch]], size: Size, dtype: str, seed: int) -> list[Batch]:
    """Return the batches of one kind of inputs, by a seed."""
    return list(kind(Draw(seed, f"{kind.__name__} {dtype}"), size, dtype))


@lru_cache(maxsize=2)
def problems(subject: Subject, dtype: str, size: Size, seed: int = SEED) -> tuple[Problem, ...]:
    """Return the calls of a subject in a dtype, one for each shape."""
    size = replace(size, rows=max(3, size.rows // FEWER)) if subject.alone else size
    shapes: dict[tuple[int, ...], list[Batch]] = {}
    for batch in batches(subject.kind, size, dtype, seed):
        shapes.setdefault(batch.columns[0].shape[1:], []).append(batch)
    return tuple(_problem(subject, dtype, group) for group in shapes.values())


def _problem(subject: Subject, dtype: str, group: list[Batch]) -> Problem:
    columns = [np.concatenate(parts) for parts in zip(*(b.columns for b in group), strict=True)]
    arrays = dict(zip(subject.arguments, columns, strict=True))
    if "labels" in arrays:
        del arrays["labels"]
        arrays["target"] = np.concatenate([b.label for b in group if b.label is not None])
    start, parts = 0, []
    for batch in group:
        end = start + len(batch.columns[0])
        parts.append(_part(subject, dtype, batch, slice(start, end)))
        start = end
    return Problem(subject, dtype, arrays, tuple(parts))


def _part(subject: Subject, dtype: str, batch: Batch, rows: slice) -> Part:
    measure = balls.elements if subject.elementwise else balls.rows
    value, gradient = measure(subject.formula, batch.columns)
    with np.errstate(all="ignore"):
        of_value, of_gradient = subject.goal(batch.columns, value, gradient)
    if subject.is_link:
        of_value = goals.in_dtype(of_value, dtype)
    form = FORMATS["float64" if dtype == "float64" else "float32"]
    terms = [*batch.columns]
    if subject.kind is of_pairs:
        terms.append(terms[0] - terms[1])
    tiny = np.any([_is_tiny(term, 2.0**form.smallest) for term in terms], axis=0)
    visible = form.smallest + form.bits + 1
    by_row = tiny if subject.elementwise else tiny.any(axis=-1, keepdims=True)
    marks = [
        (by_row if by_row.ndim == x.power.ndim else by_row[:, 0])
        | (x.ordinary & (x.power <= visible))
        for x in (value, gradient)
    ]
    asked = of_value, goals.in_dtype(of_gradient, dtype)
    return Part(batch.family, rows, value, gradient, asked, (marks[0], marks[1]))


def _is_tiny(x: Array, least: float) -> Array:
    return (x != 0) & (np.abs(x) < least)


def result_dtype(subject: Subject, quantity: str, dtype: str) -> str:
    """Return the dtype of what xent returns (R12)."""
    half = dtype in ("float16", "bfloat16")
    return "float32" if half and quantity == "value" and not subject.is_link else dtype
