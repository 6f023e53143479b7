"""``python -m benchmarks table results.json``: results as Markdown."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from benchmarks.family import MODES, Family, Shape
from benchmarks.runners import RUNNERS, TITLES
from benchmarks.spread import WIDEST, Spread, speedup, time

Row = dict[str, Any]
ABSENT = "–"
NOISY = "noisy"


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 2) -> str:
    """Return a Markdown table; all but the first ``left`` columns are numbers."""
    rules = ["---" if column < left else "--:" for column in range(len(heads))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, rules, *rows))


def duration(seconds: float) -> str:
    """Return seconds with three digits, in a unit that suits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            break
    return f"{seconds / size:.3g} {unit}" if seconds < 999.5 * size else f"{seconds:.0f} {unit}"


def _size(number: float | None) -> str:
    return ABSENT if number is None else f"{number / 2**20:.1f}"


def _ulp(row: Row) -> str:
    if "ulp" not in row:
        return ABSENT
    number = float(row["ulp"])
    shown = f"{number:.1f}" if number < 1000 else f"{number:.0e}"
    return f"{shown}*" if row["ulp_of"] == "mean" else shown


def steadily(found: Spread | None, show: Callable[[Spread], str]) -> str:
    """Return a number in words, if it may be quoted."""
    return ABSENT if found is None else show(found) if found.steady else NOISY


def _time(row: Row) -> str:
    if "raised" in row:
        return f"**{shorten(row['raised'], 60, placeholder=' …')}**"
    shown = steadily(time(row), lambda seconds: duration(seconds.median))
    return shown if row["ok"] else f"{shown}, **wrong by {float(row['relative_error']):.0e}**"


def cells(row: Row | None, rows: Iterable[Row]) -> list[str]:
    """Return time, ratio, share of the floor, ULP and memory of a contender in one mode."""
    if row is None:
        return [ABSENT] * 5
    ratio = steadily(speedup(row, rows), lambda x: f"{x.median:.2f} ± {100 * (x.width - 1):.0f} %")
    floor = row.get("of_floor")
    share = ABSENT if floor is None else steadily(time(row), lambda _: f"{100 * floor:.0f} %")
    return [_time(row), ratio, share, _ulp(row), _size(row.get("memory"))]


def grouped(results: Sequence[Row]) -> dict[tuple[str, str], dict[str, Row]]:
    """Return the results of each case and dtype, by mode."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for result in results:
        found.setdefault((result["case"], result["dtype"]), {})[result["mode"]] = result
    return found


def by_contender(modes: dict[str, Row]) -> dict[tuple[str, str], dict[str, Row]]:
    """Return the rows of each runner and contender, by mode."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for mode, result in modes.items():
        for row in result["rows"]:
            found.setdefault((row["runner"], row["contender"]), {})[mode] = row
    return found


def case_table(modes: dict[str, Row]) -> str:
    """Return one case in one dtype: a line per contender, forward beside forward + gradient."""
    first = next(iter(modes.values()))
    shape = " × ".join(map(str, first["shape"]))
    found = by_contender(modes)
    references = {key: next(iter(rows.values()))["reference"] for key, rows in found.items()}
    lines = []
    for (runner, contender), rows in found.items():
        mark = " (reference)" if references[runner, contender] == contender else ""
        line = [cell for mode in MODES for cell in cells(rows.get(mode), modes[mode]["rows"])]
        lines.append([TITLES[runner], contender + mark, *line])
    heads = ["library", "contender"]
    for word in ("forward", "forward + gradient"):
        heads += [word, "×", "of floor", "ULP", "MiB"]
    title = f"### `{first['case']}`: {first['title']}, {shape}, {first['dtype']}"
    return f"{title}\n\n{grid(heads, lines)}"


def _both(modes: dict[str, Row], runner: str) -> str:
    """Return how many times as fast as its reference xent is on a runner, in each mode."""
    shown = []
    for rows in (modes[mode]["rows"] for mode in MODES):
        own = [row for row in rows if (row["runner"], row["contender"]) == (runner, "xent")]
        ratios = [speedup(row, rows) for row in own if row["reference"] != "xent"]
        shown += [steadily(ratio, lambda x: f"{x.median:.2f}") for ratio in ratios or [None]]
    return ABSENT if set(shown) == {ABSENT} else " / ".join(shown)


def summary(results: Sequence[Row]) -> str:
    """Return how many times as fast xent is as each runner's reference, a line per case."""
    runners = list(dict.fromkeys(row["runner"] for result in results for row in result["rows"]))
    lines = []
    for (case, dtype), modes in grouped(results).items():
        lines.append([f"`{case}`", dtype, *(_both(modes, runner) for runner in runners)])
    heads = ["case", "dtype", *(TITLES[runner] for runner in runners)]
    title = "### Times as fast as each library's own loss: forward / forward + gradient"
    return f"{title}\n\n{grid(heads, lines)}"


def growth_table(results: Sequence[Row]) -> str:
    """Return time and peak memory at each size, a line per contender and mode."""
    sizes = list(dict.fromkeys(tuple(result["shape"]) for result in results))
    lines: dict[tuple[str, ...], dict[Shape, str]] = {}
    for result in results:
        for row in result["rows"]:
            who = (TITLES[row["runner"]], row["contender"], result["mode"])
            cell = f"{_time(row)}; {_size(row.get('memory'))}"
            lines.setdefault(who, {})[tuple(result["shape"])] = cell
    heads = ["library", "contender", "mode", *(" × ".join(map(str, size)) for size in sizes)]
    rows = [[*who, *(line.get(size, ABSENT) for size in sizes)] for who, line in lines.items()]
    return f"### Growth with the number of logits: time; MiB\n\n{grid(heads, rows, left=3)}"


def machine(found: Row) -> str:
    """Return what was measured on, with which libraries, and when."""
    about = found["machine"]
    gpu = f", {about['gpu']}" if about["gpu"] else ""
    memory = f", {about['memory_gib']} GiB" if about["memory_gib"] else ""
    libraries = ", ".join(f"{name} {number}" for name, number in about["libraries"].items())
    dates = sorted({row["date"] for row in found["cases"] + found["growth"] if "date" in row})
    days = f"; {' to '.join(dict.fromkeys((dates[0], dates[-1])))}" if dates else ""
    device = f"{about['cpu']}, {about['cores']} cores{memory}{gpu}; {about['system']}"
    return f"{device}, Python {about['python']}, {libraries}{days}"


def _run(found: Row) -> str:
    settings = found["settings"]
    speeds = "; ".join(
        f"{device}: reads {speed['read'] / 1e9:.1f} GB/s, copies {speed['copy'] / 1e9:.1f} GB/s"
        for device, speed in found["speeds"].items()
        if speed
    )
    trial = (
        "\n\n**A quick run: small sizes, few rounds, no evidence.**" if settings["quick"] else ""
    )
    return (
        f"{machine(found)}; {speeds}. Medians of {settings['rounds']} interleaved "
        f"rounds after {settings['warmups']} to warm up.{trial}"
    )


LEGEND = f"""\
×: how many times as fast as the reference on the same runner, the median over the rounds, and how far
from it the farther quartile is; {NOISY}: a quartile is off by more than a factor of {WIDEST}, so the
number would not come out again, and is not shown. Of floor: the time to move the bytes
that must be moved, over the time taken. ULP: the worst error, of a row's loss in float32's
units (* of the mean, where no rows are known) and of the gradient's elements in their own dtype's.
MiB: peak memory above that before the call, gradient included."""


def _missing(rows: Sequence[Row]) -> str:
    lines = [[TITLES.get(r["runner"], r["runner"]), r["contender"], r["why"]] for r in rows]
    return "### Not measured\n\n" + grid(["", "", "why"], lines, left=3)


def document(found: Row) -> str:
    """Return all the results."""
    parts = ["## Results", _run(found), LEGEND]
    parts += [summary(found["cases"])] if found["cases"] else []
    parts += [case_table(modes) for modes in grouped(found["cases"]).values()]
    parts += [growth_table(found["growth"])] if found["growth"] else []
    parts += [_missing(found["missing"])] if found["missing"] else []
    return "\n\n".join(parts) + "\n"


def catalogue(families: Sequence[Family]) -> str:
    """Return the names of cases and backends."""
    lines = [
        [f"`{case.name}`", family.name, case.title, " × ".join(map(str, case.shape))]
        for family in families
        for case in family.cases
    ]
    backends = [[f"`{name}`", TITLES[name]] for name in RUNNERS]
    cases = grid(["case", "family", "", "shape"], lines, left=4)
    return f"{cases}\n\n{grid(['backend', ''], backends)}"


def main(argv: Sequence[str]) -> int:
    """Print the tables of a results file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks table", description=main.__doc__)
    parser.add_argument("results", type=Path)
    print(document(json.loads(parser.parse_args(argv).results.read_text())))
    return 0
