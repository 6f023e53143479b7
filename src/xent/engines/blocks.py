"""Blocks of rows that fit the cache, or a share of a device's memory."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

from xent import _dtype
from xent._namespace import in_host_memory
from xent._plan import Operands, Plan
from xent._typing import Array

BLOCK = 1 << 21
"""Bytes of a block in the dtype that is computed in, for each thread that shares the block, up to `SHARED`.

With its one temporary it stays in cache. Sized in bytes, never in rows: blocks of few narrow rows
cost more in calls than they save.
"""

SHARED = 2
"""The most threads that a block grows with: what it leaves is to be less than a heap keeps (`heap`).

More than sixteen find no part in a block of half the size, of which torch gives each 32 768 numbers; pages
that all blocks take anew from the system, one after another, would cost them more.
"""

CROWD = 2
"""How many times smaller a block is where no labels are given, or a cap bends it, and again of two rounds.

There a formula holds half a dozen temporaries at a time, of two rounds up to two dozen. In still smaller
ones soft targets lose more to the calls than they gain.
"""

DEVICE_BLOCK = 1 << 28
"""The same on a device, where a block bounds the memory and must be long beside its launches."""

Tile = tuple[slice, ...]


def of(plan: Plan, prediction: Array, threads: int) -> list[Tile]:
    """Cut the prediction into blocks of whole rows, from the outermost axis inwards."""
    shape, size = prediction.shape, max(4, _dtype.size(prediction))
    crowded = plan.capped or not plan.target.by_label
    rounds = plan.kernel.before is not None
    limit = min(threads, SHARED) * BLOCK // (size * CROWD ** (crowded + rounds))
    if prod(shape) > limit and not in_host_memory(prediction):
        # Formulas of single elements hold more temporaries at a time.
        limit = DEVICE_BLOCK // (2 * size if plan.kernel.shape == "element" else size)
    if prod(shape) <= limit:
        return []
    steps = list(shape)
    for i, n in enumerate(shape):
        if i != plan.axis and prod(steps) > limit:
            steps[i] = max(1, limit // (prod(steps) // n))
    cuts = [
        [slice(a, min(a + step, n)) for a in range(0, n, step)] if step else [slice(0, 0)]
        for n, step in zip(shape, steps, strict=True)
    ]
    return list(product(*cuts))


def of_rows(plan: Plan, tile: Tile) -> Tile:
    """Return the tile of an array that has one entry per row."""
    axis = plan.row_axis
    return tile if axis is None else tile[:axis] + tile[axis + 1 :]


def cut(plan: Plan, operands: Operands, tile: Tile) -> Operands:
    """Return the operands of one block."""
    part = of_rows(plan, tile)
    places = {
        "prediction": tile,
        "target": part if plan.target.by_label else tile,
        "target_probs": part,
        "where": part,
        "sample_weight": part,
    }
    if operands.pos_weight is not None:
        places["pos_weight"] = _of_broadcast(operands.pos_weight.shape, tile)
    some = {name: _part(getattr(operands, name), place) for name, place in places.items()}
    return operands._replace(**some)


def _part(x: Any, place: Tile) -> Any:
    """Return a part of what may be none, or several arrays."""
    if isinstance(x, tuple):
        return tuple(y[place] for y in x)
    return None if x is None else x[place]


def _of_broadcast(shape: tuple[int, ...], tile: Tile) -> Tile:
    """Return the part of an array of ``shape`` that meets ``tile`` when broadcast."""
    last = tile[len(tile) - len(shape) :]
    return tuple(slice(None) if n == 1 else part for n, part in zip(shape, last, strict=True))
