"""Where a peer is better than xent by more than the factor that the goals allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conformance.accuracy.measure import Line
from conformance.accuracy.subjects import SUBJECTS

#: How many times the best peer's worst error is allowed, where that is above the goal's number.
FACTOR = 4
#: Peers that compute float32 in float64 and may be better there; nobody else may.
IN_DOUBLE = ("sklearn",)


def behind(lines: Sequence[Line]) -> list[str]:
    """Name the families in which xent is worse than four times the best peer, and than the goal.

    The goal is meant without D and κ. A peer counts in a family whose special values it gets right,
    in the dtypes that it returns as xent does.
    """
    best = _best(line for line in lines if not line.library.startswith("xent "))
    found = []
    for line in lines:
        key = _family(line)
        if not line.library.startswith("xent ") or key not in best:
            continue
        base = SUBJECTS[line.subject].base[line.quantity == "gradient"]
        worst, peer = best[key]
        if line.worst > max(base, FACTOR * worst):
            found.append(
                f"{line.library}, {', '.join(key)}: {line.worst:.3g} ULP, {peer} {worst:.3g}"
            )
    return found


def _best(lines: Iterable[Line]) -> dict[tuple[str, ...], tuple[float, str]]:
    best: dict[tuple[str, ...], tuple[float, str]] = {}
    for line in lines:
        doubled = line.library in IN_DOUBLE and line.dtype == "float32"
        if line.special or line.flushed or doubled or line.dtype in ("float16", "bfloat16"):
            continue
        key = _family(line)
        best[key] = min(best.get(key, (float("inf"), "")), (line.worst, line.library))
    return best


def _family(line: Line) -> tuple[str, ...]:
    return line.subject, line.quantity, line.family, line.dtype
