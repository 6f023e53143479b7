"""The ``run`` command: which backends, which implementation, which cases, and the exit status."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from multiprocessing import get_context
from zlib import crc32

from conformance import html, report
from conformance.backends import BACKENDS, installed, missing
from conformance.case import FOLDER, Case, load
from conformance.entry import FAILED, OK, UNKNOWN, case_folder, new_file
from conformance.implementation import OWN, backend_of, implementation_of, need_functions
from conformance.notes import listed, notes, uncallable
from conformance.runner import ABSENT, FAIL, PASS, Outcome, run_all

Runs = Mapping[str, list[Outcome]]

STATUSES = (
    "Exit status: 0 all passed; 1 a case failed, none was compared, or no case can call a function that is "
    "there; 2 nothing was run, because of wrong usage: no such backend, module or case here, a file that "
    "can't be written, a package that is not installed."
)


def parser() -> argparse.ArgumentParser:
    """Return the options of the command."""
    options = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Run the conformance cases on an implementation.",
        epilog=STATUSES,
    )
    options.add_argument(
        "--backend", help="a library, or all (default: the module's BACKEND, or numpy)"
    )
    options.add_argument("--module", "--implementation", default="xent", dest="implementation",
                         help="a module, by its name or its path (default xent)")  # fmt: skip
    options.add_argument("--cases", type=case_folder, default=FOLDER, help="a folder of case files")
    options.add_argument("--only", default="", help="cases whose id contains this text")
    options.add_argument("--json", type=new_file, metavar="FILE", help="write the outcomes here")
    options.add_argument("--html", type=new_file, metavar="FILE",
                         help="write a report for people here")  # fmt: skip
    options.add_argument("--one-in", type=int, default=1, metavar="N",
                         help="one in N of the cases of each function and quantity (1)")  # fmt: skip
    options.add_argument("--processes", type=int, default=1, metavar="N",
                         help="share the cases among N processes (1)")  # fmt: skip
    options.add_argument("--quiet", action="store_true", help="show what failed, and no more")
    return options


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(argv)
    for name in ("processes", "one_in"):
        if getattr(options, name) < 1:
            parser().error(f"--{name.replace('_', '-')} is 1 or more")
    every = load(options.cases)
    cases = some([case for case in every if options.only in case.id], options.one_in)
    if not cases:
        parser().error(f"--only {options.only!r}: no case has it in its id")
    try:
        module = implementation_of(options.implementation)
        functions = dict.fromkeys(case.function for case in every)
        need_functions(module, options.implementation, functions, listed(module, every))
    except ImportError as error:
        print(f"no implementation: {error}", file=sys.stderr)
        return UNKNOWN
    backend = options.backend or backend_of(module)
    if backend not in ("all", *installed()):
        known = "not installed" if backend in BACKENDS else "unknown"
        print(f"{known} backend {backend!r}; available: {', '.join(installed())}, all",
              file=sys.stderr)  # fmt: skip
        return UNKNOWN
    names = installed() if backend == "all" else [backend]
    runs = {name: _run(name, cases, options) for name in names}
    if backend == "all" and missing():
        print(f"not installed: {', '.join(missing())}")
    lacks = uncallable(module, every, cases)
    said = notes(module, every, lacks, backend)
    _say(said, lacks, options, runs)
    return FAILED if lacks or not _stands(options.implementation, runs) else OK


def some(cases: Sequence[Case], share: int) -> list[Case]:
    """Return one in ``share`` of the cases of each function and quantity, and of each at least one."""
    groups = defaultdict(list)
    for case in cases:
        groups[case.function, case.quantity].append(case)
    # By a hash, as every second or third of a grid would be all of one kind.
    mixed = (sorted(group, key=lambda case: crc32(case.id.encode())) for group in groups.values())
    chosen = {case.id for group in mixed for case in group[: -(-len(group) // share)]}
    return [case for case in cases if case.id in chosen]


def _say(
    said: Sequence[str], lacks: Mapping[str, str], options: argparse.Namespace, runs: Runs
) -> None:
    """Print what is said of the module, and write the files that are asked for."""
    for line in said:
        print(line)
    if options.json:
        report.save(options.json, options.implementation, runs, said, lacks)
    if options.html:
        html.save(options.html, options.implementation, runs, said)


def _stands(implementation: str, runs: Runs) -> bool:
    """Whether nothing failed, and on every backend something passed: nothing compared proves nothing."""
    failing = (FAIL, ABSENT) if implementation == OWN else (FAIL,)
    statuses = [{outcome.status for outcome in outcomes} for outcomes in runs.values()]
    return all(PASS in found and not found.intersection(failing) for found in statuses)


def _run(name: str, cases: list[Case], options: argparse.Namespace) -> list[Outcome]:
    outcomes = _outcomes(cases, options.implementation, name, options.processes)
    shown = [outcome for outcome in outcomes if not options.quiet or outcome.status == FAIL]
    for line in report.table(shown) if shown else ():
        print(line)
    print(report.summary(name, outcomes))
    return outcomes


def _outcomes(cases: list[Case], implementation: str, name: str, processes: int) -> list[Outcome]:
    if processes == 1:
        return list(run_all(cases, implementation_of(implementation), BACKENDS[name]))
    # Each starts afresh: a library with threads of its own may not be forked.
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        one = partial(_outcomes, implementation=implementation, name=name, processes=1)
        parts = [*pool.map(one, [cases[i::processes] for i in range(processes)])]
    places = {case.id: place for place, case in enumerate(cases)}
    return sorted(chain(*parts), key=lambda outcome: places[outcome.case.id])
