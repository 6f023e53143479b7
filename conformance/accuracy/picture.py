"""The report in one picture: the worst error of each library, function by function."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from conformance.accuracy.measure import Line
from conformance.accuracy.table import SUMMARY, Row

#: Where no digit is right, and where a wrong infinity or NaN is drawn beyond it.
LOST = {"float64": 2.0**53, "float32": 2.0**24}
COLOURS = {
    "xent": "#0b6e4f",
    "torch": "#ee4c2c",
    "optax": "#3b6fb6",
    "scipy": "#8c6bb1",
    "sklearn": "#f29f05",
    "keras": "#9e0142",
}


def draw(lines: Sequence[Line], path: Path) -> None:
    """Draw a panel for each dtype, a row for each function, a mark for each library.

    A library that returns wrong infinities, NaN or zeros is crossed.
    """
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("Agg")
    plt: Any = import_module("matplotlib.pyplot")
    figure, panels = plt.subplots(1, 2, figsize=(11, 0.34 * len(SUMMARY) + 1.4), sharey=True)
    for panel, dtype in zip(panels, ("float64", "float32"), strict=True):
        _panel(panel, [line for line in lines if line.dtype == dtype], dtype)
    panels[0].set_yticks(range(len(SUMMARY)), [row.title for row in SUMMARY], fontsize=8)
    panels[0].invert_yaxis()
    handles, names = panels[1].get_legend_handles_labels()
    figure.legend(handles, names, ncols=len(names), loc="lower center", frameon=False, fontsize=9)
    figure.suptitle(
        "Worst error in units of the last place; ×: wrong infinities, NaN or zeros",
        fontsize=11,
    )
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _panel(panel: Any, lines: Sequence[Line], dtype: str) -> None:
    lost = LOST[dtype]
    panel.axvspan(lost, lost * 2**14, color="0.93")
    panel.text(lost * 1.5, -0.75, "no digit is right", fontsize=7, va="center")
    for offset, (name, colour) in enumerate(COLOURS.items()):
        points = []
        for index, row in enumerate(SUMMARY):
            worst, special = _worst(lines, row, name)
            if worst is not None:
                place = _x(worst, lost), index + (offset - 2.5) * 0.11
                points.append(place)
                if special:
                    panel.scatter(*place, s=44, marker="x", color=colour, linewidths=1, zorder=4)
        if points:
            size = 42 if name == "xent" else 20
            panel.scatter(*zip(*points, strict=True), s=size, color=colour, label=name, zorder=3)
    panel.set_xscale("log", base=10)
    panel.set_xlim(0.3, lost * 2**14)
    panel.set_title(dtype, fontsize=10)
    panel.grid(axis="both", color="0.9", linewidth=0.6)
    panel.tick_params(labelsize=8)


def _worst(lines: Sequence[Line], row: Row, name: str) -> tuple[float | None, int]:
    found = [
        line
        for line in lines
        if line.library.split()[0] == name
        and (line.subject, line.quantity) == (row.subject, row.quantity)
        and (not row.families or line.family in row.families)
    ]
    worst = max((line.worst for line in found), default=None)
    return worst, sum(line.special for line in found)


def _x(value: float, lost: float) -> float:
    return min(max(value, 0.35), lost * 2**12)
