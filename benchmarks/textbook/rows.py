"""What stands the same in every array library."""

from __future__ import annotations

from typing import Any


def binary(xp: Any, target: Any, logits: Any) -> Any:
    """max(z, 0) − z t + log(1 + exp(−|z|))."""
    tail = xp.log1p(xp.exp(-xp.abs(logits)))
    return xp.maximum(logits, 0) - logits * target + tail
