"""``python -m benchmarks half``: ways to multiply half precision on a processor in torch, time and error.

Each makes logits in float32, except ``rounded``; the error is relative to the largest logit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.table import grid

SHAPES = ((512, 768, 32768), (256, 768, 50257), (64, 64, 1000))
DTYPES = ("bfloat16", "float16")
ROUNDS = 7


def ways() -> dict[str, Callable[[Any, Any], Any]]:
    """Return the products ``a @ b.T``, by name."""
    import torch

    from xent.engines.torch import half

    def twice(a: Any, b: Any) -> Any:
        high = torch.mm(a, b.T)
        return high.float() + torch.addmm(high, a, b.T, beta=-1)

    return {
        "rounded": lambda a, b: torch.mm(a, b.T),
        "cast": lambda a, b: torch.mm(a.float(), b.float().T),
        "twice": twice,
        "xent": lambda a, b: half.logits(a, b.T, None, None),
    }


def measured(shape: tuple[int, int, int], dtype: str) -> list[list[str]]:
    """Return a row for each way: its time over that of the rounded product, and its error."""
    import torch

    n, d, k = shape
    draw = torch.Generator().manual_seed(0)
    a, b = (torch.randn(m, d, generator=draw).to(getattr(torch, dtype)) for m in (n, k))
    exact, found = a.double() @ b.double().T, ways()
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(ROUNDS + 2):
        for name, way in found.items():
            start = perf_counter()
            way(a, b)
            times[name].append(perf_counter() - start)
    medians = {name: median(spent[2:]) for name, spent in times.items()}
    size, rows = exact.abs().max(), []
    for name, way in found.items():
        error = float((way(a, b).double() - exact).abs().max() / size)
        ratio = medians[name] / medians["rounded"]
        rows.append([" × ".join(map(str, shape)), dtype, name, f"{ratio:.2f}", f"{error:.1e}"])
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    argparse.ArgumentParser("python -m benchmarks half", description=__doc__).parse_args(argv)
    rows = [row for dtype in DTYPES for shape in SHAPES for row in measured(shape, dtype)]
    print(grid(["rows × width × classes", "dtype", "product", "time", "error"], rows, 3))
    return 0
