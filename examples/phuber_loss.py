"""The partially Huberised cross entropy of a label: a loss outside the package, in one file.

Menon et al., "Can Gradient Clipping Mitigate Label Noise?", 2020. Where q_y < 1/τ it is the tangent of
−log q_y at 1/τ, so that no label costs more than log τ + 1. With C = −log q_y it is f(C), C as far as log τ
and log τ + 1 − τ e^−C beyond, and its gradient f′(C) times that of C: all it stands on is the kernel of C.
Run, it is held to the laws on every library that is installed.
"""

from dataclasses import dataclass

import numpy as np

import xent
from xent.kernels import labels
from xent.testing import check


@dataclass(frozen=True)
class FromLogits(labels.FromLogits):
    """f(C) from logits; τ, a number among the fields, may be traced and compiles nothing."""

    tau: float = 10.0

    def value(self, xp, s):
        """Return C, or log τ + 1 − τ e^−C."""
        c = super().value(xp, s)
        odds = self.tau * xp.exp(-c)
        return xp.where(odds < 1, xp.log(self.tau * xp.ones_like(c)) + 1 - odds, c)

    def gradient(self, xp, logits, label, s, made, w, axis):
        """Return the gradient of C times f′(C) = min(τ e^−C, 1)."""
        odds = self.tau * xp.exp(-super().value(xp, s))
        return super().gradient(xp, logits, label, s, made, w * xp.where(odds > 1, 1.0, odds), axis)


@xent.loss(xent.LikelihoodOptions)
def phuber_loss(target, *, logits, tau=10.0, **options):
    """Return the partially Huberised cross entropy of logits with integer labels."""
    kernels = {"logits": FromLogits(tau)}
    return xent.Call(target, {"logits": logits}, kernels, options=options, only="labels")


def textbook(t, q, tau=10.0):
    """Return what Menon et al. write, of one-hot rows and probabilities."""
    q_y = np.sum(t * q, axis=-1)
    return np.where(q_y > 1 / tau, -np.log(q_y), np.log(tau) + 1 - tau * q_y)


if __name__ == "__main__":
    print(check(phuber_loss, textbook, parameters=[{"tau": 10.0}, {"tau": 2.0}]))
