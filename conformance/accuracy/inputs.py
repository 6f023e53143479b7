"""What a function is measured on: batches of rows, one for each family, by kind of inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import ml_dtypes
import numpy as np

from conformance.accuracy import balls, formulas, logits, masses
from conformance.accuracy.draw import DTYPES, Array, Draw, represented

#: Classes of a row; few shapes, because each costs a compiler a compilation.
WIDTH = 10


@dataclass(frozen=True)
class Size:
    """How many rows a family has, and which rows of many classes (classes, rows)."""

    rows: int
    wide: tuple[tuple[int, int], ...]


FULL = Size(60, ((1, 4), (2, 24), (1000, 6), (100_000, 2)))
QUICK = Size(15, ((1000, 2),))
#: For a way of calling in which each shape costs seconds.
NARROW = Size(60, ())


@dataclass(frozen=True)
class Batch:
    """Rows of one family: what each class has, in the order of a formula; labels by themselves."""

    family: str
    columns: tuple[Array, ...]
    label: Array | None = None


Kind = Callable[[Draw, Size, str], Iterator[Batch]]


def _logits(draw: Draw, size: Size, dtype: str) -> Iterator[tuple[str, Array, Array]]:
    for name, family in logits.FAMILIES.items():
        yield name, *family(draw, size.rows, WIDTH, dtype)
    for width, rows in size.wide:
        yield f"classes {width}", *logits.recurrence(draw, rows, width, dtype)
    for name in logits.SEEN:
        yield name, *logits.seen(name, dtype)


def _pairs(draw: Draw, size: Size, dtype: str) -> Iterator[tuple[str, Array, Array]]:
    for name, family in masses.FAMILIES.items():
        yield name, *family(draw, size.rows, WIDTH, dtype)
    for width, rows in size.wide:
        if width > 1 and width <= 2 ** (masses.digits(dtype) - 1):
            yield f"classes {width}", *masses.simplex(draw, rows, width, dtype)
    for name in masses.SEEN:
        yield name, *masses.seen(name, dtype)


def _hot(label: Array, width: int) -> Array:
    return (np.arange(width) == label[:, None]).astype(np.float64)


def of_logits(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Rows of logits alone."""
    for name, z, _ in _logits(draw, size, dtype):
        yield Batch(name, (z,))


def of_few_logits(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Rows of logits alone, of few classes: for a function that returns the square of them."""
    yield from of_logits(draw, replace(size, wide=()), dtype)


def of_labels(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Rows of logits and labels."""
    for name, z, y in _logits(draw, size, dtype):
        yield Batch(name, (z, _hot(y, z.shape[1])), y)


def of_finite_labels(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Rows of finite logits and labels: those that a product with the unit matrix leaves as they are.

    Of no more than 1000 classes, of which that matrix has the square.
    """
    wide = tuple((width, rows) for width, rows in size.wide if width <= 1000)
    for batch in of_labels(draw, replace(size, wide=wide), dtype):
        if np.isfinite(batch.columns[0]).all():
            yield batch


#: Families in which no loss is so large that its exponential overflows in single precision.
FAIR = ("uniform", "ties", "near ties", "nearly certain", "shifted", "subnormal logits")


def of_fair_labels(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Rows of logits and labels whose perplexity is finite: its gradient has digits there alone."""
    for batch in of_labels(draw, size, dtype):
        if batch.family in FAIR or batch.family.startswith(("classes", "seen: [")):
            yield batch


def of_soft(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Rows of logits and distributions; also certain ones, and those near the softmax."""
    for name, z, y in _logits(draw, size, dtype):
        yield Batch(name, (z, masses.targets(draw, z, y, dtype)))
    z, y = logits.masked(draw, size.rows, WIDTH, dtype)
    yield Batch("masked, one-hot", (z, _hot(y, WIDTH)))
    z, _ = logits.uniform(draw, size.rows, WIDTH, dtype)
    softmax, _ = balls.rows(formulas.softmax, (z,))
    yield Batch("near softmax", (z, represented(softmax.nearest(), dtype)))


def of_probs(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Distributions."""
    for name, p, _ in _pairs(draw, size, dtype):
        yield Batch(name, (p,))


def of_probs_labels(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Distributions and labels."""
    for name, p, _ in _pairs(draw, size, dtype):
        y = draw.below(p.shape[1], p.shape[0])
        yield Batch(name, (p, _hot(y, p.shape[1])), y)


def of_pairs(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """A prediction q and a target p."""
    for name, p, q in _pairs(draw, size, dtype):
        yield Batch(name, (q, p))


def _log_probs(draw: Draw, rows: int, dtype: str) -> Mapping[str, Array]:
    shape, low = (rows, WIDTH), int(ml_dtypes.finfo(DTYPES[dtype]).minexp)
    fair = -draw.between(0, 30, *shape)
    return {
        "uniform": fair,
        "wide": -draw.between(0, 1e4, *shape),
        "certain": -draw.powers(low, -8, *shape),
        "masked": np.where(draw.below(2, *shape) == 0, -np.inf, fair),
    }


def of_log_probs(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Logarithms of probabilities, −∞ and −0 among them."""
    for name, x in _log_probs(draw, size.rows, dtype).items():
        yield Batch(name, (represented(x, dtype),))


def of_log_probs_soft(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """Logarithms of probabilities and distributions."""
    for name, x in _log_probs(draw, size.rows, dtype).items():
        z, y = represented(x, dtype), draw.below(WIDTH, size.rows)
        yield Batch(name, (z, masses.targets(draw, z, y, dtype)))


#: Families of which a second row a few units in the last place away is drawn too.
CLOSE = ("uniform", "ties", "certain", "nearly certain", "shifted", "masked", "classes 1000")


def of_two_logits(draw: Draw, size: Size, dtype: str) -> Iterator[Batch]:
    """A prediction and a target in logits: unrelated, moved by a few units or up to 2⁻¹², equal."""
    first = list(_logits(draw, size, dtype))
    second = list(_logits(draw, size, dtype))
    eps = float(ml_dtypes.finfo(DTYPES[dtype]).eps)
    for (name, z, _), (_, w, _) in zip(first, second, strict=True):
        yield Batch(name, (w, z))
        if name in CLOSE:
            step = np.where(np.isinf(z), 0, draw.below(9, *z.shape) - 4)
            far = np.ldexp(1.0, -draw.below(12, z.shape[0], 1) - 3)
            finite = np.where(np.isinf(z), 0, z)
            near = z + eps * np.exp2(np.frexp(finite)[1] - 1) * step
            yield Batch(f"{name}, near", (represented(near, dtype), z))
            yield Batch(f"{name}, close", (represented(z + far * step, dtype), z))
    z = np.round(first[0][1] * 4) / 4
    yield Batch("equal", (z, z))
    yield Batch("equal but for a shift", (z + 0.25, z))
