"""torch for values alone: in blocks, temporaries written over; looked at in host memory alone."""

from __future__ import annotations

from typing import Any

import array_api_compat.torch
import torch

from xent.engines.eager import Eager
from xent.engines.head import Chunked
from xent.engines.torch import half
from xent.engines.torch.in_place import TorchInPlace
from xent.engines.torch.verbs import TorchVerbs


class Unseen(Eager):
    """Runs plans on tensors for their values alone, and never looks at these."""

    namespace = TorchInPlace
    has_room = True

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.xp.looks = self.quick.looks = self.looks  # of the verbs, as of the engine

    def product(
        self,
        a: Any,
        b: Any,
        bias: Any = None,
        *,
        transposed: bool = True,
        wide: bool = False,
        out: Any = None,
    ) -> Any:
        """Return ``a @ b.T + bias``, or ``a @ b``."""
        b = b.T if transposed else b
        if wide:
            return half.logits(a, b, bias, out)
        if not transposed and half.is_cast(b):
            return half.summed(a, b)
        return torch.mm(a, b, out=out) if bias is None else torch.addmm(bias, a, b, out=out)

    factor = staticmethod(half.factor)

    def accumulate(self, total: Any, a: Any, b: Any, *, first: bool, step: int) -> None:
        """Add ``a.T @ b`` to ``total`` in place, or write it there."""
        if half.is_cast(b):
            b = b.to(a.dtype)
        if total.dtype == a.dtype and first:
            torch.mm(a.T, b, out=total)
        elif total.dtype == a.dtype:
            total.addmm_(a.T, b)
        elif not half.added(total, a.T, b, first=first):
            super().accumulate(total, a, b, first=first, step=step)


class Plain(Unseen):
    """The same in host memory, where a look costs nothing."""

    looks = True

    def threads(self) -> int:
        """Return how many threads torch computes with."""
        return torch.get_num_threads()

    def present(self, keep: Any) -> Any:
        """Return the positions of the rows that count."""
        return None if keep is None else keep.nonzero()[:, 0]


class Traced(Chunked):
    """Runs plans on tensors that are being compiled, for their values alone."""

    namespace = TorchVerbs
    factor = staticmethod(half.factor)

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.xp = self.of_blocks = TorchVerbs(api, alone=True)


TRACED = Traced(array_api_compat.torch, "torch")
UNSEEN = Unseen(array_api_compat.torch, "torch")
