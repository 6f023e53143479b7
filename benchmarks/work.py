"""``python -m benchmarks work``: what a compiled loss does that the reference does not, step by step.

Each step adds one thing to the one before it, from torch's own loss to xent's, all through torch's
compiler on one thread. Steps between the two are no losses to use: they lack what comes after them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from benchmarks.table import grid
from benchmarks.timing import interleave

Steps = Mapping[str, Callable[[Any, Any], Any]]

LABELS = ((2048, 32768), (8192, 1000), (128, 1000), (65536, 10))
MIXED = ((8192, 1000), (65536, 10))
SHARES = ((1024, 16000),)
ROUNDS, WARMUPS = 15, 2


def of_labels() -> Steps:
    """Return the steps from torch's cross entropy of labels to xent's."""
    import torch

    import xent

    def two_loops(y: Any, z: Any) -> Any:
        peak = torch.amax(z, 1, keepdim=True)
        total = torch.exp(z - peak).sum(1, keepdim=True)
        return (torch.log(total) + peak - z.gather(1, y[:, None])).mean()

    places = torch.arange(1024, dtype=torch.int32)

    def beside(y: Any, z: Any) -> Any:
        n, k = z.shape
        width = min(k, len(places))
        first = torch.arange(0, k, width, dtype=torch.int32)
        here = places[:width] == (y.to(torch.int32)[:, None] - first)[..., None]
        rest = torch.where(here, -torch.inf, z.view(n, -1, width))
        peak = torch.amax(rest, (1, 2))[:, None]
        total = torch.exp(-torch.relu(peak - z)).sum(1, keepdim=True)
        return (torch.log(total) + peak - z.gather(1, y[:, None])).mean()

    return {
        "torch's own": lambda y, z: torch.nn.functional.cross_entropy(z, y),
        "the same in two loops": two_loops,
        "the label out of the peak, no exponent above 0": beside,
        "xent: its term subtracted, edges, an exact difference": lambda y, z: xent.cross_entropy(
            y, logits=z
        ),
    }


def _beside(z: Any, low: Any, e: Any) -> tuple[Any, Any]:
    """Return the sum of the exponentials beside the peak, by two sums, and whether it is alone there."""
    import torch

    beside = torch.where(z >= low, 0.0, e).sum(1, keepdim=True)
    total = e.sum(1, keepdim=True)
    lone = (beside < 1) & (torch.abs(total - beside - 1) < 0.5)
    return torch.where(lone, beside, total - 1), lone


def _low(peak: Any) -> Any:
    """Return from where on a logit may be the peak itself, rounded again."""
    import torch

    return peak - 4 * torch.finfo(peak.dtype).eps * torch.abs(peak)


def of_mixed() -> Steps:
    """Return the steps from torch's cross entropy of soft targets to xent's."""
    import torch

    import xent

    def from_peak(t: Any, z: Any) -> Any:
        d = z - torch.amax(z, 1, keepdim=True)
        total = torch.exp(d).sum(1)
        return (t.sum(1) * torch.log(total) - (t * d).sum(1)).mean()

    def beside(t: Any, z: Any) -> Any:
        peak = torch.amax(z, 1, keepdim=True)
        low, d = _low(peak), z - peak
        rest, lone = _beside(z, low, torch.exp(d))
        terms = t * d
        score = torch.where(z >= low, 0.0, terms).sum(1, keepdim=True)
        score = torch.where(lone, score, terms.sum(1, keepdim=True))
        return (t.sum(1, keepdim=True) * torch.log1p(rest) - score).mean()

    return {
        "torch's own": lambda t, z: torch.nn.functional.cross_entropy(z, t),
        "seen from the peak": from_peak,
        "the peak's own term out of the sum": beside,
        "xent: edges, the target's mass at the peak": lambda t, z: xent.cross_entropy(t, logits=z),
    }


def of_shares() -> Steps:
    """Return the steps from torch's KL divergence from logits to xent's."""
    import torch

    import xent

    def terms(t: Any, peak: Any, z: Any, rest: Any, put: Callable[[Any], Any], lack: Any) -> Any:
        d = z - peak
        b = put(torch.exp(d) * lack(z, peak, d)) / (1 + rest)
        some = torch.where(t == 0, 1.0, t)
        x = (b - t) / some
        near = torch.abs(x) < 0.25
        u = torch.where(near, 1 + x, some)
        far = d - torch.log1p(rest) - torch.log(u)
        ratio = torch.where(near, torch.log(u) + (x - (u - 1)) * (1 - x), far)
        return torch.sum((b - t) - t * ratio, 1).mean()

    def plain(z: Any, peak: Any, d: Any) -> float:
        return 1.0

    def exact(z: Any, peak: Any, d: Any) -> Any:
        back = z - d
        return 1 + ((z - (d + back)) + (back - peak))

    def excess(t: Any, z: Any) -> Any:
        peak = torch.amax(z, 1, keepdim=True)
        rest = torch.exp(z - peak).sum(1, keepdim=True) - 1
        return terms(t, peak, torch.where(peak < -torch.inf, peak, z), rest, lambda b: b, plain)

    def beside(t: Any, z: Any, lack: Any = plain) -> Any:
        peak = torch.amax(z, 1, keepdim=True)
        rest, lone = _beside(z, _low(peak), torch.exp(z - peak) * lack(z, peak, z - peak))
        here = z >= torch.where(lone, _low(peak), torch.nan)
        again = torch.where(peak < -torch.inf, peak, z)
        return terms(t, peak, again, rest, lambda b: torch.where(here, 1.0, b), lack)

    return {
        "torch's own": lambda t, z: torch.nn.functional.kl_div(
            torch.log_softmax(z, 1), t, reduction="batchmean"
        ),
        "each term's excess p log(p/b) − p + b": excess,
        "the peak's own term out of the sum": beside,
        "exact differences": lambda t, z: beside(t, z, exact),
        "xent: edges, the target's mass": lambda t, z: xent.kl_divergence(t, logits=z),
    }


def measured(name: str, steps: Steps, shape: tuple[int, int]) -> list[list[str]]:
    """Return a row for each step: its time per logit, and what it takes more than torch's own."""
    import torch

    draw = torch.Generator().manual_seed(0)
    z = torch.randn(shape, generator=draw)
    target: Any = torch.randint(0, shape[1], shape[:1], generator=draw)
    if name != "labels":
        target = torch.softmax(2 * torch.randn(shape, generator=draw), 1)
    compiled = {step: torch.compile(loss, dynamic=False) for step, loss in steps.items()}
    calls = {step: partial(loss, target, z) for step, loss in compiled.items()}
    for call in calls.values():
        call()
    times = interleave(calls, ROUNDS, WARMUPS)
    first = next(iter(times.values()))
    size = z.numel() / 1e9
    case = f"{name}, {shape[0]} × {shape[1]}"
    return [
        [
            case,
            step,
            f"{median(spent) / size:.2f}",
            f"{median(b / a for a, b in zip(first, spent, strict=True)):.2f}",
        ]
        for step, spent in times.items()
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    argparse.ArgumentParser("python -m benchmarks work", description=__doc__).parse_args(argv)
    import torch

    torch.set_num_threads(1)
    rows = [row for shape in LABELS for row in measured("labels", of_labels(), shape)]
    rows += [row for shape in MIXED for row in measured("soft targets", of_mixed(), shape)]
    rows += [row for shape in SHARES for row in measured("KL", of_shares(), shape)]
    print(grid(["case", "step", "ns a logit", "over torch's own"], rows, 2))
    return 0
