"""What computes at once: block by block, the gradient of a block made while the block is in cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, prod
from typing import Any

from xent import _dtype
from xent._engine import value_and_gradient_of, value_of
from xent._namespace import in_host_memory
from xent._plan import Operands, Plan
from xent._rows import divided_by, ones, rows_and_gradient_of, rows_of
from xent._typing import Array
from xent.engines import blocks, heap
from xent.engines.head import Chunked


class Eager(Chunked):
    """Runs a plan block by block, in extra memory of one block."""

    looks = False
    """Whether blocks are first computed as if all were finite: where a look at the rows costs nothing."""

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.quick: Any = self.namespace(api, finite=True)
        self.xp.looks = self.quick.looks = True

    def follows(self, operands: Operands) -> bool:
        """Whether the library may differentiate what is computed: never, as it is computed in blocks."""
        return False

    # --- one block ---

    def of_block(self, plan: Plan, operands: Operands, w: Array | None = None) -> Any:
        """Return rows, or rows and gradient, of a block as the library computes them fastest."""
        return self.block(plan, operands, w)

    def block(
        self, plan: Plan, operands: Operands, w: Array | None = None, verbs: Any = None
    ) -> Any:
        """Return the rows of a block, and with ``w`` the gradient of Σ w · loss too.

        First as if no logit were infinite: where one is, its row's loss is not finite, and the block is
        computed again with every check. So the checks cost one sum.
        """
        full, quick = verbs or (self.xp, self.quick)
        made: Any = None
        seen: Any
        looks = self.looks and (plan.checked or self._are_classes(plan, operands))
        for xp in (quick, full) if looks else (full,):
            if w is None:
                seen = (made := rows_of(xp, plan, operands),)
            else:
                seen = made = rows_and_gradient_of(xp, plan, operands, w, once=True)
            if plan.form == "logits":  # of which no gradient is infinite where the loss is not
                seen = seen[:1]
            if xp is full:
                break
            total = xp.sum(seen[0], axis=None)
            for x in seen[1:]:
                total = total + xp.sum(x, axis=None)
            if isfinite(total):
                break
        return made

    def _are_classes(self, plan: Plan, operands: Operands) -> bool:
        """Whether the labels, if there are any, are known to be classes."""
        if not plan.target.by_label:
            return True
        labels = _dtype.cast(self.xp, operands.target, self.xp.integer)
        return 0 in labels.shape or bool(self.xp.within(labels, 0, plan.classes - 1))

    # --- many blocks ---

    def threads(self) -> int:
        """Return how many threads share a block."""
        return 1

    def each(self, function: Callable[[Any], None], items: Sequence[Any]) -> None:
        """Call ``function`` on every item."""
        for item in items:
            function(item)

    def tiles(self, plan: Plan, operands: Operands) -> list[blocks.Tile]:
        """Return the blocks that the prediction is cut into, none where it is one itself."""
        return blocks.of(plan, operands.prediction, self.threads())

    small = 1 << 40
    """Fewer numbers, if they fit a block, are computed as they are."""

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value."""
        if plan.kernel.shape == "element" and 16 * prod(operands.prediction.shape) > blocks.BLOCK:
            return self._of_elements(plan, operands, sloped=False)[0]
        return value_of(self, plan, operands)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value and its gradient."""
        if plan.kernel.shape == "element" and 16 * prod(operands.prediction.shape) > blocks.BLOCK:
            return self._of_elements(plan, operands, sloped=True)
        return value_and_gradient_of(self, plan, operands)

    def _of_elements(self, plan: Plan, operands: Operands, *, sloped: bool) -> tuple[Array, Any]:
        """Return the value, and a gradient if asked; of reduced elements no array of rows is made."""
        tiles = [] if plan.reduction == "none" else self.tiles(plan, operands)
        if not tiles:
            one_block: Any = value_and_gradient_of if sloped else value_of
            made = one_block(self, plan, operands)
            return made if sloped else (made, None)
        xp, x = self.xp, operands.prediction
        plan, operands = divided_by(xp, plan, operands, x.shape)
        parts: list[Any] = [None] * len(tiles)
        g = self._room(plan, operands) if sloped else None
        one = ones(xp, plan, blocks.cut(plan, operands, (slice(0, 1),) * x.ndim))

        def measure(i: int) -> None:
            block = blocks.cut(plan, operands, tiles[i])
            if g is None:
                parts[i] = value_of(self, plan, block)
            else:
                parts[i], g[tiles[i]] = value_and_gradient_of(self, plan, block, one)

        self.each(measure, range(len(tiles)))
        # In the order of the blocks, in whatever order they came: the sum is the same.
        return xp.sum(xp.stack(list(map(xp.asarray, parts))), axis=None), g

    def _room(self, plan: Plan, operands: Operands) -> Array:
        """Return where the gradient goes, block by block."""
        x = operands.prediction
        return x if plan.overwrites else self.xp.empty_like(x)

    def apply(self, function: Callable[..., Any], plan: Any, *arrays: Any) -> Any:
        """Return the two arrays like the prediction that a function makes, block by block; of a head all."""
        cut = isinstance(plan, Plan) and plan.finish != "exp"
        tiles = self.tiles(plan, arrays[0]) if cut else []
        if not tiles:
            return super().apply(function, plan, *arrays)
        operands, *more = arrays
        x = operands.prediction
        rows = tuple(n for i, n in enumerate(x.shape) if i != plan.row_axis)
        plan, operands = divided_by(self.xp, plan, operands, rows)
        made = self.xp.empty_like(x), self.xp.empty_like(x)

        def one(tile: blocks.Tile) -> None:
            block = blocks.cut(plan, operands, tile)
            both = self.run(function, self, plan, block, *(v[tile] for v in more))
            made[0][tile], made[1][tile] = both

        self.each(one, tiles)
        return made

    def rows(self, plan: Plan, operands: Operands, w: Array | None = None) -> Any:
        """Return the loss of each row, measured block by block.

        With ``w`` the gradient of Σ w · loss too, that of a block made while the block is in cache.
        """
        size = prod(operands.prediction.shape)
        if size >= heap.MANY and in_host_memory(operands.prediction):
            heap.keep()
        if size < self.small and 16 * size <= blocks.BLOCK:
            return self.block(plan, operands, w)
        tiles = self.tiles(plan, operands)
        if not tiles:
            return self.of_block(plan, operands, w)
        rows, g = ones(self.xp, plan, operands), None if w is None else self._room(plan, operands)

        def measure(tile: blocks.Tile) -> None:
            part, block = blocks.of_rows(plan, tile), blocks.cut(plan, operands, tile)
            if w is None or g is None:
                rows[part] = self.of_block(plan, block)
            else:
                rows[part], g[tile] = self.of_block(plan, block, w[part])

        self.each(measure, tiles)
        return rows if g is None else (rows, g)

    rows_and_gradient = rows


make = Eager
