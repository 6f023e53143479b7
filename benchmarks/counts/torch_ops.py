"""What torch's operations read and write, launch and wait for, each counted as its ideal traffic."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FREE = {
    "empty",
    "empty_like",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
    "lift_fresh",
    "resize_",
}
"""Operations that touch no memory, beside views."""

WAITS = {
    "_local_scalar_dense",
    "nonzero",
    "is_nonzero",
    "equal",
    "masked_select",
    "unique",
    "_unique2",
}
"""Operations of which the host sees a value or a size."""

PICKS = {"gather", "index", "index_select", "embedding", "take", "nll_loss_forward"}
"""Operations that read some entries of their first tensor, as many as they write."""

PLACES = {"scatter", "scatter_add", "index_put", "index_fill", "index_copy", "index_add"}
"""Operations that write some entries of their first tensor; those out of place copy it before."""

FILLS = {"fill_", "zero_", "copy_", "nll_loss_backward"}
"""Operations that do not read their first tensor."""

COMPOSED = {"binary_cross_entropy_with_logits"}
"""Operations of several kernels, which are counted one by one."""


class Ops(TorchDispatchMode):
    """Counts while it is entered, on tensors of any device, ``meta`` among them.

    Attributes
    ----------
    bytes : read and written; of a tensor that is broadcast what is stored
    launches : operations that are no views
    waits : how often the host waits to see a value, or a size that hangs on values
    log : name and bytes of each launch
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0
        self.log: list[tuple[str, int]] = []

    @property
    def bytes(self) -> int:
        """Return the bytes that were read and written."""
        return sum(size for _, size in self.log)

    @property
    def launches(self) -> int:
        """Return the number of kernels."""
        return len(self.log)

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Run an operation, and count it."""
        kwargs, name = kwargs or {}, operation.name().partition("::")[2].partition(".")[0]
        if name in COMPOSED:
            with self:
                return torch._decomp.decomposition_table[operation](*args, **kwargs)
        made = operation(*args, **kwargs)
        masks = name == "index" and any(x.dtype == torch.bool for x in _tensors(args[1]))
        self.waits += name in WAITS or masks
        if not (name in FREE or operation.is_view or name == "_local_scalar_dense"):
            given = dict(zip((x.name for x in operation._schema.arguments), args, strict=False))
            written = {x.name for x in operation._schema.arguments if _is_written(x)}
            self.log.append((name, _traffic(name, given | kwargs, written, made)))
        return made


def _traffic(name: str, given: dict[str, Any], written: set[str], made: Any) -> int:
    """Return the bytes that an operation of these arguments reads and writes."""
    first, *others = given
    in_place = first in written
    outs = 0 if in_place else sum(map(_size, _tensors(made)))
    reads = sum(_size(x) for key in others if key not in written for x in _tensors(given[key]))
    own = sum(map(_size, _tensors(given[first])))
    kind = name.removesuffix("_")
    if kind in PICKS:
        return reads + 2 * outs
    if kind in PLACES:
        return reads + _entries(given) + (0 if in_place else own + outs)
    if name == "nll_loss_backward":
        return reads - _size(given["self"]) + own + outs
    return reads + outs + own * (0 if name in FILLS else 1) + own * in_place


def _entries(given: dict[str, Any]) -> int:
    """Return the bytes of the entries that an operation by index writes."""
    x = given["self"]
    if "indices" in given:
        placed = [i for i in given["indices"] if i is not None]
        rest = x.shape[len(given["indices"]) :]
        return (
            int(prod(torch.broadcast_shapes(*(i.shape for i in placed))) * prod(rest)) * x.itemsize
        )
    index = given["index"]
    beside = 1 if index.ndim == x.ndim else x.numel() // max(1, x.shape[given["dim"]])
    return int(index.numel() * beside * x.itemsize)


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _size(x: torch.Tensor) -> int:
    """Return the bytes that a tensor holds, however often they are read."""
    steps = zip(x.shape, x.stride(), strict=True)
    return int(prod(n for n, step in steps if step or not n)) * x.itemsize


def _tensors(x: Any) -> Iterable[torch.Tensor]:
    if isinstance(x, torch.Tensor):
        yield x
    elif isinstance(x, list | tuple):
        for part in x:
            yield from _tensors(part)
