"""What an elementwise function is measured on: scores, probabilities, and their targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import ml_dtypes
import numpy as np

from conformance.accuracy import balls, formulas_mass
from conformance.accuracy.draw import DTYPES, Array, Draw, represented
from conformance.accuracy.inputs import WIDTH, Batch, Size
from conformance.accuracy.logits import EDGES, SINGLE
from conformance.accuracy.masses import digits


def _signed(draw: Draw, x: Array) -> Array:
    return np.where(draw.below(2, *x.shape) == 0, -x, x)


def _scores(draw: Draw, rows: int, dtype: str) -> Mapping[str, Array]:
    shape, info = (rows, WIDTH), ml_dtypes.finfo(DTYPES[dtype])
    low, high = EDGES.get(dtype, SINGLE)
    far = 3e4 if dtype == "float16" else 1e6
    seen = [14, 16, 17, 20, 30, 38, 88, 100, 0, 0.5]
    return {
        "uniform": draw.between(-8, 8, *shape),
        "wide": draw.between(-1e4, 1e4, *shape),
        "certain": _signed(draw, draw.between(5, 700, *shape)),
        "nearly certain": _signed(draw, draw.between(5, 40, *shape)),
        "shifted": _signed(draw, far + draw.between(-8, 8, *shape)),
        "near 0": _signed(draw, draw.powers(int(info.minexp), 0, *shape)),
        "infinite": _signed(draw, np.full(shape, np.inf)),
        "subnormal exp": _signed(draw, draw.between(low - 1, high, *shape)),
        "subnormal logits": draw.between(-2, 2, *shape) * float(info.tiny),
        "seen: -14, -16": np.concatenate([np.resize(seen, shape), -np.resize(seen, shape)]),
    }


def _masses(draw: Draw, rows: int, dtype: str) -> Mapping[str, Array]:
    shape, info = (rows, WIDTH), ml_dtypes.finfo(DTYPES[dtype])
    unit, least = 2.0 ** -digits(dtype), float(info.smallest_subnormal)
    edge = np.array([0, 1, 1 - unit, 1 - 2 * unit, 0.5, 0.25, least, float(info.tiny), 0.75, unit])
    return {
        "uniform": draw.unit(*shape),
        "edges": np.resize(edge, shape),
        "tiny": draw.powers(int(info.minexp), 0, *shape),
        "near 1": 1 - draw.powers(-digits(dtype), -1, *shape),
        "near ¼": 0.25 + _signed(draw, draw.powers(-12, -4, *shape)),
        "subnormal": draw.unit(*shape) * float(info.tiny),
    }


Elements = Callable[[Draw, int, str], Mapping[str, Array]]


def of_scores(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Scores alone."""
    yield from _alone(_scores, draw, size, dtype)


def of_masses(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Probabilities alone."""
    yield from _alone(_masses, draw, size, dtype)


def of_scores_hard(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Scores and targets that are 0 or 1."""
    yield from _hard(_scores, draw, size, dtype)


def of_masses_hard(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Probabilities and targets that are 0 or 1."""
    yield from _hard(_masses, draw, size, dtype)


def of_scores_soft(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Scores and targets between 0 and 1, 0 and 1 included; once targets that are nearly σ(z)."""
    yield from _soft(_scores, draw, size, dtype)
    z = represented(draw.between(-8, 8, size.rows, WIDTH), dtype)
    value, _ = balls.elements(formulas_mass.sigmoid, (z,))
    yield Batch("near sigmoid", (z, represented(value.nearest(), dtype)))


def of_finite_scores_soft(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Finite scores and targets, likewise."""
    for batch in of_scores_soft(draw, size, dtype):
        if np.isfinite(batch.columns[0]).all():
            yield batch


def of_masses_soft(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Probabilities and targets between 0 and 1; once targets that are the probabilities."""
    yield from _soft(_masses, draw, size, dtype)
    p = represented(draw.unit(size.rows, WIDTH), dtype)
    yield Batch("target = p", (p, p))


def _alone(family: Elements, draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    for name, x in family(draw, size.rows, dtype).items():
        yield Batch(name, (np.minimum(represented(x, dtype), np.inf),))


def _hard(family: Elements, draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    for name, x in family(draw, size.rows, dtype).items():
        yield Batch(name, (represented(x, dtype), draw.below(2, *x.shape).astype(np.float64)))


def _soft(family: Elements, draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    for name, x in family(draw, size.rows, dtype).items():
        t = draw.unit(*x.shape)
        t = np.where(draw.below(5, *x.shape) == 0, np.round(t), t)
        yield Batch(name, (represented(x, dtype), represented(t, dtype)))
