"""The report in Markdown: a summary as the package's notes have it, and every family below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from conformance.accuracy.measure import Line

NEAR_CERTAINTY = ("certain", "certain, peak 0", "nearly certain", "seen: [20, 0]")


class Row(NamedTuple):
    """A line of the summary: title, subject, quantity, and families, which are all where empty."""

    title: str
    subject: str
    quantity: str = "value"
    families: tuple[str, ...] = ()


CE = "cross entropy, labels, logits"
SUMMARY = (
    Row("cross entropy, labels, near certainty", CE, "value", NEAR_CERTAINTY),
    Row("… uniform logits", CE, "value", ("uniform",)),
    Row("… logits shifted by 10⁶", CE, "value", ("shifted", "seen: [10001, 10000]")),
    Row("… −∞ masked classes", CE, "value", ("masked", "seen: masked")),
    Row("… its gradient", CE, "gradient"),
    Row("log_softmax", "log_softmax"),
    Row("soft-label cross entropy", "cross entropy, soft, logits"),
    Row("smoothed labels", "cross entropy, smoothed labels"),
    Row("cross entropy of probabilities", "cross entropy, soft, probs"),
    Row("BCE from logits", "BCE, logits"),
    Row("… its gradient", "BCE, logits", "gradient"),
    Row("BCE from probabilities", "BCE, probs"),
    Row("focal loss, near certainty", "focal, labels, logits", "value", NEAR_CERTAINTY),
    Row("Poly-1, near certainty", "poly, labels, logits", "value", NEAR_CERTAINTY),
    Row("binary focal loss from logits", "binary focal, logits"),
    Row("… its gradient", "binary focal, logits", "gradient"),
    Row("entropy(p)", "entropy, probs"),
    Row("entropy(logits)", "entropy, logits"),
    Row("KL(p, q), near-equal", "KL, probs", "value", ("near equal", "closer")),
    Row("KL of two logits, near-equal", "KL, two logits", "value",
        ("uniform, near", "uniform, close", "shifted, near", "certain, near")),
    Row("JS", "JS"),
    Row("softmax", "softmax"),
    Row("logsumexp", "logsumexp"),
    Row("sigmoid", "sigmoid"),
)  # fmt: skip


def summary(lines: Sequence[Line]) -> list[str]:
    """Return the summary: the worst error, float64 / float32; xent's over all its libraries.

    In brackets how many infinities, NaN and zeros are wrong.
    """
    names = _columns(lines)
    text = [_row(("worst ULP, float64 / float32", *names)), _row(("---",) * (len(names) + 1))]
    for row in SUMMARY:
        cells = [_pair([line for line in lines if _is_of(line, row, name)]) for name in names]
        if any(cell != "–" for cell in cells):
            text.append(_row((row.title, *cells)))
    return text


def details(lines: Sequence[Line]) -> list[str]:
    """Return a table for each function and dtype: families by libraries."""
    text = []
    groups = dict.fromkeys((x.subject, x.quantity, x.dtype) for x in lines)
    for subject, quantity, dtype in groups:
        chosen = [
            x for x in lines if (x.subject, x.quantity, x.dtype) == (subject, quantity, dtype)
        ]
        libraries = list(dict.fromkeys(x.library for x in chosen))
        text += ["", f"### {subject}: {quantity}, {dtype}", ""]
        text += [_row(("family", "goal", *libraries)), _row(("---",) * (len(libraries) + 2))]
        for family in dict.fromkeys(x.family for x in chosen):
            here = {x.library: x for x in chosen if x.family == family}
            goal = max((x.goal for x in here.values()), default=0)
            cells = [_cell(here[name]) if name in here else "–" for name in libraries]
            text.append(_row((family, f"{goal:.2g}", *cells)))
    return text


def flushed(lines: Iterable[Line]) -> list[str]:
    """Name the libraries that took subnormal numbers for 0, and how many results that cost."""
    counts: dict[str, int] = {}
    for line in lines:
        if line.flushed:
            counts[line.library] = counts.get(line.library, 0) + line.flushed
    return [
        f"{library} takes subnormal numbers for 0: {count} results miss their goal by that alone "
        "and are in no other number."
        for library, count in counts.items()
    ]


def _columns(lines: Sequence[Line]) -> list[str]:
    names = dict.fromkeys("xent" if _is_xent(line) else line.library for line in lines)
    return list(names)


def _is_xent(line: Line) -> bool:
    return line.library.startswith("xent ")


def _is_of(line: Line, row: Row, name: str) -> bool:
    mine = _is_xent(line) if name == "xent" else line.library == name
    return (
        mine
        and (line.subject, line.quantity) == (row.subject, row.quantity)
        and (not row.families or line.family in row.families)
    )


def _pair(lines: Sequence[Line]) -> str:
    parts = [_worst([x for x in lines if x.dtype == dtype]) for dtype in ("float64", "float32")]
    return "–" if parts == ["–", "–"] else " / ".join(parts)


def _worst(lines: Sequence[Line]) -> str:
    if not lines:
        return "–"
    return short(max(line.worst for line in lines), sum(line.special for line in lines))


def short(ulp: float, special: int = 0) -> str:
    """Return an error in few characters, with the number of special values that are wrong."""
    text = f"{ulp:.0e}".replace("e+0", "e").replace("e+", "e") if ulp >= 1000 else f"{ulp:.0f}"
    return (text if ulp >= 10 else f"{ulp:.2g}") + (f" ({special})" if special else "")


def _cell(line: Line) -> str:
    text = f"{short(line.worst)}, {short(line.high)}, {short(line.median)}"
    text += f"; {line.special} special" if line.special else ""
    return text + (f"; {line.flushed} flushed" if line.flushed else "")


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
