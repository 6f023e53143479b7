"""Arrays that lie on many processes: which can be meant together, and what to say of those that can't."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mixed(of: Mapping[str, Any]) -> ValueError:
    """Return the error for arrays on two meshes, which are given by the arrays' names."""
    places = ", ".join(f"{name} is on {mesh}" for name, mesh in of.items())
    return ValueError(f"all arrays must be on one mesh: {places}; nothing is moved silently")


def part(name: str, x: Any, other: str, whole: Any) -> ValueError:
    """Return the error for the part of a process in the place of what all processes have."""
    return ValueError(
        f"{name} is a plain tensor of shape {tuple(x.shape)} beside {other}, a DTensor of shape "
        f"{tuple(whole.shape)} placed {tuple(whole.placements)}: a plain tensor is the whole, the same "
        "on each process; if it is the part of this one, make it a DTensor by DTensor.from_local"
    )
