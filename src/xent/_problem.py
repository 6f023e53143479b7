"""A checked call, and how its value and its gradient are made of what the engine returns."""

from __future__ import annotations

from typing import NamedTuple

from xent import _dtype
from xent._engine import Engine
from xent._plan import Operands, Plan
from xent._typing import Array


class Problem(NamedTuple):
    """A checked call."""

    engine: Engine
    plan: Plan
    operands: Operands
    keep_dtype: bool = False

    def value(self) -> Array:
        """Return the value."""
        if self.plan.classes == 0:
            return self._of_no_classes()[0]
        value = self.engine.value(self.plan, self.operands)
        if self.keep_dtype:
            value = self._rounded(value, self.operands.prediction)
        return value

    def value_and_gradient(self) -> tuple[Array, Array]:
        """Return the value and its gradient."""
        if self.plan.classes == 0:
            return self._of_no_classes()
        value, g = self.engine.value_and_gradient(self.plan, self.operands)
        return self._rounded(value, g) if self.keep_dtype else value, g

    def _of_no_classes(self) -> tuple[Array, Array]:
        """Return what an empty sum makes of a link, and its gradient: both empty, or a logsumexp −inf."""
        xp, x = self.engine.xp, self.operands.prediction
        if self.plan.kernel.shape == "block":
            return x + 0, xp.zeros_like(x)
        return xp.sum(x, axis=self.plan.axis) - xp.inf, xp.zeros_like(x)

    def _rounded(self, value: Array, like: Array) -> Array:
        return self.engine.run(_dtype.cast, self.engine.xp, value, like.dtype)
