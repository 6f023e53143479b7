"""CuPy: few kernels, in blocks that bound the memory, and no look at a value."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from xent._plan import Operands, Plan
from xent._target import LABEL
from xent.engines import blocks
from xent.engines.cupy.fused import Fused
from xent.engines.cupy.verbs import CuPyVerbs
from xent.engines.eager import Eager


class CuPy(Eager):
    """Runs plans on CuPy's arrays, and never looks at these."""

    namespace = CuPyVerbs

    def block(self, plan: Plan, operands: Operands, w: Any = None, verbs: Any = None) -> Any:
        """Return the rows of a block, and with ``w`` the gradient, its functions of elements fused."""
        return super().block(_fused(plan), operands, w, verbs)

    def tiles(self, plan: Plan, operands: Operands) -> list[blocks.Tile]:
        """Return the blocks: one, where a label's loss makes no array of a block's size but the gradient."""
        copied = plan.half or plan.bent or operands.where is not None
        return [] if plan.target is LABEL and not copied else super().tiles(plan, operands)


@lru_cache(maxsize=256)
def _fused(plan: Plan) -> Plan:
    return replace(plan, kernel=Fused(plan.kernel))


make = CuPy
