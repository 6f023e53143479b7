"""How cost grows: times over a range of sizes, and the exponent fitted to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.family import Contender, Family, Growth, Shape
from benchmarks.measure import Row, Session, measure
from benchmarks.runners.base import Runner


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return b of seconds ≈ a · sizeᵇ, by least squares on the logarithms."""
    slope, _ = np.polyfit(np.log(sizes), np.log(seconds), 1)
    return float(slope)


def _chosen(family: Family) -> Callable[[Runner, Contender], bool]:
    """Return who is followed: xent and each runner's reference.

    torch compiled is not: it would build four programs for each size.
    """

    def follows(runner: Runner, contender: Contender) -> bool:
        named = contender.name in ("xent", family.reference[runner.name])
        return named and not runner.name.startswith("torch-compiled")

    return follows


def grow(family: Family, growth: Growth, session: Session) -> list[Row]:
    """Return a row per mode, runner and contender, with sizes, seconds and exponent."""
    shapes: tuple[Shape, ...] = growth.quick if session.quick else growth.shapes
    axis = ("N", "V").index(growth.along)
    times: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
    for shape in shapes:
        for result in measure(family, shape, -1, "float32", session, _chosen(family)):
            for row in result["rows"]:
                if row["ok"]:
                    key = (result["mode"], row["runner"], row["contender"])
                    times.setdefault(key, []).append((shape[axis], row["seconds"]))
    fixed = shapes[0][1 - axis]
    rows = []
    for (mode, runner, contender), points in times.items():
        sizes, seconds = zip(*points, strict=True)
        rows.append(
            {
                "case": growth.name,
                "along": growth.along,
                "fixed": fixed,
                "mode": mode,
                "runner": runner,
                "contender": contender,
                "sizes": list(sizes),
                "seconds": list(seconds),
                "exponent": exponent(sizes, seconds) if len(sizes) > 1 else None,
            }
        )
    return rows
