"""Loops in Python over the chunks of a linear head, on arrays that can be written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xent import _dtype
from xent._linear import PIECES, STRIP, Block, Chunks, Cut, Head, Made, Sums, cuts
from xent._nested import mapped
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines import blocks
from xent.engines.head_loop import per_row
from xent.engines.loops import Carry, Loops, OfColumns, OfRows
from xent.engines.products import Products


def loops(engine: Products, plan: Plan, head: Head, chunks: Chunks) -> Loops:
    """Return the loops over the chunks of a head."""
    return _InPlace(engine, plan, head, chunks)


class _InPlace:
    """Loops in Python, which write over what they add to; each gradient exists once."""

    def __init__(self, engine: Products, plan: Plan, head: Head, chunks: Chunks) -> None:
        self.engine, self.head, self.chunks = engine, head, chunks
        self.xp = self.stored = engine.xp
        self.single = self.alone = self.measures = chunks.classes == chunks.shape[1]
        # Not of a mutual loss, where the number of a row is a class.
        self.drops = plan.row_axis is not None and not plan.mutual
        self.stays = engine.has_room and (self.measures or not self.drops)
        self.rooms: dict[bool, Array] = {}
        self.first = True
        self.dtype = _dtype.compute_dtype(engine.xp, head.features)
        self.value, self.unrounded = engine.value, engine.value_and_gradient
        self.once = self.single and chunks.rows >= chunks.shape[0]
        self.block = self._multiplied if plan.mutual and self.single else Block
        self.complete: Any = lambda kernel, s: s  # no other has classes of these rows

    def over_rows(self, body: OfRows, sums: Sums, operands: Operands) -> tuple[Sums, Made]:
        present = self.engine.present(operands.where) if self.drops else None
        everything: list[Any] = []
        count = self.chunks.shape[0] if present is None else present.shape[0]
        for cut in list(cuts(count, self.chunks.rows)) or [slice(0, 0)]:
            self.first = cut.start == 0
            rows = cut if present is None else present[cut]
            some = of_rows(operands, rows)
            if present is not None:
                some = some._replace(where=None)
            sums, made = body(sums, self.head.features[rows, ...], some)
            if present is None and self.first and cut.stop == self.chunks.shape[0]:
                return sums, made
            make = self.xp.empty if present is None else self.xp.zeros
            parts = (*made[:2], *made.beside)
            everything = everything or [self._all_rows(make, part) for part in parts]
            for whole, part in zip(everything, parts, strict=True):
                if whole is not None:
                    whole[rows, ...] = part
        value, features = everything[:2]
        return sums, Made(value, features, tuple(everything[2:]))

    def _all_rows(self, make: Any, part: Array | None) -> Any:
        """Return what ``make`` makes for all rows, where ``part`` is of some."""
        if part is None:
            return None
        shape = (self.chunks.shape[0], *part.shape[1:])
        return make(shape, dtype=part.dtype, device=self.engine.device(part))

    def over_classes(self, body: Callable[[Cut, Carry], Carry], carry: Carry) -> Carry:
        for cut in list(cuts(self.chunks.shape[1], self.chunks.classes)) or [slice(0, 0)]:
            carry = body(Cut(cut.start, cut.stop - cut.start), carry)
        return carry

    def over_columns(self, body: OfColumns, x: Any, old: Carry, cut: Cut) -> Carry:
        step = blocks.BLOCK // (self.chunks.size * max(1, self.chunks.rows))
        for part in cuts(cut.size, step):
            mine, there = (mapped(lambda x, part=part: x[..., part], y) for y in (x, old))
            made = body(mine, there, Cut(cut.first + part.start, part.stop - part.start))
            mapped(_written, there, made)
        return old

    def _multiplied(self, features: Array, head: Head) -> Block:
        """Return the rows with their logits, which both directions take."""
        block = Block(features, head)
        return block._replace(logits=self.logits(block, Cut(0, self.chunks.shape[1])))

    def logits(self, block: Block, cut: Cut) -> Array:
        """Return the logits, in the first rows of those of the chunk before where they fit."""
        if block.logits is not None:
            return self.some(block.logits, cut)
        features, (_, weight, bias), own = block.features, block.head, block.head is self.head
        room, out = self.rooms.get(own), None
        if room is not None and room.shape[1] == cut.size:
            out = room[: features.shape[0], ...]
        bias = None if bias is None else self.some(bias, cut)
        wide = self.chunks.size > _dtype.size(features)
        logits = self.engine.product(features, weight[_slice(cut), ...], bias, wide=wide, out=out)
        if self.stays and room is None and cut.size == self.chunks.classes:
            self.rooms[own] = logits
        return logits

    def some(self, x: Array, cut: Cut) -> Array:
        return x[..., _slice(cut)]

    def put(self, x: Array, cut: Cut, new: Array) -> Array:
        x[..., _slice(cut)] = new
        return x

    def zeros(self, shape: tuple[int, ...]) -> Array:
        device = self.engine.device(self.head.features)
        return self.xp.zeros(shape, dtype=self.dtype, device=device)

    def down_total(self, block: Block) -> Any:
        return 0

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        return self.engine.of_chunk(plan, operands, self.head.features)

    def factor(self, g: Array) -> Array:
        return self.engine.factor(g, self.head.features)

    def add_down(self, total: Any, g: Array, block: Block, cut: Cut) -> Any:
        weight = self.head.weight[_slice(cut), ...]
        down = self.engine.product(g, weight, transposed=False)
        return down if isinstance(total, int) else total + down

    def weight_total(self) -> Any:
        """Return pieces, to be written to, with the classes that each is of.

        One, but for a sum in half precision: that is made of pieces of float32, which go one by one as
        they are rounded, so that the gradient never stands beside a copy of itself. On a device the copy
        takes the place of the chunk.
        """
        weight, dtype = self.head.weight, self.dtype
        parts = [slice(0, weight.shape[0])]
        if self.chunks.rows >= self.chunks.shape[0]:  # each class is added to once
            dtype = weight.dtype
        elif weight.dtype != dtype and not self.chunks.elsewhere:
            parts = list(cuts(weight.shape[0], max(STRIP, -(-weight.shape[0] // PIECES))))
        return [(p, self.xp.empty_like(weight[p, ...], dtype=dtype)) for p in parts]

    def add_weight(self, total: Any, g: Array, features: Array, cut: Cut) -> Any:
        for part, piece in total:
            start, stop = max(cut.first, part.start), min(cut.first + cut.size, part.stop)
            if start < stop:
                own = piece[start - part.start : stop - part.start, ...]
                mine = slice(start - cut.first, stop - cut.first)
                step, first = self.chunks.strip, self.first
                self.engine.accumulate(own, g[:, mine], features, first=first, step=step)
        return total

    def rounded(self, total: Any) -> Array:
        weight, self.rooms = self.head.weight, {}
        if len(total) == 1:
            return _dtype.cast(self.xp, total[0][1], weight.dtype)
        rounded: Array = self.xp.empty_like(weight)
        while total:
            part, piece = total.pop()
            for cut in cuts(piece.shape[0], STRIP):
                strip = _dtype.cast(self.xp, piece[cut, ...], weight.dtype)
                rounded[part.start + cut.start : part.start + cut.stop, ...] = strip
        return rounded

    def add_bias(self, total: Array, g: Array, cut: Cut) -> Array:
        step = g.shape[1] if self.chunks.elsewhere else STRIP
        for part in cuts(g.shape[1], step):  # a library may cast all that it sums
            some = total[cut.first + part.start : cut.first + part.stop]
            some += self.xp.sum(g[:, part], axis=0, dtype=self.dtype)  # by name: else put back too
        return total


def _written(x: Array, new: Array) -> None:
    x[...] = new


def _slice(cut: Cut) -> slice:
    return slice(cut.first, cut.first + cut.size)


def of_rows(operands: Operands, rows: Any) -> Operands:
    """Return the operands of some rows, but for the logits."""
    nothing: Any = None
    some = {name: x[rows, ...] for name, x in per_row(operands).items()}
    return operands._replace(prediction=nothing, **some)
