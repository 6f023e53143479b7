"""What was measured of every library's accuracy: recorded once, drawn whenever the site is built.

`python docs/_ext/measured.py FOLDER/accuracy.json` records what `python -m conformance accuracy --quick
--output FOLDER` wrote: of each library the worst error in each family, of xent that of its worst backend.
"""

import json
import sys
from pathlib import Path

import conformance.accuracy
from conformance.accuracy.measure import Line
from conformance.accuracy.table import SUMMARY

FILE = Path(conformance.accuracy.__file__).with_name("recorded") / "compared.json"
FIELDS = ("library", "subject", "quantity", "family", "dtype", "worst", "goal", "over", "special")
DTYPES = ("float64", "float32")
SHOWN = {(row.subject, row.quantity) for row in SUMMARY}


def recorded():
    """Return the processor, the versions, and the lines."""
    content = json.loads(FILE.read_text(encoding="utf-8"))
    rest = {"high": float("nan"), "median": float("nan"), "flushed": 0, "count": 0}
    rows = ([*row[:-1], int(row[-1])] for row in content["lines"])  # how many, which `keep` rounds
    lines = [Line(**dict(zip(FIELDS, row, strict=True)), **rest) for row in rows]
    return content["processor"], content["versions"], lines


def keep(path):
    """Record what a run wrote."""
    content = json.loads(path.read_text(encoding="utf-8"))
    worst = {}
    for line in content["lines"]:
        if line["dtype"] in DTYPES and (line["subject"], line["quantity"]) in SHOWN:
            numbers = [float(f"{float(line[name]):.4g}") for name in FIELDS[5:]]
            named = [line[name] for name in FIELDS[:5]]
            kept = worst.setdefault((named[0].split()[0], *named[1:]), named + numbers)
            kept[5:] = map(max, kept[5:], numbers)
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in worst.values())
    about = {name: content[name] for name in ("processor", "versions")}
    head = json.dumps(about, ensure_ascii=False)[:-1]
    FILE.write_text(f'{head}, "lines": [\n{rows}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
