"""Yes-or-no cross entropies of all classes of a row, of which the label's one is true.

References
----------
Zhai, Mustafa, Kolesnikov and Beyer, Sigmoid Loss for Language Image Pre-Training, 2023, algorithm 1.
"""

from __future__ import annotations

from xent import _math as m
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs
from xent.kernels.binary import sigmoids


class FromLogits(Kernel):
    """The cost of a row of logits, log(1 + exp(−z_y)) + Σⱼ log(1 + exp zⱼ) over j ≠ y.

    Every term is ≥ 0: nothing is subtracted, and so none of a loss near certainty is lost. Where the
    label is in another block, all logits are those of other classes.
    """

    def measure(self, xp: Verbs, logits: Array, label: Array, axis: int) -> tuple[Array, None]:
        """Return the sum of the costs of the classes of the block."""
        costs = xp.clip(logits, 0.0, None) + xp.log1p(xp.exp(-xp.abs(logits)))
        own = m.softplus(xp, -xp.at_label(logits, label, axis))
        return xp.sum(xp.put(costs, label, own, axis), axis=axis, keepdims=True), None

    def gradient(
        self, xp: Verbs, logits: Array, label: Array, s: Array, made: None, w: Array, axis: int
    ) -> Array:
        """Return σ(zⱼ), −σ(−z_y) at the label, and all of it times w."""
        _, own = sigmoids(xp, -xp.at_label(logits, label, axis))
        _, each = sigmoids(xp, logits)
        return xp.put(w * each, label, -w * own, axis)


KERNELS: Forms = {"logits": FromLogits()}
