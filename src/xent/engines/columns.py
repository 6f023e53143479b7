"""Columns of a head's logits that are rows too, measured and differentiated while a chunk of rows is there.

A chunk of rows has some classes of every column: what it knows of the columns is merged with what is known
from the chunks before, and all of it is known before the first gradient is made. So the logits of pairs are
multiplied once for the value of both directions, and once more for the gradients of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from xent import _parts
from xent._linear import Block, Cut, Made, Sums
from xent._nested import mapped
from xent._plan import Operands, Plan
from xent._rounds import first as in_one_round
from xent._target import along
from xent._typing import Array
from xent.engines.loops import Loops


def turned(xp: Any, operands: Operands) -> Operands:
    """Return operands whose rows are the columns of all logits, of which rows taken out are no classes."""
    z: Any = _present(xp, operands.prediction, operands)
    return operands._replace(prediction=z.T)


class Columns:
    """The columns of all logits, of which each has a label, a weight and a mask as the row of its number.

    Where all rows are one chunk its columns are the rows of the turned logits, and no parts are merged.
    """

    def __init__(self, loops: Loops, plan: Plan, operands: Operands, features: Array) -> None:
        self.loops, self.xp, self.of_rows = loops, loops.stored, replace(plan, mutual=False)
        self.plan = replace(self.of_rows, axis=0, row_axis=0)
        self.operands = operands._replace(prediction=features)
        self.rounds = in_one_round(_parts.kernels(self.plan, self.operands))
        self.made: Any = None
        """The value, once all columns are measured."""
        self.whole: Any = None
        """What is known of them then, and the derivatives of the value in what they make of it."""

    def start(self, block: Callable[[Array, Operands], Block], *, sweeps: bool) -> Any:
        """Return what is known of columns before any row, or all of it if a pass over the rows comes first.

        As it does for gradients.
        """
        if self.loops.once:
            return None
        count = self.operands.prediction.shape[0]
        nothing = self.loops.zeros((1, count)) - self.xp.inf
        made = self._measured(nothing, self.operands, count)
        known = mapped(lambda x: x + self.xp.zeros_like(x), made)  # each is written to by itself
        if not sweeps:
            return known

        def of_rows(sums: Sums, features: Array, some: Operands) -> tuple[Sums, Made]:
            columns = self.merged(sums.columns, block(features, some), some)
            return sums._replace(columns=columns), Made(None, None)

        sums, _ = self.loops.over_rows(of_rows, Sums(None, None, None, known), self.operands)
        self.value(sums.columns)
        return None

    def merged(self, known: Any, block: Block, some: Operands) -> Any:
        """Return what is known with the rows of a block, whose operands are ``some``."""
        loops = self.loops
        if loops.once:
            self.made = loops.value(self.of_rows, self._turned(block.logits, some))
            return None

        def of_columns(z: Array, old: Any, cut: Cut) -> Any:
            made = self._measured(_present(self.xp, z, some), self._some(cut), some.target[0])
            return _parts.merge(self.xp, self.rounds, old, made)

        def of_strip(cut: Cut, known: Any) -> Any:
            old = mapped(lambda x: loops.some(x, cut), known)
            made = loops.over_columns(of_columns, loops.logits(block, cut), old, cut)
            return mapped(lambda x, new: loops.put(x, cut, new), known, made)

        return loops.over_classes(of_strip, known)

    def value(self, known: Any) -> Any:
        """Return the value of all columns, of what is known of them with all their classes."""
        if self.made is None:
            run = self.xp, self.plan, self.operands, known
            self.made, shares = _parts.value_and_shares(*run)
            self.whole = known, shares
        return self.made

    def with_own(self, g: Array, z: Array, some: Operands, cut: Cut) -> Array:
        """Return a gradient of some rows' logits, ``z``, with that of the columns."""
        if self.loops.once:
            both: Any = self.loops.unrounded(self.of_rows, self._turned(z, some))
            self.made, turned_back = both[0], both[1].T
            return g + turned_back

        def of_columns(x: Any, g: Array, cut: Cut) -> Array:
            z, *whole = x
            mine = self._some(cut)._replace(prediction=_present(self.xp, z, some))
            return g + _parts.gradient(self.xp, self.plan, mine, some.target[0], *whole)

        whole = mapped(lambda x: self.loops.some(x, cut), self.whole)
        made: Array = self.loops.over_columns(of_columns, (z, *whole), g, cut)
        return made

    def _turned(self, z: Any, some: Operands) -> Operands:
        return turned(self.xp, some._replace(prediction=z))

    def _measured(self, z: Array, operands: Operands, first: Any) -> Any:
        operands = operands._replace(prediction=z)
        return _parts.measure(self.xp, self.plan, operands, first, self.rounds)

    def _some(self, cut: Cut) -> Operands:
        """Return what is measured of some columns."""
        target, where = (
            None if x is None else self.loops.some(x, cut)
            for x in (self.operands.target, self.operands.where)
        )
        return self.operands._replace(target=target, where=where)


def _present(xp: Any, z: Array, some: Operands) -> Array:
    """Return logits of which rows that are taken out are no column's classes."""
    return z if some.where is None else xp.where(along(some.where, 1), z, -xp.inf)
