"""The steps from torch's own loss to xent's, each of which adds one thing to the one before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Steps = Mapping[str, Callable[[Any, Any], Any]]


def of_labels() -> Steps:
    """Return the steps from torch's cross entropy of labels to xent's."""
    import torch

    import xent

    def two_loops(y: Any, z: Any) -> Any:
        peak = torch.amax(z, 1, keepdim=True)
        total = torch.exp(z - peak).sum(1, keepdim=True)
        return (torch.log(total) + peak - z.gather(1, y[:, None])).mean()

    places = torch.arange(1024, dtype=torch.int32)

    def rivals(y: Any, z: Any) -> tuple[Any, Any, Any]:
        n, k = z.shape
        width = min(k, len(places))
        first = torch.arange(0, k, width, dtype=torch.int32)
        here = places[:width] == (y.to(torch.int32)[:, None] - first)[..., None]
        rest = torch.where(here, -torch.inf, z.view(n, -1, width))
        peak = torch.amax(rest, (1, 2))[:, None]
        total = torch.exp(-torch.relu(peak - z)).sum(1, keepdim=True)
        return peak, total, z.gather(1, y[:, None])

    def beside(y: Any, z: Any) -> Any:
        peak, total, label = rivals(y, z)
        return (torch.log(total) + peak - label).mean()

    def subtracted(y: Any, z: Any) -> Any:
        peak, total, label = rivals(y, z)
        rest, below = total - torch.exp(-torch.relu(peak - label)), peak - label
        u, v = torch.exp(-torch.relu(-below)), torch.exp(-torch.relu(below))
        return (torch.log1p(rest * u + (v - 1)) + torch.relu(below)).mean()

    return {
        "torch's own": lambda y, z: torch.nn.functional.cross_entropy(z, y),
        "the same in two loops": two_loops,
        "the label out of the peak, no exponent above 0": beside,
        "its term subtracted": subtracted,
        "xent: edges, an exact difference": lambda y, z: xent.cross_entropy(y, logits=z),
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
        d, whole = z - peak, (1 + t) - 1
        high, low = (x.sum(1, keepdim=True) for x in (whole, t - whole))
        mass, log_mass = high + low, torch.log1p((high - 1) + low)
        b = put(torch.exp(d) * lack(z, peak, d)) * (mass / (1 + rest))
        some = torch.where(t == 0, 1.0, t)
        x = (b - t) / some
        near = torch.abs(x) < 0.25
        u = torch.where(near, 1 + x, some)
        far = d + (log_mass - torch.log1p(rest)) - torch.log(u)
        ratio = torch.where(near, torch.log(u) + (x - (u - 1)) * (1 - x), far)
        excess = torch.sum((b - t) - t * ratio, 1, keepdim=True)
        return (excess + mass * log_mass).mean()

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
        "each term's excess p log(p/b) − p + b, b of the mass of p": excess,
        "the peak's own term out of the sum": beside,
        "exact differences": lambda t, z: beside(t, z, exact),
        "xent: edges": lambda t, z: xent.kl_divergence(t, logits=z),
    }


def of_teacher() -> Steps:
    """Return the steps from torch's KL divergence of two rows of logits to xent's."""
    import torch

    import xent

    def normalised(x: Any) -> tuple[Any, Any]:
        d = x - torch.amax(x, 1, keepdim=True)
        e = torch.exp(d)
        return e, e.sum(1, keepdim=True)

    def excess(t: Any, z: Any, delta: Callable[[Any, Any], Any] = lambda t, z: z - t) -> Any:
        e, total = normalised(t)
        p, x = e / total, delta(t, z)
        eta = x - (p * x).sum(1, keepdim=True)
        return torch.log1p((p * (torch.expm1(eta) - eta)).sum(1)).mean()

    def from_base(t: Any, z: Any) -> Any:
        place = torch.argmax(t, 1, keepdim=True)
        d = z - t
        back = z - d
        lack = (z - (d + back)) + (back - t)
        return (d - d.gather(1, place)) + (lack - lack.gather(1, place))

    def series(t: Any, z: Any) -> Any:
        e, total = normalised(t)
        p, x = e / total, from_base(t, z)
        eta = x - (p * x).sum(1, keepdim=True)
        small = torch.clamp(eta, -1.0, 1.0)
        tail = torch.zeros_like(small)
        for n in range(11, 1, -1):
            tail = (tail + 1) * small / n
        rise = torch.where(torch.abs(eta) > 1, torch.expm1(eta) - eta, tail * small)
        return torch.log1p((p * rise).sum(1)).mean()

    functional = torch.nn.functional
    return {
        "torch's own": lambda t, z: functional.kl_div(
            torch.log_softmax(z, 1), torch.log_softmax(t, 1), reduction="batchmean", log_target=True
        ),
        "log1p Σ p (expm1 η − η), η what a difference is above its mean": excess,
        "exact differences, from that at the peak": lambda t, z: excess(t, z, from_base),
        "a series for expm1 η − η": series,
        "xent: edges, rows far apart, a base near the mean, the larger of p and p exp η": lambda t, z: (
            xent.kl_divergence(target_logits=t, logits=z)
        ),
    }


def of_elements() -> Steps:
    """Return the steps from torch's binary cross entropy to xent's."""
    import torch

    import xent

    def apart(t: Any, z: Any) -> Any:
        both = torch.log1p(torch.exp(-torch.abs(z)))
        return (both + t * torch.relu(-z) + (1 - t) * torch.relu(z)).mean()

    return {
        "torch's own": lambda t, z: torch.nn.functional.binary_cross_entropy_with_logits(z, t),
        "no terms that cancel": apart,
        "xent: edges": lambda t, z: xent.binary_cross_entropy(t, logits=z),
    }
