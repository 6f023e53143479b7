"""Products of half precision whose sums stay in float32, which torch rounds to half precision.

On a device a product can be asked for in float32. On a processor that multiplies bfloat16 it is made twice:
H, the sums as they are rounded, and R, the same sums less H, rounded too. Their sum lacks 2⁻¹⁸ of a logit at
the most, where H alone lacks 2⁻⁹. Elsewhere both factors are cast, some classes at a time.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from xent._linear import STRIP, cuts


def _multiplied() -> set[torch.dtype]:
    """Ask the processor; `torch.jit.trace`, under which this file may be loaded, would write that down."""
    if not torch.backends.mkldnn.is_available():
        return set()
    state = torch._C._get_tracing_state()
    torch._C._set_tracing_state(None)
    try:
        return {torch.bfloat16} if torch.ops.mkldnn._is_mkldnn_bf16_supported() else set()
    finally:
        torch._C._set_tracing_state(state)


MULTIPLIED = _multiplied()
"""The dtypes that the processor multiplies faster than float32, and of float32's range."""


def logits(a: Any, b: Any, bias: Any, out: Any) -> Any:
    """Return ``a @ b + bias`` in float32, in ``out`` where that is not None; rounded where it must be."""
    if not _by_processor(a):
        if not _takes(torch.mm if bias is None else torch.addmm, a.device, a.dtype):
            return torch.mm(a, b) if bias is None else torch.addmm(bias, a, b)
        how = {"out": out, "out_dtype": torch.float32}
        return torch.mm(a, b, **how) if bias is None else torch.addmm(bias.float(), a, b, **how)
    out = a.new_empty((a.shape[0], b.shape[1]), dtype=torch.float32) if out is None else out
    bias = None if bias is None else bias.float()
    twice = not is_cast(a)
    a = a if twice else a.float()
    for cut in cuts(b.shape[1], STRIP):
        some, place = b[:, cut], out[:, cut]
        if twice:
            high = torch.mm(a, some)
            torch.add(high.float(), _lost(high, a, some), out=place)
        else:
            torch.mm(a, some.float(), out=place)
        if bias is not None:
            place += bias[cut]
    return out


def _lost(high: Any, a: Any, b: Any) -> Any:
    """Return ``a @ b`` less ``high``, what that was rounded to; nothing where it is infinite (R5)."""
    return torch.addmm(high, a, b, beta=-1).nan_to_num_(0.0, 0.0, 0.0)


def summed(a: Any, b: Any) -> Any:
    """Return ``a @ b``, of which the processor multiplies no dtype but float32."""
    total = a.new_zeros((a.shape[0], b.shape[1]), dtype=torch.float32)
    for cut in cuts(b.shape[0], STRIP):
        total.addmm_(a[:, cut].float(), b[cut].float())
    return total


def factor(g: Any, features: Any) -> Any:
    """Return the gradient of logits as the products with it take it: rounded to the features' dtype."""
    return g if is_cast(features) else g.to(features.dtype)


def is_cast(x: Any) -> bool:
    """Whether what is in half precision is cast to float32 before it is multiplied."""
    return x.itemsize < 4 and _by_processor(x) and x.dtype not in MULTIPLIED


def _by_processor(x: Any) -> bool:
    return x.device.type == "cpu"


def linear(a: Any, b: Any, bias: Any = None, *, wide: bool) -> Any:
    """Return ``a @ b.T + bias``, which autograd can follow, in float32 if ``wide`` where that can be had."""
    product = torch.nn.functional.linear
    if not (wide and a.itemsize < 4 and _by_processor(a)):
        return product(a, b, bias)
    if is_cast(a):
        return product(a.float(), b.float(), None if bias is None else bias.float())
    high = product(a, b)
    # What is added is a rounding error, and none of the derivative.
    rest = _lost(high.detach(), a.detach(), b.detach().T)
    made = high.float() + rest.float()
    return made if bias is None else made + bias


def added(total: Any, a: Any, b: Any, *, first: bool) -> bool:
    """Add ``a @ b`` to ``total``, which is in float32, or write it there; return whether torch can do so."""
    able = total.dtype == torch.float32 and _takes(torch.addmm, a.device, a.dtype)
    if able and first:
        torch.mm(a, b, out_dtype=torch.float32, out=total)
    elif able:
        torch.addmm(total, a, b, out_dtype=torch.float32, out=total)
    return able


@cache
def _takes(operation: Any, device: Any, dtype: Any) -> bool:
    """Whether a product of ``dtype`` can be had in float32 on a device."""
    a = torch.zeros((1, 1), dtype=dtype, device=device)
    given = (a, a) if operation is torch.mm else (a.float(), a, a)
    try:
        operation(*given, out_dtype=torch.float32)
    except torch.OutOfMemoryError:
        raise  # which says nothing of the operation
    except (RuntimeError, TypeError):
        return False
    return True
