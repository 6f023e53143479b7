"""The first oracle: balls of Arb, whose radius is a proven bound of all that was rounded [1]_.

A row is measured in growing precision until every one of its results is known to 170 bits, which
are fifty digits; what is still 0 ± 2^−8000 then is 0. Rows are given as classes with
multiplicities, so that a row of 100 000 classes made by rule costs what its distinct classes do.

References
----------
.. [1] Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic", 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flint
import numpy as np

from conformance.accuracy.draw import Array
from conformance.accuracy.exact import Exact, Number, exact, stack

Ball = Any
#: A ball, or the float of an infinity or NaN.
Result = Any
Classes = Sequence[tuple[float, ...]]
Formula = Callable[[Classes, Sequence[int]], tuple[list[Result], list[Result]]]

#: Precisions that are tried, in bits: fifty digits are 167.
PRECISIONS = (256, 1024, 4096, 16384)
#: Bits that a result must be known to.
KNOWN = 170


#: The exponent below which a number is not asked for its digits: every format rounds it to 0.
VANISHED = -8000


class UncertainError(ArithmeticError):
    """A result is not known well enough at the highest precision, nor is it 0."""


def certain(formula: Formula, classes: Classes, counts: Sequence[int]) -> tuple[list[Number], ...]:
    """Return values and gradients of one row, certified."""
    before = flint.ctx.prec
    try:
        for precision in PRECISIONS:
            flint.ctx.prec = precision
            results = formula(classes, counts)
            if all(_is_known(x) for part in results for x in part):
                return tuple([_number(x) for x in part] for part in results)
        return tuple([_number(_settled(x)) for x in part] for part in results)
    finally:
        flint.ctx.prec = before


def _is_known(x: Result) -> bool:
    return isinstance(x, float) or x.is_zero() or x.rel_accuracy_bits() >= KNOWN


def _settled(x: Result) -> Result:
    if _is_known(x):
        return x
    if abs(x).upper() < flint.arb(2) ** VANISHED:
        return 0.0 if x.contains(0) else flint.arb(2) ** VANISHED * (1 if x > 0 else -1)
    raise UncertainError(str(x))


def _number(x: Result) -> Number:
    if isinstance(x, float):
        return x
    mantissa, exponent = x.mid().man_exp()
    return int(mantissa), int(exponent)


def rows(formula: Formula, columns: Sequence[Array]) -> tuple[Exact, Exact]:
    """Return the exact values and gradients of rows of classes.

    Parameters
    ----------
    formula
        What is computed, one of ``formulas.TABLE``.
    columns
        What a class has (its logit, its target …), each an array of shape (rows, classes).

    Returns
    -------
    Exact (rows,) or (rows, classes), Exact (rows, classes)
    """
    results = [_row(formula, np.stack(row, axis=1)) for row in zip(*columns, strict=True)]
    values, gradients = (stack(part) for part in zip(*results, strict=True))
    return values, gradients


def _row(formula: Formula, table: Array) -> tuple[Exact, Exact]:
    classes, inverse, counts = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    values, gradients = certain(formula, [tuple(row) for row in classes.tolist()], counts.tolist())
    whole, inverse = exact(values), inverse.ravel()
    if getattr(formula, "pairs", False):
        return whole[_pairs(inverse, len(classes))], exact(gradients)[inverse]
    single = len(values) == 1 and getattr(formula, "per_row", True)
    return (whole[0] if single else whole[inverse]), exact(gradients)[inverse]


def _pairs(inverse: Array, size: int) -> Array:
    """Return where the results of all pairs of classes are among those of the distinct ones."""
    place = inverse[:, None] * size + inverse[None, :]
    same = np.eye(len(inverse), dtype=bool)
    return np.where(same, size * size + inverse, place).ravel()


def elements(formula: Formula, columns: Sequence[Array]) -> tuple[Exact, Exact]:
    """Return the exact values and gradients of elements, each a row by itself."""
    shape = columns[0].shape
    table = np.stack([column.ravel() for column in columns], axis=1)
    classes, inverse = np.unique(table, axis=0, return_inverse=True)
    pairs = [certain(formula, [tuple(row)], [1]) for row in classes.tolist()]
    inverse = inverse.ravel()
    values, gradients = (exact([pair[part][0] for pair in pairs]) for part in (0, 1))
    return tuple(_shaped(x[inverse], shape) for x in (values, gradients))  # type: ignore[return-value]  # a pair by its making


def _shaped(x: Exact, shape: tuple[int, ...]) -> Exact:
    return Exact(*(getattr(x, name).reshape(shape) for name in Exact.__dataclass_fields__))
