# pyright: strict
"""Losses of a user's own, typed as the user likes."""

from dataclasses import dataclass
from typing import Any, TypeVar, Unpack, assert_type

import numpy as np
import torch
from numpy.typing import NDArray

import xent
from xent.kernels import labels
from xent.math import scaled
from xent.testing import check

Double = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True)
class Focal(labels.FromLogits):
    """(1 − e^−C)^γ C, as a kernel that inherits its statistics."""

    gamma: float = 2.0

    def value(self, xp: Any, s: Any) -> Any:
        c = super().value(xp, s)
        return scaled(xp, (-xp.expm1(-c)) ** self.gamma, c)


class Brier(xent.Kernel):
    """Σₖ (qₖ − tₖ)², all of it written here."""

    def measure(self, xp: Any, prediction: Any, target: Any, axis: Any) -> tuple[Any, Any]:
        difference = prediction - target
        return xp.sum(difference * difference, axis=axis, keepdims=True), None

    def gradient(
        self, xp: Any, prediction: Any, target: Any, s: Any, made: Any, w: Any, axis: Any
    ) -> Any:
        return 2 * w * (prediction - target)


@xent.loss(xent.LikelihoodOptions)
def focal_loss(
    target: Any, *, logits: T, gamma: float = 2.0, **options: Unpack[xent.LikelihoodOptions]
) -> xent.Call[T]:
    """Return the focal loss, of any library."""
    return xent.Call(target, {"logits": logits}, {"logits": Focal(gamma)}, options=options)


@xent.loss(xent.DivergenceOptions)
def brier_score(
    target: Double, probs: Double, **options: Unpack[xent.DivergenceOptions]
) -> xent.Call[Double]:
    """Return the Brier score of NumPy's arrays."""
    kernels = {"probs": Brier()}
    return xent.Call(target, {"probs": probs}, distributions=kernels, options=options)


@xent.loss()
def briefly(target: Any, logits: Any) -> xent.Call:
    """Return a loss of which no more is said than that it is one."""
    return xent.Call(target, {"logits": logits}, labels.KERNELS)


def use(y: NDArray[np.int64], z: Double, x: torch.Tensor) -> None:
    assert_type(focal_loss(y, logits=z, gamma=1.0, ignore_index=-1), Double)
    assert_type(focal_loss(y, logits=x, reduction="none"), torch.Tensor)
    assert_type(xent.grad(focal_loss)(y, logits=x, gamma=1.0), torch.Tensor)
    assert_type(brier_score(z, z, axis=0), Double)
    assert_type(xent.value_and_grad(brier_score)(z, probs=z), tuple[Double, Double])
    assert_type(briefly(y, z), Any)
    head = xent.linear_head(focal_loss)
    assert_type(head(y, z, z, gamma=1.0), Double)
    assert_type(xent.grad(head)(y, x, x, gamma=1.0).features, torch.Tensor)
    assert_type(str(check(focal_loss, parameters=[{"gamma": 1.0}], libraries=["numpy"])), str)
