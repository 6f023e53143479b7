"""torch's fused loss of a linear head, `torch.nn.functional.linear_cross_entropy`, as a module for the suite.

It takes what its documentation names; what it does not, as class weights over a base, is absent.
"""

from __future__ import annotations

from typing import Any

from torch.nn import functional as F  # noqa: N812  # as torch's documentation writes it

from conformance.gradients import of_torch as grad

__all__ = ["BACKEND", "grad", "linear_cross_entropy"]

BACKEND = "torch"


def linear_cross_entropy(
    target: Any,
    features: Any,
    weight: Any,
    bias: Any = None,
    *,
    class_weight: Any = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """Return the loss of logits ``features @ weight.T + bias``."""
    return F.linear_cross_entropy(
        features,
        weight,
        target,
        linear_bias=bias,
        weight=class_weight,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )
