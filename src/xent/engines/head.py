"""The loss of a linear head on arrays that can be written to, for engines that compute at once.

The algorithm is that of `xent.engines.head_loop`, its loops are those of `xent.engines.in_place`, and the
matmuls the engine's own `Products`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xent._linear import ALL, Chunks, Gradients, Head, Wanted
from xent._plan import Operands, Plan
from xent._rows import divided_by
from xent._typing import Array
from xent.engines import head_loop, in_place
from xent.engines.products import Products

WIDE = 128
"""Columns of features from which a product takes longer than to measure the columns of a chunk."""


class Chunked(Products):
    """What computes the loss of a linear head at once."""

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss, chunk by chunk."""
        return self.run(run, self, plan, head, operands, chunks)[0]

    def measures_columns(self, head: Head, operands: Operands, chunks: Chunks) -> bool:
        """Whether that takes less: of logits that are one chunk, and of whole rows of wide products.

        Merging the columns of chunks takes about as long as a product of narrow arrays, and on a device each
        operation is a pass.
        """
        count, classes = chunks.shape
        worth = chunks.width >= WIDE and chunks.classes == classes
        return not chunks.elsewhere and (worth or count <= chunks.rows)

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients."""
        return self.run(run, self, plan, head, operands, chunks, ALL)


def run(
    engine: Products,
    plan: Plan,
    head: Head,
    operands: Operands,
    chunks: Chunks,
    wanted: Wanted | None = None,
) -> tuple[Array, Any]:
    """Return the value, and the `Gradients` that are wanted, on arrays that can be written to."""
    shape = chunks.shape if plan.row_axis is None else chunks.shape[:1]
    plan, operands = divided_by(engine.xp, plan, operands, shape, counted=True)
    if plan.mutual and operands.where is not None:
        rows = engine.present(operands.where)
        if rows is not None and 0 < rows.shape[0] < chunks.shape[0]:
            return _of_present(engine, plan, head, operands, chunks, wanted, rows)
    loops = in_place.loops(engine, plan, head, chunks)
    return head_loop.run(loops, plan, head, operands, wanted)


def _of_present(
    engine: Products,
    plan: Plan,
    head: Head,
    operands: Operands,
    chunks: Chunks,
    wanted: Wanted | None,
    rows: Array,
) -> tuple[Array, Any]:
    """Return the same of the ``rows`` that are there, which alone are classes of a mutual loss."""
    count, xp = rows.shape[0], engine.xp
    labels = operands.target[:count]
    plan, chunks = replace(plan, classes=count), replace(chunks, shape=(count, count))
    head = Head(*(x[rows, ...] for x in head if x is not None))
    some = in_place.of_rows(operands, rows)
    some = some._replace(prediction=head.features, target=labels, where=None)
    value, gradients = run(engine, plan, head, some, chunks, wanted)

    def back(x: Any) -> Any:
        if x is None:
            return None
        shape = (operands.target.shape[0], *x.shape[1:])
        whole = xp.zeros(shape, dtype=x.dtype, device=engine.device(x))
        whole[rows, ...] = x
        return whole

    value = back(value) if plan.reduction == "none" else value
    return value, None if gradients is None else Gradients(*map(back, gradients))
