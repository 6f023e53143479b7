"""Show outcomes: a table for people, JSON for programs, one line for both."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from conformance.runner import ABSENT, FAIL, PASS, SKIP, Outcome, allowed

COLUMNS = (("case", 40), ("dtype", 8), ("expected", 24), ("got", 24), ("ULP", 9), ("", 6))


def table(outcomes: Iterable[Outcome]) -> Iterable[str]:
    """Yield one line per outcome, the reason of a failure below it."""
    yield "  ".join(name.ljust(width) for name, width in COLUMNS).rstrip()
    for outcome in outcomes:
        cells = (
            outcome.case.id,
            outcome.dtype,
            short(outcome.case.expected.get(outcome.dtype, outcome.case.raises)),
            short(outcome.got),
            _error(outcome),
            outcome.status,
        )
        yield "  ".join(
            str(cell).ljust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True)
        ).rstrip()
        if outcome.status == FAIL:
            yield f"    {outcome.message}"


def summary(backend: str, outcomes: Sequence[Outcome]) -> str:
    """Return the counts and the worst error in one line."""
    count = Counter(outcome.status for outcome in outcomes)
    known = [outcome for outcome in outcomes if outcome.ulp is not None]
    worst = max(known, key=_used, default=None)
    tail = f"; worst {_allowance(worst)} ({worst.case.id}, {worst.dtype})" if worst else ""
    absent = f", {count[ABSENT]} absent" if count[ABSENT] else ""
    reasons = "; ".join(sorted({x.message for x in outcomes if x.status == SKIP}))
    skipped = f", {count[SKIP]} skipped ({reasons})" if count[SKIP] else ""
    nothing = "" if count[PASS] or count[FAIL] else f"\n{backend}: nothing was compared"
    counts = f"{count[PASS]} passed, {count[FAIL]} failed{absent}{skipped}"
    return f"{backend}: {counts}{tail}{nothing}"


def _used(outcome: Outcome) -> Fraction:
    """Return the error as a share of what is allowed."""
    most = allowed(outcome.case, outcome.dtype)
    return (outcome.ulp or Fraction(0)) / most if most else Fraction(outcome.ulp or 0)


def _allowance(outcome: Outcome) -> str:
    """Return the error and what is allowed, which is more where what is computed has a condition."""
    return f"{_error(outcome)} of {float(allowed(outcome.case, outcome.dtype)):.3g} ULP allowed"


def save(
    path: Path,
    implementation: str,
    runs: Mapping[str, Sequence[Outcome]],
    notes: Sequence[str] = (),
    uncallable: Mapping[str, str] | None = None,
) -> None:
    """Write every outcome of every backend, and what is said of the module, to a JSON file."""
    content = {
        "implementation": implementation,
        "notes": list(notes),
        "uncallable": dict(uncallable or {}),
        "backends": {
            name: {
                "summary": dict(Counter(outcome.status for outcome in outcomes)),
                "cases": [record(outcome) for outcome in outcomes],
            }
            for name, outcomes in runs.items()
        },
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def record(outcome: Outcome) -> dict[str, Any]:
    """Return one outcome as plain JSON values; infinities and NaN are written as strings."""
    return {
        "id": outcome.case.id,
        "function": outcome.case.function,
        "quantity": outcome.case.quantity,
        "dtype": outcome.dtype,
        "status": outcome.status,
        "ulp": None if outcome.ulp is None else float(outcome.ulp),
        "tolerance": float(allowed(outcome.case, outcome.dtype)),
        "expected": outcome.case.expected.get(outcome.dtype, outcome.case.raises),
        "got": _plain(outcome.got),
        "message": outcome.message,
        "provenance": dict(outcome.case.provenance),
        "pathology": outcome.case.pathology,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        # A result made by rule has one value in tens of thousands of places.
        return [_plain(item) for item in (value if len(value) <= 64 else value[:4])]
    return repr(value) if isinstance(value, float) else value


def short(value: Any) -> str:
    """Return a value in at most 24 characters."""
    while isinstance(value, dict):
        value = value["every"]
    if isinstance(value, list):
        return f"[{short(value[0])[:16]}, …]" if value else "[]"
    return str(value) if len(str(value)) <= 24 else f"{str(value)[:23]}…"


def _error(outcome: Outcome) -> str:
    return "" if outcome.ulp is None else f"{float(outcome.ulp):.3g}"
