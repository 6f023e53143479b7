"""Columns of a head's logits that are rows too, as of pairs: each logit is made once for both.

Logits that are stored whole are turned. Of others a chunk of rows has some classes of every column: what it
knows of the columns is merged with what is known from the chunks before, and before the first
gradient is made a pass over the rows comes to know all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from xent import _parts, _rounds
from xent._linear import Block, Cut, Made, Sums
from xent._nested import mapped
from xent._plan import Operands, Plan
from xent._target import along
from xent._typing import Array
from xent.engines.loops import Loops


def value_of_both(value: Callable[..., Any], xp: Any, plan: Plan, operands: Operands) -> Any:
    """Return ``value(plan, operands)`` of stored logits, with that of their columns if the plan is mutual."""
    if not plan.mutual:
        return value(plan, operands)
    plan = replace(plan, mutual=False)
    return value(plan, operands) + value(plan, _transposed(xp, operands))


def slopes_of_both(
    slopes: Callable[..., tuple[Any, Any]], xp: Any, plan: Plan, operands: Operands
) -> tuple[Any, Any]:
    """Return the same of ``slopes(plan, operands)``, a value and its gradient."""
    plan = replace(plan, mutual=False)
    value, g = slopes(plan, operands)
    other, h = slopes(plan, _transposed(xp, operands))
    return value + other, g + h.T


def _transposed(xp: Any, operands: Operands) -> Operands:
    z: Any = _present(xp, operands.prediction, operands)
    return operands._replace(prediction=z.T)


def _present(xp: Any, z: Array, some: Operands) -> Array:
    """Return logits of which rows that are taken out are no column's classes."""
    return z if some.where is None else xp.where(along(some.where, 1), z, -xp.inf)


class Known(NamedTuple):
    """What is known of all columns: their value, statistics, and its derivatives in what these make."""

    value: Any
    statistics: Any
    shares: Any


class Columns:
    """The columns of logits that are not stored, of a loss whose kernel measures rows in one round.

    Each has a label, a weight and a mask as the row of its number. Verbs are those of stored logits: the few
    rows of a chunk are classes along the first axis.
    """

    def __init__(self, loops: Loops, plan: Plan, operands: Operands, features: Array) -> None:
        self.loops, self.xp = loops, loops.stored
        self.plan = replace(plan, axis=0, row_axis=0, mutual=False)
        self.operands = operands._replace(prediction=features)
        self.rounds = _rounds.first(_parts.kernels(self.plan, self.operands))
        self.known: Known | None = None

    def start(self) -> Any:
        """Return the statistics of no classes: of a row of −inf in which no label is."""
        count = self.operands.prediction.shape[0]
        nothing = self.loops.zeros((1, count)) - self.xp.inf
        return self._measured(nothing, self.operands, count)

    def merged(self, statistics: Any, block: Block, some: Operands) -> Any:
        """Return statistics with the rows of a block, whose operands are ``some``; None if all are known."""
        loops = self.loops
        if statistics is None:
            return None

        def of_columns(z: Array, old: Any, cut: Cut) -> Any:
            made = self._measured(_present(self.xp, z, some), self._cut(cut), some.target[0])
            return _parts.merge(self.xp, self.rounds, old, made)

        def of_strip(cut: Cut, statistics: Any) -> Any:
            old = mapped(lambda x: loops.some(x, cut), statistics)
            made = loops.over_columns(of_columns, loops.logits(block, cut), old, cut)
            return mapped(lambda x, new: loops.put(x, cut, new), statistics, made)

        return loops.over_classes(of_strip, statistics)

    def begun(self, block: Callable[[Array, Operands], Block], *, sweeps: bool) -> Any:
        """Return the statistics to begin with; or ``sweeps`` the rows for all of them, and returns None."""
        if not sweeps:
            return self.start()

        def of_rows(sums: Sums, features: Array, some: Operands) -> tuple[Sums, Made]:
            columns = self.merged(sums.columns, block(features, some), some)
            return sums._replace(columns=columns), Made(None, None)

        start = Sums(None, None, None, self.start())
        sums, _ = self.loops.over_rows(of_rows, start, self.operands)
        self.known = self._known(sums.columns)
        return None

    def value(self, statistics: Any) -> Any:
        """Return the value of all columns, of their statistics if there was no pass before."""
        return (self.known or self._known(statistics)).value

    def added(self, g: Array, z: Array, rows: Operands, cut: Cut) -> Array:
        """Return a gradient of some classes of rows, of logits ``z``, with that of these columns."""

        def of_columns(x: Any, g: Array, cut: Cut) -> Array:
            z, *known = x
            mine = self._cut(cut)._replace(prediction=_present(self.xp, z, rows))
            return g + _parts.gradient(self.xp, self.plan, mine, rows.target[0], *known)

        known = mapped(lambda x: self.loops.some(x, cut), tuple(self.known or ())[1:])
        return self.loops.over_columns(of_columns, (z, *known), g, cut)

    def _measured(self, z: Array, operands: Operands, first: Any) -> Any:
        operands = operands._replace(prediction=z)
        return _parts.measure(self.xp, self.plan, operands, first, self.rounds)

    def _known(self, statistics: Any) -> Known:
        run = self.xp, self.plan, self.operands, statistics
        value, shares = _parts.value_and_shares(*run)
        return Known(value, statistics, shares)

    def _cut(self, cut: Cut) -> Operands:
        """Return what is measured of some columns."""
        given = self.operands.target, self.operands.where
        target, where = mapped(lambda x: self.loops.some(x, cut), given)
        return self.operands._replace(target=target, where=where)
