"""A product that a compiler takes for one call inside a transform, as `inside` has it take the rows."""

from __future__ import annotations

from typing import Any

import torch

from xent.engines.torch.function import Product


@torch.compiler.allow_in_graph
def product(a: Any, b: Any) -> Any:
    """Return ``a · b``, with 0 · ∞ = 0 in each derivative."""
    return Product.apply(a, b)
