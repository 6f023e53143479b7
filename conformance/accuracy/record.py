"""The ratchet: what was measured once must be reached again, on the machine it was measured on.

Results differ between processors by the last bits of their libm. So a record holds for the
processor and the versions that it names; anywhere else only the goals do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance.accuracy.machine import processor, versions
from conformance.accuracy.measure import Line

FOLDER = Path(__file__).with_name("recorded")

#: library → dtype → "subject, quantity" → family → worst error in ULP.
Worst = dict[str, dict[str, dict[str, dict[str, float]]]]


def path_of(scope: str) -> Path:
    """Return the file of a scope's record."""
    return FOLDER / f"{scope}.json"


def read(path: Path) -> dict[str, Any] | None:
    """Return a record, None where there is none."""
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def holds_here(record: Mapping[str, Any]) -> bool:
    """Whether a record was measured on such a machine, with these libraries."""
    return bool(record["processor"] == processor() and record["versions"] == versions())


def write(path: Path, lines: Iterable[Line]) -> None:
    """Store the worst errors of xent; what did not run keeps what it had.

    A family that misses its goal is not recorded: the goal decides, until it is met.
    """
    before = read(path)
    worst: Worst = before["worst"] if before and holds_here(before) else {}
    for line in (line for line in _of_xent(lines) if line.over <= 1 and not line.special):
        table = worst.setdefault(line.library, {}).setdefault(line.dtype, {})
        table.setdefault(_name(line), {})[line.family] = _up(line.worst)
    content = {"processor": processor(), "versions": versions(), "worst": worst}
    path.parent.mkdir(exist_ok=True)
    path.write_text(_text(content), encoding="utf-8")


def compare(record: Mapping[str, Any], lines: Iterable[Line]) -> tuple[list[str], list[str]]:
    """Return what is worse than the record, and what is better by more than its rounding."""
    worse, better = [], []
    for line in _of_xent(lines):
        families = record["worst"].get(line.library, {}).get(line.dtype, {}).get(_name(line), {})
        before = families.get(line.family)
        if before is None:
            continue
        text = f"{line.library}, {line.dtype}, {_name(line)}, {line.family}: "
        text += f"{line.worst:.3g} ULP, recorded {before:.3g}"
        if line.worst > float(before):
            worse.append(text)
        elif _up(line.worst) < float(before):
            better.append(text)
    return worse, better


def misses(lines: Iterable[Line]) -> list[str]:
    """Return where xent misses a goal, or returns a wrong special value."""
    return [
        f"{line.library}, {line.dtype}, {_name(line)}, {line.family}: {line.worst:.3g} ULP, "
        f"{line.over:.3g} of the goal, {line.special} special values wrong"
        for line in _of_xent(lines)
        if line.over > 1 or line.special
    ]


def _of_xent(lines: Iterable[Line]) -> Iterable[Line]:
    return (line for line in lines if line.library.startswith("xent "))


def _name(line: Line) -> str:
    return f"{line.subject}, {line.quantity}"


def _up(value: float) -> float:
    """Round up to three digits, so that the run which was recorded is no worse than its record."""
    if value == 0 or not math.isfinite(value):
        return value
    digits = 2 - math.floor(math.log10(value))
    if abs(digits) > 300:
        return value
    return float(f"{math.ceil(value * 10.0**digits) / 10.0**digits:.6g}")


def _text(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1).replace("\n     ", "") + "\n"
