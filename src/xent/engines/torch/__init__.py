"""torch: values by blocks, and autograd through the kernels' own gradients."""

from typing import Any

from xent._engine import Engine
from xent.engines.torch.engine import TORCH as TORCH


def make(api: Any, library: str) -> Engine:
    """Return the engine, whatever subclass of tensor it was found by."""
    return TORCH
