"""Any kernel's gradient, run by verbs that differentiate it.

So every kernel has second derivatives, a user's own too, on libraries that differentiate nothing. Of a loss
that is T log Σ exp z but for what is linear they are made of T log Σ exp z, in which no digit is lost near
certainty; the derivative of a gradient cancels there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from xent import _dispatch, _dtype
from xent import _math as m
from xent._check import structure
from xent._dual import OWN, Dual, lifted, raw
from xent._dual_verbs import DualVerbs
from xent._engine import Engine
from xent._kernel import Kernel
from xent._plan import Operands, Plan
from xent._rows import rows_and_gradient_of
from xent._typing import Array


@dataclass(frozen=True)
class Curved(Kernel):
    """A kernel that is given dual numbers, and whose gradient moves with them.

    Attributes
    ----------
    of, own : the kernel with its own numbers dual, and as they are
    """

    of: Kernel
    own: Kernel

    def filled(self, numbers: tuple[Any, ...]) -> Kernel:
        """Return the kernel with its numbers."""
        return Curved(self.of.filled(numbers), self.own.filled(raw(numbers)))

    def measure(self, xp: Any, prediction: Any, target: Any, axis: Any) -> tuple[Any, None]:
        """Return the statistics, which need not move where no value and no gradient is made of them."""
        if self._of_partition and not xp.values:
            return self.own.measure(xp.base, raw(prediction), raw(target), axis)[0], None
        return self.of.measure(xp, prediction, target, axis)[0], None

    def value(self, xp: Any, s: Any) -> Any:
        """Return the loss of each row."""
        if xp.values:
            return self.of.value(xp, s)
        return lifted(xp, self.own.value(xp.base, raw(s)))

    def gradient(
        self, xp: Any, prediction: Any, target: Any, s: Any, made: None, w: Any, axis: Any
    ) -> Any:
        """Return the gradient; it is linear in ``w``, which may move too."""
        kernel, plain, t = self.own, raw(s), raw(target)
        if not self._of_partition:
            return self.of.gradient(xp, prediction, target, s, None, w, axis)

        def of(w: Any) -> Any:
            return kernel.gradient(xp.base, raw(prediction), t, plain, None, w, axis)

        softmax, _, e = m.exact_normaliser(xp, prediction, axis)
        share = w.value * kernel.partition(xp.base, t, plain)
        curve = e * (lifted(xp, share) / (1 + m.limited(xp, softmax)))
        parts = {key: curve.parts[key] + of(part) for key, part in w.parts.items()}
        return Dual(xp, of(w.value), {**curve.parts, **parts})

    @property
    def _of_partition(self) -> bool:
        """Whether the class that states the gradient, or one that inherits it, states a partition."""
        order = type(self.of).__mro__
        stated, sloped = (
            next(i for i, kind in enumerate(order) if name in vars(kind))
            for name in ("partition", "gradient")
        )
        return stated <= sloped and order[stated] is not Kernel


class Moving(Engine):
    """Runs plans on dual numbers, in one block."""

    def __init__(self, xp: DualVerbs) -> None:
        self.xp = xp

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return the loss of each row and the gradient."""
        return rows_and_gradient_of(
            self.xp, replace(plan, kernel=Curved(plan.kernel, plan.kernel)), operands, w
        )


def slopes(xp: DualVerbs, plan: Plan, operands: Operands, v: Array) -> tuple[Dual, Dual]:
    """Return value and gradient as dual numbers, where the prediction moves by ``v``."""
    moving: Any = lifted(xp, operands)
    moving.prediction.parts[OWN] = v
    both: Any = Moving(xp).value_and_gradient(plan, moving)
    return both


def moved(engine: Engine, name: str, x: Array, tangent: Any) -> Array:
    """Return a tangent of ``x`` in its dtype."""
    arrays = _dispatch.resolve({name: x, "tangent": tangent}, like=name)[1]
    v = structure.there("tangent", arrays)
    structure.tangent(v, name, x.shape)
    return _dtype.cast(engine.xp, v, x.dtype)
