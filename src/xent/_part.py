"""A part of the classes of some rows, and the same with what is known of the whole rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic

from xent import _dispatch, _dtype, _parts
from xent._check import parts
from xent._engine import Engine
from xent._kernel import Kernel
from xent._nested import filled, leaves
from xent._plan import Operands, Plan
from xent._rounds import Rounds, first, joined, second
from xent._rows import exponential
from xent._target import along
from xent._typing import Array, R


@dataclass(frozen=True, eq=False, repr=False)
class Part(Generic[R]):
    """Some classes of the rows of a checked call, made by `xent.part`.

    Attributes
    ----------
    operands : as the caller gave them, class weights of the whole row
    block : the same with the class weights of this part
    known : what a first round made of whole rows, in the second
    """

    engine: Engine
    plan: Plan
    operands: Operands
    block: Operands
    first: Any
    keep_dtype: bool
    known: Any = None

    @property
    def statistics(self) -> R:
        """All that others need of this part, an array (k, *rows), measured each time that it is asked for."""
        return self.engine.compiled(Part._measured, self)

    def merged(self, every: Any) -> Whole[R]:
        """Return this part with what is known of whole rows, from the statistics of ``every`` part.

        Parameters
        ----------
        every : sequence of (k, *rows), or (parts, k, *rows)
            The statistics of all parts in the order of their classes, this one's among them.

        Returns
        -------
        Whole
            With `value`, `gradient` and `value_and_gradient`; or first with a part to be measured `again`.
            Whoever merges the same arrays has the same bits. Its own `statistics` are those of all these
            parts together, which may be merged with others' again: inside of each machine first, then
            between machines.

        Raises
        ------
        TypeError, ValueError
            For arrays of another library, device, shape or dtype. That each class is in exactly one part is
            not known to them, and is not checked.
        """
        parts.alike(every)
        own = {"prediction": self.block.prediction}
        arrays = _dispatch.resolve({**own, "statistics": every})[1]["statistics"]
        return Whole(self, self.engine.compiled(Part._merged, self, arrays))

    def _measured(self) -> Array:
        return self.stacked(self._of(self.block))

    def _of(self, block: Operands) -> list[Any]:
        """Return the statistics of some of the classes of this part."""
        return _parts.measure(self.engine.xp, self.plan, block, self.first, self._rounds)

    @property
    def _rounds(self) -> Rounds:
        """What is measured now."""
        return first(self.kernels) if self.known is None else second(self.kernels, self.known)

    @property
    def kernels(self) -> list[Kernel]:
        """What makes the statistics."""
        return _parts.kernels(self.plan, self.block)

    def stacked(self, statistics: Any) -> Array:
        """Return statistics as one array, without the class axis."""
        xp, dtype = self.engine.xp, _dtype.compute_dtype(self.engine.xp, self.block.prediction)
        rows = (xp.squeeze(x, axis=self.plan.axis) for x in leaves(statistics))
        return xp.stack([_dtype.cast(xp, x, dtype) for x in rows])

    def rounded(self, value: Array) -> Array:
        """Return a value in the dtype that the loss returns."""
        dtype = self.block.prediction.dtype
        value = _dtype.cast(self.engine.xp, value, dtype) if self.keep_dtype else value
        return self.engine.result(value)

    def _merged(self, arrays: Array) -> Any:
        xp, plan, one = self.engine.xp, self.plan, self._of_one_class()
        axis: Any = plan.axis
        own = list(leaves(one))
        parts.statistics(arrays, (len(own), *xp.squeeze(own[0], axis=axis).shape))
        every = []
        for i in range(arrays.shape[0]):
            rows = (along(arrays[i, j, ...], axis) for j in range(len(own)))
            every.append(filled(lambda x, row: _dtype.cast(xp, row, x.dtype), one, rows))
        return _parts.merge_all(xp, self._rounds, every)

    def _of_one_class(self) -> list[Any]:
        """Return the statistics of the first class alone, which have the structure of all."""
        axis: Any = self.plan.axis
        at = (slice(None),) * axis + (slice(0, 1), ...)
        target, weights = self.block.target, self.block.class_weight
        if target is not None and not self.plan.target.by_label:
            target = target[at]
        weights = None if weights is None else weights[:1]
        x = self.block.prediction[at]
        return self._of(self.block._replace(prediction=x, target=target, class_weight=weights))


@dataclass(frozen=True, eq=False, repr=False)
class Whole(Generic[R]):
    """A part, and what is known of its whole rows: all that its value and its gradient need."""

    part: Part[R]
    merged: Any

    @property
    def statistics(self) -> R:
        """What all the parts that were merged are to others, as of one part: an array (k, *rows)."""
        return self._run(Whole._stacked)

    @property
    def again(self) -> Part[R] | None:
        """The part to be measured and merged once more, None where all is known.

        As of a sum over classes of what only the softmax of a whole row tells.
        """
        part = self.part
        more = part.known is None and len(second(part.kernels, self.merged)) > 0
        return replace(part, known=self.merged) if more else None

    @property
    def known(self) -> Any:
        """All that is known of whole rows."""
        if self.again is not None:
            raise parts.measured_once()
        known = self.part.known
        return self.merged if known is None else joined(known, self.merged)

    def value(self) -> R:
        """Return the value of the loss, as if it had been called with whole rows."""
        return self._run(Whole._value)

    def gradient(self) -> R:
        """Return the gradient with respect to this part of the prediction, in its dtype.

        Of the reduced value, or of the sum of the rows for ``reduction="none"``.
        """
        return self.value_and_gradient()[1]

    def value_and_gradient(self) -> tuple[R, R]:
        """Return both."""
        return self._run(Whole._value_and_gradient)

    def _run(self, function: Callable[[Whole[R]], Any]) -> Any:
        return self.part.engine.compiled(function, self)

    def _stacked(self) -> Any:
        return self.part.stacked(self.merged)

    def _value(self) -> Any:
        part, xp = self.part, self.part.engine.xp
        value, _ = _parts.value_and_shares(xp, part.plan, part.operands, self.known)
        return part.rounded(value)

    def _value_and_gradient(self) -> tuple[Any, Any]:
        part, xp, plan = self.part, self.part.engine.xp, self.part.plan
        of_cost = replace(plan, finish="none") if plan.finish == "exp" else plan
        cost, (w, *others) = _parts.value_and_shares(xp, of_cost, part.operands, self.known)

        def sloped(factor: Any) -> Array:
            shares = w * factor, *others
            g = _parts.gradient(xp, plan, part.block, part.first, self.known, shares)
            return _dtype.cast(xp, g, part.block.prediction.dtype)

        if plan.finish == "exp":
            return exponential(xp, cost, sloped)
        return part.rounded(cost), sloped(1)
