"""``python -m benchmarks memory …``: peak memory of one contender, in a process of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.cases import find
from benchmarks.entries import Entry, Key, available, entries, without_paths
from benchmarks.family import BOTH, FORWARD, Case, Family, Shape
from benchmarks.machine import cores
from benchmarks.problem import problem
from benchmarks.progress import Progress
from benchmarks.runners.base import Runner

ROOT = Path(__file__).parents[1]
SECONDS = 300


def _entry(family: Family, case: Case, shape: Shape, dtype: str, key: Key) -> Entry:
    found: dict[str, Runner]
    found, lacking = available([key[0]])
    if lacking:
        raise SystemExit(lacking[0]["why"])
    inputs = problem(family, shape, case.axis, dtype)
    for entry in entries(family, inputs, case.axis, dtype, found):
        if entry.key == key:
            return entry
    raise SystemExit(f"{key} does not run {case.name} in {dtype}")


def peaks(case: str, dtype: str, key: Key, shape: Shape) -> dict[str, int | None]:
    """Return bytes by mode, above what was resident before the call.

    A library's own start is no part of it, so it is called once before: on a small problem, or,
    where a program is compiled for each shape, on the problem itself.
    """
    family, found = find(case)
    small = _entry(family, found, found.quick, dtype, key)
    entry = _entry(family, found, shape, dtype, key)
    result: dict[str, int | None] = {}
    for mode in (FORWARD, BOTH):
        call = entry.call(mode)
        if call is None:
            continue
        warm = call if entry.runner.compiled else small.call(mode)
        if warm is not None:
            warm()
        result[mode] = entry.runner.extra_memory(call)
    return result


def in_fresh_process(case: str, dtype: str, key: Key, shape: Shape) -> dict[str, Any]:
    """Return what `peaks` does, from a new interpreter; ``{"raised": why}`` where it failed."""
    words = [sys.executable, "-m", "benchmarks", "memory", case, dtype, *key]
    words += map(str, shape)
    try:
        done = subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"raised": f"more than {SECONDS} s"}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        return {"raised": without_paths(last[0])}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def add_memory(results: list[dict[str, Any]], cases: Collection[str]) -> None:
    """Add ``memory`` to each row that was timed, from one fresh process per contender and size.

    Two run at a time, which no figure depends on: nothing is timed now.
    """
    rows: dict[tuple[str, str, Key, Shape], dict[str, dict[str, Any]]] = {}
    for result in results:
        for row in result["rows"] if result["case"] in cases else ():
            if "seconds" in row:
                key = (row["runner"], row["contender"])
                asked = (result["case"], result["dtype"], key, tuple(result["shape"]))
                rows.setdefault(asked, {})[result["mode"]] = row
    with Progress(len(rows)) as bar, ThreadPoolExecutor(min(2, cores())) as pool:
        bar.say("memory")
        running = {pool.submit(in_fresh_process, *asked): asked for asked in rows}
        for done in as_completed(running):
            found = done.result()
            for mode, row in rows[running[done]].items():
                row["memory"] = found.get(mode)
                if "raised" in found:
                    row["memory_raised"] = found["raised"]
            bar.step()


def main(argv: Sequence[str]) -> int:
    """Print the peaks of one contender as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=main.__doc__)
    for name in ("case", "dtype", "runner", "contender"):
        parser.add_argument(name)
    parser.add_argument("size", type=int, nargs="+", help="of the prediction, along each axis")
    given = parser.parse_args(argv)
    key = (given.runner, given.contender)
    print(json.dumps(peaks(given.case, given.dtype, key, tuple(given.size))))
    return 0
