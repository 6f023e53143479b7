"""Outcomes as one page for people, which needs nothing but itself: family by family, failures open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from conformance.report import short
from conformance.runner import ABSENT, FAIL, PASS, SKIP, Outcome, allowed

STYLE = """
:root { color-scheme: light dark; --line: #8885; --good: #0b6e4f; --bad: #b3261e; --none: #666; }
@media (prefers-color-scheme: dark) { :root { --good: #5fd3a6; --bad: #ff8a80; --none: #aaa; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.pass { color: var(--good); } .fail { color: var(--bad); font-weight: 600; }
.absent, .skip { color: var(--none); } .note { font-weight: 600; }
code { font-size: 12px; overflow-wrap: anywhere; } .wide { overflow-x: auto; }
details { margin: .6rem 0; } summary { cursor: pointer; font-weight: 600; }
"""
PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Conformance of $name</title><style>$style</style></head><body><main>
<h1>Conformance of $name</h1>
<p>Results against values of fifty digits. ULP are units in the last place of the result's dtype; what a
module does not offer is absent, and no failure.</p>
$body
</main></body></html>
""")
COUNTED = (PASS, FAIL, ABSENT, SKIP)


def save(
    path: Path,
    implementation: str,
    runs: Mapping[str, Sequence[Outcome]],
    notes: Sequence[str] = (),
) -> None:
    """Write the page, the notes on the module first."""
    lines = [f'<p class="note">{escape(note, quote=False)}</p>' for note in notes]
    lines += [line for name, outcomes in runs.items() for line in _backend(name, outcomes)]
    body = "\n".join(lines)
    name = escape(Path(implementation).stem if implementation.endswith(".py") else implementation)
    path.write_text(PAGE.substitute(name=name, style=STYLE, body=body), encoding="utf-8")


def families(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Return the outcomes by function."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.case.function, []).append(outcome)
    return dict(sorted(found.items()))


def _backend(name: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    by_family = families(outcomes)
    yield f"<h2>{escape(name)}</h2>"
    heads = "".join(f'<th class="n">{status}</th>' for status in COUNTED)
    yield f'<div class="wide"><table><tr><th>family</th>{heads}<th>flags that failed</th></tr>'
    for family, own in by_family.items():
        count = Counter(outcome.status for outcome in own)
        cells = "".join(f'<td class="n {s if count[s] else ""}">{count[s]}</td>' for s in COUNTED)
        flags = {o.case.pathology for o in own if o.status == FAIL and o.case.pathology}
        yield (f'<tr><td><a href="#{name}-{family}">{family}</a></td>{cells}'
               f"<td>{escape('; '.join(sorted(flags)))}</td></tr>")  # fmt: skip
    yield "</table></div>"
    for family, own in by_family.items():
        yield from _family(f"{name}-{family}", family, own)


def _family(anchor: str, family: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield what a family did, the failures first."""
    order = sorted(outcomes, key=lambda o: (FAIL, PASS, SKIP, ABSENT).index(o.status))
    failed = " open" if order[0].status == FAIL else ""
    yield f'<details id="{anchor}"{failed}><summary>{family}</summary><div class="wide"><table>'
    yield ("<tr><th>case</th><th>of</th><th>dtype</th><th></th>"
           '<th class="n">ULP</th><th class="n">allowed</th><th>expected, got</th>'
           "<th>flag</th><th>source</th></tr>")  # fmt: skip
    for outcome in order:
        yield _row(outcome)
    yield "</table></div></details>"


def _row(outcome: Outcome) -> str:
    case, source = outcome.case, outcome.case.provenance
    ulp = "" if outcome.ulp is None else f"{float(outcome.ulp):.3g}"
    numbers = short(case.expected.get(outcome.dtype, case.raises)), short(outcome.got)
    own = outcome.message if outcome.status in (ABSENT, SKIP) else ", ".join(map(str, numbers))
    more = outcome.status == FAIL and not outcome.message.endswith("ULP")
    said = f"{own}: {outcome.message}" if more else own
    origin = escape(f"{source['document']}, {source['section']}")
    return (
        f"<tr><td><code>{escape(case.id)}</code></td><td>{case.quantity}</td><td>{outcome.dtype}</td>"
        f'<td class="{outcome.status}">{outcome.status}</td><td class="n">{ulp}</td>'
        f'<td class="n">{float(allowed(case, outcome.dtype)):.3g}</td><td><code>{escape(said)}</code></td>'
        f'<td>{escape(case.pathology or "")}</td><td title="{escape(source["text"])}">{origin}</td></tr>'
    )
