"""One fault tried: the implementation is imported with it in a process of its own, and judged."""

from __future__ import annotations

import gc
import importlib.util
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from itertools import islice
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

from conformance.backends import BACKENDS
from conformance.case import Case
from conformance.faults import changes
from conformance.faults.changes import Fault
from conformance.faults.probes import Probe, differ, probes
from conformance.runner import FAIL, run

FOUND, MISSED, HARMLESS = "found", "missed", "harmless"
#: Seconds of a processor after which a fault has made a loop endless.
LONG = 60

#: A function of a module, by its file and first line.
Place = tuple[str, int]
Calls = list[tuple[Case, str]]


class Plan(NamedTuple):
    """What a fault is tried on: the calls of cases, probes with their results, and what these run."""

    name: str
    backend: str
    calls: Calls
    probes: list[tuple[Probe, Any]]
    of_calls: list[set[Place]]
    of_probes: list[set[Place]]


class Verdict(NamedTuple):
    """What became of a fault, and where: the case that fails or the probe that has another number."""

    fault: Fault
    status: str
    by: str = ""


def prepared(
    name: str, backend: str, cases: Sequence[Case], many: int | None, paths: set[str]
) -> Plan:
    """Run everything without a fault, and note which functions of the files each call runs."""
    implementation = import_module(name)
    calls = [(case, dtype) for case in cases for dtype in case.dtypes]
    of_calls, results, of_probes = [], [], []
    for case, dtype in calls:
        with _watched(paths) as seen:
            run(case, implementation, BACKENDS[backend], dtype)
        of_calls.append(seen)
    for probe in islice(probes(implementation), many):
        with _watched(paths) as seen:
            result = probe.results(implementation)
        if not isinstance(result, str):
            results.append((probe, result))
            of_probes.append(seen)
    return Plan(name, backend, calls, results, of_calls, of_probes)


def tried(plan: Plan, fault: Fault, place: Place | None) -> Verdict:
    """Put a fault into the implementation and say what becomes of it; for a process of its own."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGVTALRM, _endless)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONG)
    if not any(place in seen for seen in plan.of_calls + plan.of_probes):
        place = None  # what is run as the module is imported
    try:
        implementation = _with(plan.name, fault, place)
    except Exception as error:
        return Verdict(fault, FOUND, type(error).__name__)
    for (case, dtype), seen in zip(plan.calls, plan.of_calls, strict=True):
        if place is None or place in seen:
            outcome = run(case, implementation, BACKENDS[plan.backend], dtype)
            if outcome.status == FAIL:
                return Verdict(fault, FOUND, f"{case.id}-{dtype}")
    for (probe, result), seen in zip(plan.probes, plan.of_probes, strict=True):
        if (place is None or place in seen) and differ(result, probe.results(implementation)):
            return Verdict(fault, MISSED, str(probe))
    return Verdict(fault, HARMLESS)


def _endless(*_: Any) -> None:
    raise TimeoutError("longer than any call takes")


def _with(name: str, fault: Fault, place: Place | None) -> Any:
    """Return the implementation with a fault: new code for one function, or all of it imported again."""
    if place is None:
        for module in [x for x in sys.modules if x.partition(".")[0] == name]:
            del sys.modules[module]
        sys.meta_path.insert(0, _Faulty(fault))
        return import_module(name)
    code = compile(changes.changed(fault), place[0], "exec")
    (new,) = [x for x in _codes(code) if x.co_firstlineno == place[1] and x.co_name != "<lambda>"]
    for function in gc.get_objects():
        own = getattr(function, "__code__", None) if type(function) is FunctionType else None
        if own and (own.co_filename, own.co_firstlineno, own.co_name) == (*place, new.co_name):
            function.__code__ = new
    return import_module(name)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


class _Faulty(MetaPathFinder):
    """Finds one module, with a fault in it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Return where the module is, if it is this one."""
        if fullname != self.fault.module:
            return None
        loader = _Loader(fullname, str(self.fault.path))
        loader.fault = self.fault
        return importlib.util.spec_from_file_location(fullname, self.fault.path, loader=loader)


class _Loader(SourceFileLoader):
    fault: Fault

    def get_code(self, fullname: str) -> CodeType:
        return compile(changes.changed(self.fault), str(self.fault.path), "exec")


@contextmanager
def _watched(paths: set[str]) -> Iterator[set[Place]]:
    """Note the functions of some files that are called meanwhile."""
    seen: set[Place] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename in paths:
            seen.add((code.co_filename, code.co_firstlineno))

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)
