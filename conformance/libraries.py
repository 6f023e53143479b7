"""The ``libraries`` command: the suite on xent and on the libraries beside it, as data and as one picture."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from conformance import adapters, html
from conformance.backends import BACKENDS
from conformance.case import FOLDER, load
from conformance.entry import OK, PACKAGES, case_folder, new_file, new_folder
from conformance.html import COUNTED, families
from conformance.implementation import implementation_of
from conformance.runner import FAIL, PASS, Outcome, run_all

RECORDED = Path(__file__).with_name("accuracy") / "recorded"
#: By library, the module that is run.
MODULES = {"xent": "xent"} | {
    name: f"conformance.adapters.{module}" for name, (module, _) in adapters.MODULES.items()
}
COLOURS = {PASS: "#0b6e4f", FAIL: "#c23b22"}


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    options = argparse.ArgumentParser(prog="python -m conformance libraries", description=__doc__)
    options.add_argument("--cases", type=case_folder, default=FOLDER, help="a folder of case files")
    options.add_argument("--output", type=new_folder, default=RECORDED, metavar="FOLDER")
    options.add_argument("--html", type=new_file, metavar="FILE", help="write every result here")
    chosen = options.parse_args(argv)
    runs = {name: _run(module, chosen.cases) for name, module in MODULES.items()}
    chosen.output.mkdir(parents=True, exist_ok=True)
    content = counted(runs)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (chosen.output / "libraries.json").write_text(text, encoding="utf-8")
    if chosen.html:
        html.save(chosen.html, "six libraries", runs)
    draw(content, chosen.output / "libraries.png")
    for name, library in content.items():
        print(name, library["version"], dict(library["all"]))
    return OK


def _run(module: str, folder: Path) -> list[Outcome]:
    implementation = implementation_of(module)
    backend = BACKENDS[getattr(implementation, "BACKEND", "numpy")]
    return list(run_all(load(folder), implementation, backend))


def counted(runs: Mapping[str, Sequence[Outcome]]) -> dict[str, Any]:
    """Return, by library, its version and how many results passed and failed, of all and of each family."""
    return {
        name: {
            "version": _version(name),
            "all": _counts(outcomes),
            "families": {family: _counts(own) for family, own in families(outcomes).items()},
        }
        for name, outcomes in runs.items()
    }


def _version(name: str) -> str:
    try:
        return version(PACKAGES.get(name, name))
    except PackageNotFoundError:  # what is run from its source
        return ""


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    count = Counter(outcome.status for outcome in outcomes)
    return {status: count[status] for status in COUNTED if count[status]}


def draw(content: Mapping[str, Any], path: Path) -> None:
    """Draw a column for each library and a row for each family that a library beside xent has."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("Agg")
    plt: Any = import_module("matplotlib.pyplot")
    beside = [library["families"] for name, library in content.items() if name != "xent"]
    rows = [family for family in next(iter(content.values()))["families"]
            if any({PASS, FAIL} & set(x[family]) for x in beside)]  # fmt: skip
    size = (11, 0.3 * len(rows) + 1.2)
    figure, panels = plt.subplots(1, len(content), figsize=size, sharey=True)
    for panel, (name, library) in zip(panels, content.items(), strict=True):
        for y, family in enumerate(rows):
            _bar(panel, y, library["families"].get(family, {}))
        panel.set_xlim(0, 1)
        panel.set_xticks([])
        panel.set_title(f"{name} {library['version']}", fontsize=9)
        for side in ("top", "right", "bottom"):
            panel.spines[side].set_visible(False)
    panels[0].set_yticks(range(len(rows)), rows, fontsize=8)
    panels[0].invert_yaxis()
    figure.suptitle(
        "Conformance: results that are right (green) and wrong (red); empty: not offered",
        fontsize=11,
    )
    figure.tight_layout()
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _bar(panel: Any, y: int, count: Mapping[str, int]) -> None:
    every = sum(count.get(status, 0) for status in COLOURS)
    left = 0.0
    for status, colour in COLOURS.items():
        share = count.get(status, 0) / every if every else 0
        if share:
            panel.barh(y, share, left=left, color=colour, height=0.75)
            panel.text(
                left + share / 2,
                y,
                count[status],
                ha="center",
                va="center",
                color="white",
                fontsize=7,
            )
        left += share
