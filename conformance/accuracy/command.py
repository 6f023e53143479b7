"""The ``accuracy`` command: measure xent and its peers in ULP, against goals and the record."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance import adapters
from conformance.accuracy import record, table
from conformance.accuracy.machine import processor, versions
from conformance.accuracy.measure import Line
from conformance.accuracy.run import FULL_SCOPE, QUICK_SCOPE, Scope, measure
from conformance.accuracy.standing import behind
from conformance.accuracy.subjects import SUBJECTS
from conformance.accuracy.ways import WAYS, Way
from conformance.adapters.peer import Peer
from conformance.entry import FAILED, OK, UNKNOWN, new_folder


def parser() -> argparse.ArgumentParser:
    """Return the options of the command."""
    options = argparse.ArgumentParser(
        prog="python -m conformance accuracy",
        description="Measure errors in ULP over families of inputs, beside other libraries.",
        epilog="Exit status: 0 goals met and no worse than recorded, 1 not so, 2 wrong usage.",
    )
    options.add_argument("--backend", default="all", help=f"all, or of {', '.join(WAYS)}")
    options.add_argument(
        "--peers", nargs="*", default=["all"], help=f"all, or of {', '.join(adapters.MODULES)}"
    )
    options.add_argument("--quick", action="store_true", help="fewer rows, shapes and dtypes")
    options.add_argument("--only", default="", help="functions whose name contains this text")
    options.add_argument("--output", type=new_folder, help="folder for accuracy.{json,md,png}")
    options.add_argument("--update", action="store_true", help="record what was measured")
    return options


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    chosen = parser().parse_args(argv)
    if not any(chosen.only in name for name in SUBJECTS):
        parser().error(f"--only {chosen.only!r}: no function has it in its name")
    scope = QUICK_SCOPE if chosen.quick else FULL_SCOPE
    try:
        ways, peers = _ways(chosen.backend), _peers(chosen.peers)
    except KeyError as error:
        print(f"not known or not installed: {error.args[0]}", file=sys.stderr)
        return UNKNOWN
    start = time.perf_counter()
    lines = list(measure(ways, peers, scope, only=chosen.only))
    print("\n".join(table.summary(lines)))
    print(f"\n{len(lines)} families in {time.perf_counter() - start:.0f} s on {processor()}")
    if chosen.output:
        _write(chosen.output, lines, scope)
    return _judge(lines, scope, chosen.update)


def _ways(name: str) -> list[Way]:
    if name == "all":
        return [way for way in WAYS.values() if way.is_here()]
    if name not in WAYS or not WAYS[name].is_here():
        raise KeyError(name)
    return [WAYS[name]]


def _peers(names: Sequence[str]) -> list[Peer]:
    asked = list(adapters.MODULES) if list(names) == ["all"] else list(names)
    unknown = [name for name in asked if name not in adapters.MODULES]
    absent = [name for name in asked if name not in unknown and adapters.missing(name)]
    if unknown or (absent and list(names) != ["all"]):
        raise KeyError(", ".join(unknown or absent))
    if absent:
        print(f"not installed: {', '.join(absent)}", file=sys.stderr)
    return [adapters.load(name) for name in asked if name not in absent]


def _judge(lines: Sequence[Line], scope: Scope, update: bool) -> int:
    """Compare with the goals and the record, say what is better or worse, and return the status."""
    for text in table.flushed(lines):
        print(text)
    missed = record.misses(lines)
    worse: list[str] = []
    path = record.path_of(scope.name)
    stored = record.read(path)
    if update:
        record.write(path, lines)
    elif stored is not None and record.holds_here(stored):
        worse, better = record.compare(stored, lines)
        if better:
            print(f"better than recorded, --update keeps it: {len(better)}")
    else:
        print("no record of this processor and these versions: the goals alone decide")
    for title, found in (("goal missed", missed), ("worse than recorded", worse)):
        for text in found:
            print(f"{title}: {text}", file=sys.stderr)
    print(f"families in which a peer is more than four times better: {len(behind(lines))}")
    print(f"goals: {len(missed)} missed; record: {len(worse)} worse")
    return FAILED if missed or worse else OK


def _write(folder: Path, lines: Sequence[Line], scope: Scope) -> None:
    from conformance.accuracy.picture import draw

    folder.mkdir(parents=True, exist_ok=True)
    where = f"{processor()}; {', '.join(f'{k} {v}' for k, v in _versions().items())}"
    text = ["# Accuracy", "", f"{scope.name.capitalize()} run on {where}.", ""]
    text += [*table.summary(lines), "", *table.flushed(lines), "", "## Every family", ""]
    text[-3:-3] = _standing(lines)
    text += ["Worst, 99th percentile and median, in ULP.", *table.details(lines)]
    (folder / "accuracy.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    content: dict[str, Any] = {"processor": processor(), "versions": _versions()}
    content["lines"] = [line.plain() for line in lines]
    rows = json.dumps(content, ensure_ascii=False).replace("}, {", "},\n {")
    (folder / "accuracy.json").write_text(rows + "\n", encoding="utf-8")
    draw(lines, folder / "accuracy.png")


def _standing(lines: Sequence[Line]) -> list[str]:
    title = "Where a peer is more than four times better, and xent above its goal without D and κ:"
    found = behind(lines)
    return ["", title, "", *(f"- {text}" for text in found)] if found else []


def _versions() -> dict[str, str]:
    return versions(("optax", "scipy", "scikit-learn", "keras", "python-flint"))
