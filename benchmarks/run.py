"""``python -m benchmarks [case …]``: measure, print the tables, and keep the results."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.accuracy import TOLERANCE
from benchmarks.cases import families
from benchmarks.entries import available
from benchmarks.family import Case, Contender, Family
from benchmarks.floors import speeds
from benchmarks.machine import describe
from benchmarks.measure import Row, Session, everyone, measure
from benchmarks.memory import add_memory
from benchmarks.problem import SEED
from benchmarks.progress import Progress
from benchmarks.runners import RUNNERS
from benchmarks.runners.base import Runner

ROUNDS, WARMUPS = 7, 2
QUICK_ROUNDS, QUICK_WARMUPS = 3, 1

Job = tuple[Family, Case, str]


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    found = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = found.add_argument
    add("cases", nargs="*", metavar="case", help="names from --list; all of them by default")
    add("--backend", nargs="+", choices=list(RUNNERS), default=list(RUNNERS), help="who runs")
    add("--dtype", nargs="+", choices=list(TOLERANCE), help="of the logits; a case's own")
    add("--quick", action="store_true", help="small sizes, few rounds: a trial, not a result")
    add("--rounds", type=int, help=f"samples per contender ({ROUNDS})")
    add("--no-memory", action="store_true", help="leave out the processes that measure memory")
    add("--json", type=Path, metavar="FILE", help="write the results")
    add("--onto", type=Path, metavar="FILE", help="keep of these results what is not run again")
    add("--markdown", type=Path, metavar="FILE", help="write the tables there, not to stdout")
    add("--plot", type=Path, metavar="FILE", help="draw the results")
    add("--list", action="store_true", help="name the cases and the backends, and stop")
    return found


def jobs(names: Sequence[str], dtypes: Sequence[str] | None, quick: bool) -> list[Job]:
    """Return the cases of these names, in these dtypes; all, where there is no name.

    Where no dtype is asked for, a quick run takes the first of each case and another takes all.

    Raises
    ------
    SystemExit
        Where a name is none.
    """
    found: list[Job] = []
    known = set()
    for family in families():
        for case in family.cases:
            known.add(case.name)
            if not names or case.name in names:
                wanted = dtypes or (case.dtypes[:1] if quick else case.dtypes)
                found += [(family, case, dtype) for dtype in case.dtypes if dtype in wanted]
    if unknown := sorted(set(names) - known):
        raise SystemExit(f"no case is called {', '.join(unknown)}; there are {sorted(known)}")
    return found


def _followed(family: Family, runner: Runner, contender: Contender) -> bool:
    """Return whether somebody's growth is measured: xent's and each runner's reference's.

    torch compiled's is not: it would build four programs for each size.
    """
    named = contender.name in ("xent", family.reference[runner.name])
    return named and not runner.name.startswith("torch-compiled")


def _measure_case(family: Family, case: Case, dtype: str, session: Session) -> list[Row]:
    here = {
        name: runner
        for name, runner in session.runners.items()
        if case.device in (None, runner.device)
    }
    if not here:
        return []
    only = Session(**{**vars(session), "runners": here})
    about = {"case": case.name, "title": case.title, "family": family.name}
    about |= {"axis": case.axis, "dtype": dtype, "date": date.today().isoformat()}
    chosen = partial(_followed, family) if case.smaller else everyone
    return [
        {**about, "shape": list(shape)} | result
        for shape in case.sizes(session.quick)
        for result in measure(family, shape, case.axis, dtype, only, chosen)
    ]


def finite(value: Any) -> Any:
    """Return ``value`` with infinities as the words that JSON has none for."""
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [finite(entry) for entry in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Measure what the command line asks for and return the results."""
    runners, lacking = available(given.backend)
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    warmups = QUICK_WARMUPS if given.quick else WARMUPS
    session = Session(runners, given.quick, rounds, warmups, missing=lacking)
    chosen = jobs(given.cases, given.dtype, given.quick)
    devices = {runner.device for runner in runners.values()}
    session.speeds |= {device: speeds(device, given.quick) for device in sorted(devices)}
    settings = {"quick": given.quick, "rounds": rounds, "warmups": warmups, "seed": SEED}
    found: dict[str, Any] = {
        "format": 2,
        "machine": describe(),
        "settings": settings | {"tolerance": TOLERANCE},
        "speeds": session.speeds,
        "missing": session.missing,
        "cases": [],
        "growth": [],
    }
    if given.onto:
        found |= _others(found, json.loads(given.onto.read_text()), chosen)
    results: list[Row] = found["cases"]
    growth: list[Row] = found["growth"]
    with Progress(len(chosen)) as bar:
        for family, case, dtype in chosen:
            bar.say(f"{case.name} {dtype}")
            (growth if case.smaller else results).extend(
                _measure_case(family, case, dtype, session)
            )
            _keep(found, given.json)  # so that a run which is cut off has not been for nothing
            bar.step()
    if not given.no_memory:
        wanted = [c.name for _, c, _ in chosen if c.memory]
        # A quick run looks whether it works, in one case; a process for each takes minutes.
        add_memory(results + growth, wanted[:1] if given.quick else wanted)
        _keep(found, given.json)
    return found


def _others(found: dict[str, Any], earlier: dict[str, Any], chosen: list[Job]) -> dict[str, Any]:
    """Return what earlier results have of other cases, if they are of this machine and as careful."""
    for what in ("settings", "machine"):
        if earlier[what] != finite(found[what]):
            raise SystemExit(f"the results are of other {what}: {earlier[what]}")
    again = {(case.name, dtype) for _, case, dtype in chosen}
    return {
        what: [row for row in earlier[what] if (row["case"], row["dtype"]) not in again]
        for what in ("cases", "growth")
    }


def _keep(found: dict[str, Any], file: Path | None) -> None:
    """Write what was found so far, where that is wanted."""
    if file:
        file.write_text(json.dumps(finite(found), indent=1, ensure_ascii=False) + "\n")


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    from benchmarks.table import catalogue, document

    given = parser().parse_args(argv)
    if given.list:
        print(catalogue(families()))
        return 0
    found = finite(run(given))
    text = document(found)
    if given.markdown:
        given.markdown.write_text(text)
    else:
        print(text)
    if given.plot:
        from benchmarks.plot import draw

        draw(found, given.plot)
    return 0
