"""``python -m benchmarks plot results.json FILE``: pictures of the results.

FILE shows how many times as fast as its reference xent is, in every case. Beside it are written
FILE-times, with a bar for each contender, and FILE-growth, with time and memory over size.
What is too noisy to be quoted is in none of them.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, TypeGuard

from benchmarks.family import BOTH, FORWARD, MODES
from benchmarks.runners import TITLES
from benchmarks.spread import Spread, speedup, time
from benchmarks.table import by_contender, grouped, machine

Row = dict[str, Any]
# Okabe and Ito's, which readers of every colour vision can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
SHADES = {FORWARD: "#56B4E9", BOTH: "#0072B2"}
MARKS = {FORWARD: "o", BOTH: "s"}
WORDS = {FORWARD: "forward", BOTH: "forward + gradient"}
COLUMNS = 3


def _figure(width: float, height: float, *grid: int, **shared: str) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)  # no window, whatever the machine's default is
    return figure, figure.subplots(*grid, squeeze=False, **shared)


def _steady(found: Spread | None) -> TypeGuard[Spread]:
    return found is not None and found.steady


def _title(modes: dict[str, Row]) -> str:
    first = next(iter(modes.values()))
    return f"{first['case']}\n{' × '.join(map(str, first['shape']))}, {first['dtype']}"


def speedups(found: Row) -> Any:
    """Return a picture of xent against each runner's reference."""
    cases = grouped(found["cases"])
    runners = list(dict.fromkeys(row["runner"] for c in found["cases"] for row in c["rows"]))
    figure, ((axes,),) = _figure(9, 1.8 + 0.5 * len(cases), 1, 1)
    for line, modes in enumerate(cases.values()):
        for mode, result in modes.items():
            for row in result["rows"]:
                ratio = speedup(row, result["rows"])
                if row["contender"] == "xent" != row["reference"] and _steady(ratio):
                    colour = COLOURS[runners.index(row["runner"])]
                    offset = 0.15 if mode == BOTH else -0.15
                    axes.plot(ratio.median, line + offset, MARKS[mode], color=colour, markersize=7)
    rows = [row for c in found["cases"] for row in c["rows"] if row["reference"] != "xent"]
    for runner in runners:
        references = dict.fromkeys(row["reference"] for row in rows if row["runner"] == runner)
        label = f"{TITLES[runner]}, against {' or '.join(references)}"
        axes.plot([], [], "o", color=COLOURS[runners.index(runner)], label=label)
    for mode in MODES:
        axes.plot([], [], MARKS[mode], color="none", markeredgecolor="black", label=WORDS[mode])
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}×" if x >= 1 else f"1/{1 / x:g}")
    axes.set_yticks(
        range(len(cases)), [_title(modes).replace("\n", ": ") for modes in cases.values()]
    )
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("times as fast as the reference (right of 1: faster)")
    axes.set_title("xent against each library's own loss")
    figure.legend(loc="outside upper center", ncols=2, fontsize=8)
    return figure


def times(found: Row, columns: int = COLUMNS) -> Any:
    """Return a picture with a panel per case and a bar per contender, the floor as a line."""
    cases = list(grouped(found["cases"]).values())
    rows = math.ceil(len(cases) / columns)
    most = max(len(by_contender(modes)) for modes in cases)
    figure, panels = _figure(6 * columns, rows * (1.2 + 0.3 * most), rows, columns)
    for axes, modes in zip(panels.flat, cases, strict=False):
        _bars(axes, modes)
    for axes in panels.flat[len(cases) :]:
        axes.set_axis_off()
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(4, 2 * columns))
    return figure


def _bars(axes: Any, modes: dict[str, Row]) -> None:
    found = by_contender(modes)
    names = [f"{TITLES[runner]}: {contender}" for runner, contender in found]
    for offset, mode in ((-0.2, FORWARD), (0.2, BOTH)):
        shown = [(n, rows[mode]) for n, rows in enumerate(found.values()) if mode in rows]
        timed = [(n, row["seconds"]) for n, row in shown if _steady(time(row))]
        if not timed:
            continue
        lines, seconds = zip(*timed, strict=True)
        places = [line + offset for line in lines]
        milliseconds = [1e3 * one for one in seconds]
        axes.barh(places, milliseconds, 0.38, color=SHADES[mode], label=WORDS[mode])
        least = shown[0][1]["floor"]
        if least:
            style = {"color": SHADES[mode], "linestyle": "--", "label": f"floor, {WORDS[mode]}"}
            axes.axvline(1e3 * least, linewidth=1.2, **style)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    for label, (_, contender) in zip(axes.get_yticklabels(), found, strict=True):
        label.set_fontweight("bold" if contender.startswith("xent") else "normal")
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("ms", fontsize=8)
    axes.set_title(_title(modes), fontsize=9)


def growth(found: Row) -> Any:
    """Return a picture of time and of peak memory over the number of logits."""
    figure, panels = _figure(13, 10, 2, 2, sharex="all", sharey="row")
    results = found["growth"]
    runners = list(dict.fromkeys(row["runner"] for result in results for row in result["rows"]))
    for (seconds, memory), mode in zip(panels.T, MODES, strict=True):
        for (runner, contender), rows in _by_size(results, mode).items():
            line = "o-" if contender == "xent" else "x--"
            style = {"color": COLOURS[runners.index(runner)]}
            style["label"] = f"{TITLES[runner]}, {contender}"
            sizes, (taken, peaks) = list(rows), zip(*map(_cost, rows.values()), strict=True)
            seconds.loglog(sizes, taken, line, **style)
            memory.loglog(sizes, peaks, line, **style)
        seconds.set(title=WORDS[mode], ylabel="ms")
        memory.set(xlabel="logits", ylabel="peak memory, MiB; 1 where it is less")
    for axes in panels.flat:
        axes.grid(alpha=0.3)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def _by_size(results: Sequence[Row], mode: str) -> dict[tuple[str, str], dict[int, Row]]:
    """Return the row of each number of logits, by runner and contender."""
    found: dict[tuple[str, str], dict[int, Row]] = {}
    for result in (result for result in results if result["mode"] == mode):
        for row in result["rows"]:
            line = found.setdefault((row["runner"], row["contender"]), {})
            line[math.prod(result["shape"])] = row
    return found


def _cost(row: Row) -> tuple[float, float]:
    """Return milliseconds and MiB, NaN for what is unknown, wrong or too noisy."""
    taken, peak = time(row), row.get("memory")
    # Below a MiB it is the kernel's own bookkeeping.
    held = math.nan if peak is None else max(1, peak / 2**20)
    return 1e3 * taken.median if row["ok"] and _steady(taken) else math.nan, held


def draw(found: Row, path: Path) -> list[Path]:
    """Write the pictures that the results have, and return where."""
    pictures = {"": (speedups, "cases"), "-times": (times, "cases"), "-growth": (growth, "growth")}
    written = []
    for suffix, (picture, needed) in pictures.items():
        if found[needed]:
            target = path.with_name(f"{path.stem}{suffix}{path.suffix or '.png'}")
            figure = picture(found)
            width = int(18 * figure.get_figwidth())  # letters of this size
            figure.supxlabel(fill(machine(found), width), fontsize=7)
            figure.savefig(target)
            written.append(target)
    return written


def main(argv: Sequence[str]) -> int:
    """Draw the pictures of a results file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks plot", description=main.__doc__)
    parser.add_argument("results", type=Path, help="what --json wrote")
    parser.add_argument("file", type=Path, help="the first picture; the others stand beside it")
    given = parser.parse_args(argv)
    draw(json.loads(given.results.read_text()), given.file)
    return 0
