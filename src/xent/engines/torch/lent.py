"""Small tensors in host memory, lent to NumPy as views: each of its steps begins sooner than torch's."""

from __future__ import annotations

from typing import Any

import array_api_compat.torch
import torch

from xent._engine import value_and_gradient_of, value_of
from xent._nested import leaves
from xent._plan import NO_NUMBERS, Operands, Plan
from xent._typing import Array
from xent.engines.torch.values import Plain

try:
    import array_api_compat.numpy
    import numpy as np

    from xent.engines.numpy.engine import NumPy, quiet
except ModuleNotFoundError:
    THERE = False
else:
    THERE = True

    class Block(NumPy):
        """Runs plans on NumPy's arrays that are one block, and too small to be worth another layout."""

        rows = rows_and_gradient = NumPy.block

    NUMPY = Block(array_api_compat.numpy, "numpy")
    _value, _value_and_gradient, _block = map(quiet, (value_of, value_and_gradient_of, NUMPY.block))

BYTES = 1 << 15
"""From how many bytes of logits on, in float32 at least, torch computes itself: its loops are faster then."""

_KINDS = torch.Tensor, torch.nn.Parameter
_WIDE = torch.float32, torch.float64
_WHOLE = torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool
_IS_HALF = dict.fromkeys((*_WIDE, *_WHOLE), False) | {torch.float16: True, torch.bfloat16: True}
"""The dtypes that are lent, and whether each is of half precision."""


class Lent(Plain):
    """Runs small plans by NumPy, where that is installed."""

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value."""
        views = _views(operands)
        if views is None:
            return super().value(plan, operands)
        return torch.from_numpy(np.asarray(_value(NUMPY, plan, views)))

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value and its gradient."""
        views = _views(operands)
        if views is None:
            return super().value_and_gradient(plan, operands)
        value, g = _value_and_gradient(NUMPY, plan, views)
        x: Any = operands.prediction
        return torch.from_numpy(np.asarray(value)), torch.from_numpy(np.asarray(g)).to(x.dtype)

    def rows(self, plan: Plan, operands: Operands, w: Any = None) -> Any:
        """Return the loss of each row, and with ``w`` the gradient of Σ w · loss too."""
        views = _views(operands, w)
        if views is None:
            return super().rows(plan, operands, w)
        if w is None:
            return torch.from_numpy(np.asarray(_block(plan, views)))
        rows, g = _block(plan, views, w.numpy(force=True))
        x: Any = operands.prediction
        return torch.from_numpy(np.asarray(rows)), torch.from_numpy(np.asarray(g)).to(x.dtype)

    rows_and_gradient = rows


def _views(operands: Operands, *others: Any) -> Operands | None:
    """Return NumPy's views of the operands, of half precision in float32; None where torch is to compute.

    So it does of tensors of a subclass, of which results are to be too; of what has no dtype of NumPy's; and
    of logits that lie in another order, in which torch has another for the gradient.
    """
    x: Any = operands.prediction
    if not (THERE and 0 < x.numel() * max(4, x.itemsize) < BYTES and x.is_contiguous()):
        return None
    numbers = operands.numbers
    if numbers is not NO_NUMBERS and any(map(torch.is_tensor, leaves(numbers))):
        return None
    views: list[Any] = []
    for y in (*operands[:-1], *others):
        if y is None:
            views.append(y)
            continue
        half = _IS_HALF.get(y.dtype) if type(y) in _KINDS else None
        if half is None:
            return None
        try:
            views.append((y.float() if half else y).numpy(force=True))
        except RuntimeError:  # as of a torch that was built, or loaded, without NumPy
            return None
    return tuple.__new__(Operands, (*views[: len(operands) - 1], numbers))


PLAIN = Lent(array_api_compat.torch, "torch")
