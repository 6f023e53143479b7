"""The ``faults`` command: how many small faults in the formulas the cases find, by file and by line."""

from __future__ import annotations

import argparse
import ast
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from conformance.case import FOLDER, load
from conformance.entry import FAILED, OK, case_folder
from conformance.faults import changes, trial
from conformance.faults.changes import Fault
from conformance.faults.trial import FOUND, HARMLESS, MISSED, Place, Plan, Verdict

#: Where the formulas of xent stand.
MODULES = ("kernels", "_math", "_ratios", "_series", "_elementary")
#: The share of the faults that change a number which has to be found.
GOAL = 0.9


def parser() -> argparse.ArgumentParser:
    """Return the options of the command."""
    options = argparse.ArgumentParser(prog="python -m conformance faults", description=__doc__)
    options.add_argument(
        "--sample", type=int, default=240, help="how many (default 240), 0 for all"
    )
    options.add_argument("--seed", type=int, default=0, help="which of them")
    options.add_argument("--only", default="", help="modules whose name contains this text")
    options.add_argument("--cases", type=case_folder, default=FOLDER, help="a folder of case files")
    options.add_argument("--probes", type=int, help="how many (default all)")
    options.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    options.add_argument("--every", action="store_true", help="show those that are not missed too")
    return options


def main(argv: Sequence[str]) -> int:
    """Run the command: exit status 1 where fewer than nine in ten of those that matter are found."""
    chosen = parser().parse_args(argv)
    every = [fault for module, path in formulas() if chosen.only in module
             for fault in changes.faults(module, path)]  # fmt: skip
    if not every:
        parser().error(f"--only {chosen.only!r}: no module of formulas has it in its name")
    if chosen.sample:
        every = random.Random(chosen.seed).sample(every, min(chosen.sample, len(every)))
    every.sort(key=lambda fault: (fault.module, fault.line, fault.node, fault.change))
    verdicts = []
    for verdict in judged(every, chosen.cases, chosen.probes, chosen.jobs):
        verdicts.append(verdict)
        if chosen.every or verdict.status == MISSED:
            print(described(verdict), flush=True)
    for line in counted(verdicts):
        print(line)
    count = Counter(verdict.status for verdict in verdicts)
    return OK if count[FOUND] >= GOAL * (count[FOUND] + count[MISSED]) else FAILED


def formulas(package: str = "xent") -> Iterator[tuple[str, Path]]:
    """Yield the modules that hold formulas, with their files; nothing is imported."""
    spec = find_spec(package)
    (home,) = spec.submodule_search_locations or () if spec else ()
    for name in MODULES:
        path = Path(home) / name
        if path.is_dir():
            yield from ((f"{package}.{name}.{x.stem}", x) for x in sorted(path.glob("[!_]*.py")))
        else:
            yield f"{package}.{name}", path.with_suffix(".py")


def judged(
    faults: Sequence[Fault], folder: Path, probes: int | None, jobs: int
) -> Iterator[Verdict]:
    """Yield what becomes of each fault, in a process of its own."""
    context = get_context("fork")
    import_module("xent")  # and nothing called, so that no plan is remembered
    paths = {str(path) for _, path in formulas()}
    with context.Pool(1) as pool:
        plan = pool.apply(trial.prepared, ("xent", "numpy", load(folder), probes, paths))
    global _PLAN  # noqa: PLW0603  # which the processes are born with, as it is large
    _PLAN = plan
    with context.Pool(jobs, maxtasksperchild=1) as pool:
        yield from pool.imap(_tried, faults, chunksize=1)


_PLAN: Plan | None = None


def _tried(fault: Fault) -> Verdict:
    assert _PLAN is not None
    return trial.tried(_PLAN, fault, place(fault))


def place(fault: Fault) -> Place | None:
    """Return the function that a fault is in, None where it is in none."""
    tree = ast.parse(fault.path.read_text(encoding="utf-8"))
    around = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
              and node.body[0].lineno <= fault.line <= (node.end_lineno or 0)]  # fmt: skip
    if not around:
        return None
    outer = min(around, key=lambda node: node.lineno)
    return str(fault.path), min([outer.lineno, *(d.lineno for d in outer.decorator_list)])


def described(verdict: Verdict) -> str:
    """Return a verdict in one line."""
    fault, status, by = verdict
    return f"{fault.module}:{fault.line}  {status}  {fault.text}  [{by[:300]}]"


def counted(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield a table: by module how many were found, missed and harmless."""
    modules = {verdict.fault.module for verdict in verdicts}
    yield f"{'module':28}  {FOUND:>6}  {MISSED:>6}  {HARMLESS:>8}"
    for name in [*sorted(modules), ""]:
        count = Counter(v.status for v in verdicts if name in ("", v.fault.module))
        yield f"{name or 'all':28}  {count[FOUND]:6}  {count[MISSED]:6}  {count[HARMLESS]:8}"
