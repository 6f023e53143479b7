"""What a tensor is: whether its values are there, and whether a derivative may be asked for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad


def transformed(x: Any) -> bool:
    """Whether ``x`` stands for others, in `torch.func` or in a batch of incoming gradients.

    torch has no public way to tell.
    """
    functorch = torch._C._functorch
    return functorch.is_functorch_wrapped_tensor(x) or functorch.is_legacy_batchedtensor(x)


def visible(x: Any) -> bool:
    """Whether the values of ``x`` are there: not compiled, not transformed, in host memory."""
    return x.device.type == "cpu" and eager(x)


def eager(x: Any) -> bool:
    """Whether the values of ``x`` are there, on whatever device."""
    return (
        not torch.compiler.is_compiling()
        and type(x) in (Tensor, torch.nn.Parameter)
        and not transformed(x)
    )


def wants_graph(x: Any) -> bool:
    """Whether autograd will ask for the derivative of ``x`` backwards, and in no other way."""
    return x.requires_grad and torch.is_grad_enabled() and forward_ad.unpack_dual(x).tangent is None


def differentiable(x: Any) -> bool:
    """Whether a derivative with respect to ``x`` may be asked for."""
    if not x.is_floating_point():
        return False
    if x.requires_grad and torch.is_grad_enabled():
        return True
    if torch.compiler.is_compiling():
        return False
    return transformed(x) or forward_ad.unpack_dual(x).tangent is not None
