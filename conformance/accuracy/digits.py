"""The second oracle: mpmath through `conformance.reference`, other formulas in another library.

mpmath proves no bound, so a row is computed in growing precision until two of them agree to fifty
digits. It is thirty times slower than the balls and is there to contradict them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.accuracy.draw import Array
from conformance.accuracy.subjects import SMOOTHING, Subject
from conformance.reference import links
from conformance.reference.losses import TABLE
from conformance.reference.number import Number, Row, mp
from conformance.reference.parameters import PARAMETERS, parameters
from conformance.reference.rows import softmax, surprisal, total, weights

PRECISIONS = (120, 400, 1200, 4000)
#: Digits to which two precisions must agree.
AGREED = 50


def row(subject: Subject, columns: Sequence[Array]) -> tuple[list[Number], list[Number]]:
    """Return values and gradient of one row, or of one element."""
    before = None
    for digits in PRECISIONS:
        with mp.workdps(digits):
            for cached in (weights, softmax, surprisal):
                cached.cache_clear()
            found = _row(subject, [tuple(mp.mpf(float(x)) for x in column) for column in columns])
        # Zeros that agree may be differences that both lost: they are believed at the end alone.
        sure = digits == PRECISIONS[-1] or not any(x == 0 for part in found for x in part)
        if before is not None and sure and _agree(before, found):
            return found
        before = found
    raise ArithmeticError(f"{subject.name}: no fifty digits at {PRECISIONS[-1]}")


def _agree(a: tuple[list[Number], ...], b: tuple[list[Number], ...]) -> bool:
    pairs = [pair for x, y in zip(a, b, strict=True) for pair in zip(x, y, strict=True)]
    return all(agree(x, y, AGREED) for x, y in pairs)


def agree(x: Number, y: Number, digits: int) -> bool:
    """Whether two numbers have that many digits in common; both below 10^−1000 count as 0."""
    if not (mp.isfinite(x) and mp.isfinite(y)):
        return bool(x == y or (mp.isnan(x) and mp.isnan(y)))
    with mp.workdps(digits + 20):
        size = abs(y)
        return bool(abs(x - y) <= size * mp.mpf(10) ** -digits or max(abs(x), size) < _NOTHING)


_NOTHING = mp.mpf(10) ** -1000


def _row(subject: Subject, columns: list[Row]) -> tuple[list[Number], list[Number]]:
    name, first = subject.function.removeprefix("linear_"), columns[0]
    if subject.chained:
        return _chained(softmax(first), columns[1])
    if name in links.ELEMENTWISE:
        slope = links.SLOPES.get(name)
        return [links.ELEMENTWISE[name](first[0], {})], [slope(first[0]) if slope else mp.nan]
    if name in links.ALONG:
        return _along(name, first)
    form = {"q": "probs"}.get(subject.arguments[0], subject.arguments[0])
    target, extra = _target(subject, columns)
    cost, slope_of = TABLE[name]
    try:
        slopes = list(slope_of(target, form, first, extra))
    except ZeroDivisionError:  # the reference has no limits here: the balls are alone
        slopes = [mp.nan] * len(first)
    return _finished(name, cost(target, form, first, extra), slopes, target)


def _chained(a: Row, t: Row) -> tuple[list[Number], list[Number]]:
    if any(map(mp.isnan, a)):
        return [mp.nan], [mp.nan] * len(a)
    slopes = [
        x * total([y * (own - u) for y, u in zip(a, t, strict=True)])
        for x, own in zip(a, t, strict=True)
    ]
    return [total([x * y for x, y in zip(a, t, strict=True)])], slopes


def _finished(
    name: str, cost: Number, slopes: list[Number], target: Row
) -> tuple[list[Number], list[Number]]:
    """Return what the reference leaves to its caller."""
    if name == "perplexity":
        return [mp.exp(cost)], [mp.exp(cost) * x for x in slopes]
    if name == "log_likelihood":
        return [-cost], [-x for x in slopes]
    return [cost], list(target) if name == "likelihood" else slopes


def _target(subject: Subject, columns: list[Row]) -> tuple[Row, Any]:
    if subject.arguments[1:] == ("target_logits",):
        return softmax(columns[1]), surprisal(columns[1])
    extra: Any = mp.one if subject.function.endswith("binary_cross_entropy") else None
    if subject.function in PARAMETERS:
        extra = parameters(subject.function, subject.options)
    target = columns[-1] if len(columns) > 1 else (mp.one,) * len(columns[0])
    if subject.options.get("label_smoothing"):
        target = links.smoothed(target, mp.mpf(SMOOTHING))
    return target, extra


def _along(name: str, row_: Row) -> tuple[list[Number], list[Number]]:
    found = links.ALONG[name](row_)
    if name == "softmax_jacobian":
        own = [found[k][k] for k in range(len(row_))]
        a = softmax(row_)
        return [-x * y for x in a for y in a] + own, [mp.nan] * len(row_)
    if name == "logsumexp":
        return [found], list(softmax(row_))
    if name == "softmax":
        return list(found), [total([x * 0 for x in found])] * len(row_)
    return list(found), [1 - len(row_) * a for a in softmax(row_)]
