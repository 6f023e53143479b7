"""NumPy, and array-api-strict, which stands on it: no warnings, whatever the flags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from xent import _dtype, _workers
from xent._engine import Engine
from xent._namespace import Sight
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines.blocks import Tile
from xent.engines.eager import Eager
from xent.engines.numpy.sums import FEW, by_class, of_columns, of_parts
from xent.engines.numpy.verbs import NumPyVerbs

MANY = 1 << 12
"""The fewest numbers of an array that is laid out class by class."""


def _verbs(api: Any, add: Any) -> tuple[NumPyVerbs, NumPyVerbs]:
    """Return verbs with a sum of their own: for any number, and for finite ones."""
    pair = NumPyVerbs(api), NumPyVerbs(api, finite=True)
    for verbs in pair:
        verbs.sum = add
    return pair


class Strict(Eager):
    """Runs plans with NumPy's floating-point warnings off, by the standard's functions alone."""

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.result = self.xp.asarray

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``.

        The losses meet log 0 and inf − inf on purpose, in branches that a `where` discards.
        """
        with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
            return function(*args)

    def each(self, function: Callable[[Any], None], items: Sequence[Any]) -> None:
        """Call ``function`` on every item, by the threads that `xent.set_workers` asks for.

        NumPy's loops release the interpreter's lock; each thread has floating-point flags of its own.
        """
        _workers.each(lambda item: self.run(function, item), items, _workers.get_workers())

    def call(self, function: Callable[..., Array], *args: Any) -> Array:
        """Return ``function(xp, *args)``."""
        return self.result(super().call(function, *args))

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call."""
        with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
            value = super().value(plan, operands)
        return self.result(value)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return value and gradient."""
        with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
            value, g = super().value_and_gradient(plan, operands)
        return self.result(value), self.xp.asarray(g)

    def sight(self, arrays: Iterable[Array | None]) -> Sight:
        """Return that values can be read, always."""
        return Sight.READABLE


class NumPy(Strict):
    """Runs plans by NumPy's own functions, in place where that can be."""

    namespace = NumPyVerbs
    has_devices = False
    looks = True
    has_room = True

    def __init__(self, api: Any, library: str) -> None:
        super().__init__(api, library)
        self.result = itemgetter(())  # a scalar for what has no axes, as NumPy's own reductions
        self.columns, self.across = _verbs(api, of_columns), _verbs(api, of_parts)
        self.of_blocks = self.across[0]

    small = MANY

    def of_block(self, plan: Plan, operands: Operands, w: Any = None) -> Any:
        """Return the rows of a block; of short ones laid out class by class in memory.

        NumPy's loop along a row of ten takes ten times as long an element as one down its column.
        """
        if not self._is_laid(plan, operands):
            return self.block(plan, operands, w, self.across)
        target = operands.target
        if target is not None and not plan.target.by_label:
            target = by_class(target)
        laid = operands._replace(prediction=by_class(operands.prediction), target=target)
        return self.block(plan, laid, w, self.columns)

    def tiles(self, plan: Plan, operands: Operands) -> list[Tile]:
        """Return the blocks; a small array that is laid out anew is one, so that its gradient is not."""
        whole = [(slice(None),) * operands.prediction.ndim]
        return super().tiles(plan, operands) or (whole if self._is_laid(plan, operands) else [])

    def _is_laid(self, plan: Plan, operands: Operands) -> bool:
        x: Any = operands.prediction
        return x.size >= MANY and plan.axis == x.ndim - 1 and 1 < x.shape[-1] <= FEW

    def present(self, keep: Any) -> Any:
        """Return the positions of the rows that count."""
        return None if keep is None else np.flatnonzero(keep)

    def product(
        self,
        a: Any,
        b: Any,
        bias: Any = None,
        *,
        transposed: bool = True,
        wide: bool = True,
        out: Any = None,
    ) -> Any:
        """Return the product, made in ``out`` where that is given."""
        if _dtype.is_half(a):
            return super().product(a, b, bias, transposed=transposed, out=out)
        logits = np.matmul(a, b.T if transposed else b, out=out)
        if bias is not None:
            logits += bias.astype(logits.dtype, copy=False)
        return logits


def make(api: Any, library: str) -> Engine:
    """Return the engine of NumPy or of array-api-strict."""
    return NumPy(api, library) if library == "numpy" else Strict(api, library)
