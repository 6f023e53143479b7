"""A linear head: each task takes the rows of a chunk and the whole weight, by the loop that all share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np

from xent import _dispatch
from xent._linear import Chunks, Head, Wanted
from xent._plan import Numbers, Operands, Plan
from xent._rows import divided_by
from xent.engines import head as heads
from xent.engines.dask.tasks import Indexed, compute_dtype, plain


def arguments(indexed: Any) -> list[Any]:
    """Return arrays and the names of their axes as `blockwise` takes them, None and None for none."""
    return [part for x, index in indexed for part in (x, None if x is None else index)]


class Parts:
    """What each chunk of rows makes: its own value and gradients, whose sums are the call's."""

    def __init__(
        self,
        xp: Any,
        plan: Plan,
        operands: Operands,
        head: Head,
        chunks: Chunks,
        wanted: Wanted | None,
    ) -> None:
        self.wide = plan.row_axis is None
        shape = chunks.shape if self.wide else chunks.shape[:1]
        plan, operands = divided_by(xp, plan, operands, shape)
        self.plan, self.head, self.chunks = plan, head, chunks
        indexed = self._indexed(operands)
        self.each = da.blockwise(
            _part,
            "n",
            *arguments((_in_rows(x, index), index) for x, index in indexed),
            plan=plan,
            numbers=operands.numbers,
            chunks=chunks,
            wanted=wanted,
            dtype=object,
            meta=np.empty((0,), dtype=object),
            concatenate=True,
        )
        self.blocks: int = self.each.numblocks[0]
        self.rows: tuple[int, ...] = self.each.chunks[0]

    def _indexed(self, operands: Operands) -> Indexed:
        """Return what a task is given: arrays of rows n, classes k and width d."""
        row, pos_weight = "nk" if self.wide else "n", operands.pos_weight
        return [
            (self.head.features, "nd"),
            (self.head.weight, "kd"),
            (self.head.bias, "k"),
            (operands.target, "n" if self.plan.target.by_label else "nk"),
            (operands.class_weight, "k"),
            (pos_weight, "" if pos_weight is None else "nk"[2 - pos_weight.ndim :]),
            (operands.sample_weight, row),
            (operands.where, row),
            (operands.denominator, ""),
        ]

    def value(self) -> Any:
        """Return the value of the call."""
        dtype = compute_dtype(self.head.features)
        if self.plan.reduction != "none":
            return self._made(_value, ((1,) * self.blocks,), dtype).sum()
        classes = ((self.chunks.shape[1],),) if self.wide else ()
        return self._made(_value, (self.rows, *classes), dtype)

    def features(self) -> Any:
        """Return the gradient of the features, which lies as they do."""
        x: Any = self.head.features
        return self._made(_gradient, (self.rows, x.shape[1:]), x.dtype, field="features")

    def total(self, field: str, x: Any) -> Any:
        """Return the gradient of the weight or the bias ``x``, summed in the dtype to compute in."""
        sizes = ((1,) * self.blocks, *((n,) for n in x.shape))
        each = self._made(_gradient, sizes, x.dtype, field=field)
        return each.sum(axis=0, dtype=compute_dtype(x)).astype(x.dtype)

    def _made(self, function: Any, sizes: Any, dtype: Any, **options: Any) -> Any:
        """Return what ``function`` takes of each chunk's own, an array in chunks of ``sizes``."""
        return da.map_blocks(
            function,
            self.each,
            dtype=dtype,
            meta=np.empty((0,) * len(sizes), dtype=dtype),
            chunks=sizes,
            new_axis=list(range(1, len(sizes))) or None,
            **options,
        )


def _in_rows(x: Any, index: str) -> Any:
    """Return ``x`` in chunks of rows alone."""
    if x is None:
        return None
    return x.rechunk({i: -1 for i, name in enumerate(index) if name != "n"})


# --- what runs in a task, on the library of the chunk ---


def _part(*given: Any, plan: Plan, numbers: Numbers, chunks: Chunks, wanted: Any) -> Any:
    """Return the value and the gradients of a chunk of rows."""
    features, weight, bias, target, *others = given
    engine = _dispatch.engine_of("features", features)
    operands = Operands(features, target, *others)._replace(numbers=plain(numbers))
    own = replace(chunks, shape=(features.shape[0], chunks.shape[1]))
    head = Head(features, weight, bias)
    return engine.run(heads.run, engine, plan, head, operands, own, wanted)


def _value(part: Any) -> Any:
    value = np.asarray(part[0])
    return value if value.ndim else value[None]


def _gradient(part: Any, field: str) -> Any:
    g = getattr(part[1], field)
    return g if field == "features" else g[None]
