"""Yes-or-no cross entropies of all classes of a row, of which the label's one is true.

References
----------
Zhai, Mustafa, Kolesnikov and Beyer, Sigmoid Loss for Language Image Pre-Training, 2023, algorithm 1.
"""

from __future__ import annotations

from typing import Any

from xent import _math as m
from xent._kernel import Forms, Kernel
from xent._typing import Array, Verbs
from xent.kernels.binary import decays


class FromLogits(Kernel):
    """The cost of a row of logits, log(1 + exp(−z_y)) + Σⱼ log(1 + exp zⱼ) over j ≠ y.

    Every term is ≥ 0: nothing is subtracted, and so none of a loss near certainty is lost. Where the
    label is in another block, all logits are those of other classes.
    """

    def measure(self, xp: Verbs, logits: Array, label: Array, axis: int) -> tuple[Array, Array]:
        """Return the sum of the costs of the classes of the block, and e^−|z|."""
        e = xp.exp(-xp.abs(logits))
        costs = xp.clip(logits, 0.0, None) + xp.log1p(e)
        own = m.softplus(xp, -xp.at_label(logits, label, axis))
        return xp.sum(xp.put(costs, label, own, axis), axis=axis, keepdims=True), e

    def gradient(
        self, xp: Verbs, logits: Array, label: Array, s: Array, made: Any, w: Array, axis: int
    ) -> Array:
        """Return σ(zⱼ), −σ(−z_y) at the label, and all of it times w."""
        own = _sigmoid(xp, -xp.at_label(logits, label, axis), None)
        return xp.put(w * _sigmoid(xp, logits, made), label, -w * own, axis)


def _sigmoid(xp: Verbs, z: Array, made: Array | None) -> Array:
    """Return σ(z), of e^−|z| where that was made."""
    if made is not None:
        return xp.where(z < 0, made, 1.0) / (1 + made)
    up, down = decays(xp, z, None)
    return down / (up + down)


KERNELS: Forms = {"logits": FromLogits()}
