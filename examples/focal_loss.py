"""The focal loss of a label, −(1 − q_y)^γ log q_y: a loss outside the package, in one file.

Lin et al., "Focal Loss for Dense Object Detection", 2017. With C = −log q_y, the cross entropy, it is
f(C) = (1 − e^−C)^γ C, and its gradient f′(C) times that of C: all it stands on is the kernel of C.
Run, it is held to the laws on every library that is installed.
"""

from dataclasses import dataclass

import numpy as np

import xent
from xent.kernels import labels
from xent.testing import check


@dataclass(frozen=True)
class FromLogits(labels.FromLogits):
    """(1 − e^−C)^γ C from logits; γ, a number among the fields, may be traced and compiles nothing."""

    gamma: float = 2.0

    def value(self, xp, s):
        """Return (1 − e^−C)^γ C; by expm1, as 1 − e^−C would lose the digits of a sure row."""
        c = super().value(xp, s)
        return (-xp.expm1(-c)) ** self.gamma * c

    def gradient(self, xp, logits, label, s, made, w, axis):
        """Return the gradient of C times f′(C) = (1 − e^−C)^γ (1 + γ C / (e^C − 1)).

        At both ends c is replaced before a 0 / 0 is made, so that no derivative of this is NaN.
        """
        c = super().value(xp, s)
        sure, lost = c == 0, c == xp.inf
        c = xp.where(sure | lost, 1.0, c)
        share = xp.where(lost, 1.0, (-xp.expm1(-c)) ** self.gamma)
        share = xp.where(sure, 0.0**self.gamma, share)
        ratio = xp.where(lost, 0.0, xp.where(sure, 1.0, c / xp.expm1(c)))
        slope = share * (1 + self.gamma * ratio)
        return super().gradient(xp, logits, label, s, made, w * slope, axis)


@xent.loss(xent.LikelihoodOptions)
def focal_loss(target, *, logits, gamma=2.0, **options):
    """Return the focal loss of logits with integer labels; a ``gamma`` of 0 is the cross entropy."""
    kernels = {"logits": FromLogits(gamma)}
    return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")


def textbook(t, q, gamma=2.0):
    """Return what Lin et al. write, of one-hot rows and probabilities."""
    q_y = np.sum(t * q, axis=-1)
    return -((1 - q_y) ** gamma) * np.log(q_y)


if __name__ == "__main__":
    print(check(focal_loss, textbook, parameters=[{"gamma": 2.0}, {"gamma": 0.0}]))
