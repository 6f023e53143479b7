"""Blocks of rows that fit the cache, or a share of a device's memory, for what computes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from math import isfinite, prod
from operator import is_
from typing import Any

from array_api_compat import is_writeable_array

from xent import _dtype
from xent._engine import Engine, ones, rows_and_gradient_of, rows_of
from xent._namespace import Namespace
from xent._plan import Operands, Plan
from xent._reduce import divided_by
from xent._typing import Array

_BLOCK = 1 << 21
"""Bytes of a block in the dtype that is computed in, for each thread that shares the block.

With its one temporary it stays in cache. Sized in bytes, never in rows: blocks of few narrow rows
cost more in calls than they save.
"""

_DEVICE_BLOCK = 1 << 28
"""The same on a device, where a block bounds the memory and must be long beside its launches."""

Tile = tuple[slice, ...]


class EagerNamespace(Namespace):
    """A namespace whose arrays can be looked at."""

    def maybe(self, condition: Callable[[], Array]) -> bool:
        """Return whether any entry holds, where that costs nothing to see."""
        entries = condition()
        return not _in_host_memory(entries) or bool(self.any(entries))


class Finite(Namespace):
    """The verbs for a block in host memory, as if its logits were finite and its labels classes.

    What a loss measures and its gradient needs again can be kept meanwhile: the block is in cache.
    """

    memory: list[Any] | None = None

    def remembering(self) -> Finite:
        """Return the same verbs for one block, with a memory."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, memory=[])
        return other

    def maybe(self, condition: Callable[[], Array]) -> bool:
        """Return that it nowhere holds, as is seen afterwards in the rows' losses."""
        return False

    def shifted(self, x: Array, peak: Array) -> Array:
        """Return ``x − peak``."""
        return x - peak

    def beside(self, x: Array, peak: Array, index: Array, axis: int) -> Array:
        """Return exp(x − peak), once more what was made of the same arrays."""
        return self._made(super().beside, x, peak, index, axis)

    def decay(self, z: Array) -> Array:
        """Return e^−|z|, likewise."""
        return self._made(super().decay, z)

    def decays(self, z: Array) -> tuple[Array, Array]:
        """Return e^−max(z, 0) and e^−max(−z, 0), by one exponential or none."""
        e, sign = self.decay(z), self.signs(z)
        return self.maximum(e, -sign), self.maximum(e, sign)

    def signs(self, z: Array) -> Array:
        """Return −1 where ``z`` is negative and 1 where it is positive."""
        sign: Array = self.api.sign(z)
        return sign

    def _made(self, function: Callable[..., Array], *args: Any) -> Array:
        """Return ``function(*args)``, the second time in a block what was returned the first time."""
        if self.memory:
            *made_of, made = self.memory.pop()
            if len(made_of) == len(args) and all(map(is_, made_of, args)):
                kept: Array = made
                return kept
        result = function(*args)
        if self.memory is not None:
            self.memory.append((*args, result))
        return result


class Eager(Engine):
    """Runs a plan block by block, in extra memory of one block."""

    namespace: type[Namespace] = EagerNamespace
    finite: type[Finite] | None = None

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.quick = None if self.finite is None else self.finite(api)

    def of_block(self, function: Any, plan: Plan, *args: Any) -> Any:
        """Return ``function(xp, plan, *args)``, rows or rows and gradient.

        First as if no logit were infinite: where one is, its row's loss is not finite, and the block is
        computed again with every check. So the checks cost one sum.
        """
        operands, *rest = args
        args = (self.laid(plan, operands), *rest)
        if self.quick is not None and self._known(plan, *args):
            xp = self.quick if function is rows_of else self.quick.remembering()
            made = function(xp, plan, *args)
            rows = made[0] if isinstance(made, tuple) else made
            if isfinite(self.quick.sum(rows)):
                return made
        return function(self.xp, plan, *args)

    def _known(self, plan: Plan, operands: Operands, *others: Any) -> bool:
        """Whether the labels, if there are any, are known to be classes."""
        if plan.checked or not plan.by_label or operands.target is None:
            return True
        labels = _dtype.cast(self.xp, operands.target, self.xp.integer)
        return prod(labels.shape) == 0 or self.xp.within(labels, 0, plan.classes - 1)

    def laid(self, plan: Plan, operands: Operands) -> Operands:
        """Return the operands of a block as the library computes with them fastest."""
        return operands

    def threads(self) -> int:
        """Return how many threads of the library share a block."""
        return 1

    def whole(self, operands: Operands) -> bool:
        """Whether the arrays must be taken in one block."""
        return not is_writeable_array(operands.prediction)

    def each(self, function: Callable[[Any], None], items: Iterable[Any]) -> None:
        """Call ``function`` on every item."""
        for item in items:
            function(item)

    def tiles(self, plan: Plan, operands: Operands) -> list[Tile]:
        """Return the blocks that the prediction is cut into, none where it is one itself."""
        return [] if self.whole(operands) else _tiles(plan, operands.prediction, self.threads())

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value; of elements that are rows by themselves no array of rows is made."""
        tiles = self.tiles(plan, operands) if _adds_up(plan) else []
        if not tiles:
            return super().value(plan, operands)
        operands = divided_by(self.xp, plan, operands, operands.prediction.shape)
        parts: list[Any] = [None] * len(tiles)

        def measure(i: int) -> None:
            parts[i] = Engine.value(self, plan, _cut(plan, operands, tiles[i]))

        self.each(measure, range(len(tiles)))
        return self._total(parts)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value and its gradient, likewise."""
        tiles = self.tiles(plan, operands) if _adds_up(plan) else []
        if not tiles:
            return super().value_and_gradient(plan, operands)
        operands = divided_by(self.xp, plan, operands, operands.prediction.shape)
        parts: list[Any] = [None] * len(tiles)
        g = self._room(plan, operands)
        one = ones(self.xp, plan, _cut(plan, operands, (slice(0, 1),) * g.ndim))

        def measure(i: int) -> None:
            block = _cut(plan, operands, tiles[i])
            parts[i], g[tiles[i]] = self._both(plan, block, one)

        self.each(measure, range(len(tiles)))
        return self._total(parts), g

    def _room(self, plan: Plan, operands: Operands) -> Array:
        """Return where the gradient goes, block by block."""
        x = operands.prediction
        room: Array = x if plan.overwrites else self.xp.empty_like(x)
        return room

    def _total(self, parts: list[Any]) -> Array:
        """Return the sum of what the blocks add to a value, the same in whatever order they came."""
        asarray = self.xp.asarray
        total: Array = self.xp.sum(self.xp.stack([asarray(part) for part in parts]))
        return total

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row, measured block by block."""
        tiles = self.tiles(plan, operands)
        if not tiles:
            return self.of_block(rows_of, plan, operands)
        rows = ones(self.xp, plan, operands)

        def measure(tile: Tile) -> None:
            rows[_of_rows(plan, tile)] = self.of_block(rows_of, plan, _cut(plan, operands, tile))

        self.each(measure, tiles)
        return rows

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return rows and gradient, the gradient of a block made while the block is in cache."""
        tiles = self.tiles(plan, operands)
        if not tiles:
            return self.of_block(rows_and_gradient_of, plan, operands, w)
        rows, g = ones(self.xp, plan, operands), self._room(plan, operands)

        def measure(tile: Tile) -> None:
            part = _of_rows(plan, tile)
            block = _cut(plan, operands, tile)
            rows[part], g[tile] = self.of_block(rows_and_gradient_of, plan, block, w[part])

        self.each(measure, tiles)
        return rows, g


ENGINE = Eager


def _adds_up(plan: Plan) -> bool:
    """Whether the value is a sum over elements that are rows by themselves."""
    return plan.kernel.shape == "element" and plan.reduction in ("sum", "mean")


def _in_host_memory(x: Any) -> bool:
    return hasattr(x, "__array_interface__") or str(getattr(x, "device", "cpu")) == "cpu"


def _tiles(plan: Plan, prediction: Array, threads: int) -> list[Tile]:
    """Cut the prediction into blocks of whole rows, from the outermost axis inwards."""
    shape, size = prediction.shape, max(4, _dtype.size(prediction))
    if plan.kernel.shape == "element":  # which holds more temporaries at a time
        size *= 2
    limit = threads * _BLOCK // size
    if prod(shape) > limit and not _in_host_memory(prediction):
        limit = _DEVICE_BLOCK // size
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


def _of_rows(plan: Plan, tile: Tile) -> Tile:
    """Return the tile of an array that has one entry per row."""
    axis = plan.row_axis
    return tile if axis is None else tile[:axis] + tile[axis + 1 :]


def _cut(plan: Plan, operands: Operands, tile: Tile) -> Operands:
    """Return the operands of one block."""
    target, where, pos_weight = operands.target, operands.where, operands.pos_weight
    sample = operands.sample_weight
    part = _of_rows(plan, tile)
    if target is not None:
        target = target[part if plan.by_label else tile]
    if pos_weight is not None:
        pos_weight = pos_weight[_of_broadcast(pos_weight.shape, tile)]
    return operands._replace(
        prediction=operands.prediction[tile],
        target=target,
        where=None if where is None else where[part],
        sample_weight=None if sample is None else sample[part],
        pos_weight=pos_weight,
    )


def _of_broadcast(shape: tuple[int, ...], tile: Tile) -> Tile:
    """Return the part of an array of ``shape`` that meets ``tile`` when broadcast."""
    last = tile[len(tile) - len(shape) :]
    return tuple(slice(None) if n == 1 else cut for n, cut in zip(shape, last, strict=True))
