"""``python -m benchmarks counts``: the table of what calls ask of a device, beside the goals."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec

from benchmarks.counts.cases import MODES
from benchmarks.counts.count import Count, Counted
from benchmarks.table import ABSENT, grid

WAYS = {"torch": ("EAGER", "COMPILED", "HEAD", "OPERATIONS"), "jax": ("JAX",), "cupy": ("CUPY",)}
"""What each library's module counts."""


def counted(library: str) -> Iterator[Counted]:
    """Return what is counted of a library, nothing where it is missing; of CuPy on a double."""
    if library == "cupy" or find_spec(library):
        module = import_module(f"benchmarks.counts.{library}")
        yield from (getattr(module, name) for name in WAYS[library])


def table(way: Counted) -> str:
    """Return passes and launches, forward / with gradient, of all contenders as Markdown."""
    rows = []
    for case in way.cases:
        found = [[count(case, mode) for mode in MODES] for count in way.contenders.values()]
        goals = [way.goals.get((case.name, mode)) for mode in MODES]
        if any(found[0]):
            size = " × ".join(map(str, case.shape)) + f" {case.dtype}"
            rows.append((case.name, size, *map(_pair, found), _pair(goals, "≤ ")))
    return grid(("case", "logits", *way.contenders, "goal"), rows)


def _pair(counts: Sequence[Count | None], sign: str = "") -> str:
    """Return passes and launches of both modes, of a goal only what there is."""
    parts = [[_shown(x, i) for x in counts] for i in (0, 1)]
    there = [" / ".join(x) for x in parts if not sign or set(x) != {ABSENT}]
    return sign + "; ".join(there) if any(counts) else ABSENT


def _shown(count: Count | None, i: int) -> str:
    return ABSENT if count is None or count[i] in (None, float("inf")) else f"{count[i]:.3g}"


def main(argv: Sequence[str]) -> int:
    """Print passes over the logits and launches, forward / with gradient; with --check hold them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks counts", description=main.__doc__)
    parser.add_argument("--backend", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument(
        "--check", action="store_true", help="fail where a count is not what is held"
    )
    chosen = parser.parse_args(argv)
    wrong: list[str] = []
    for way in (way for library in chosen.backend for way in counted(library)):
        if chosen.check:
            wrong += [
                x for case in way.cases for mode in MODES for x in way.missed("xent", case, mode)
            ]
        else:
            print(f"\n{way.title}: passes; launches, forward / with gradient\n\n{table(way)}")
    print("\n".join(wrong))
    return bool(wrong)
