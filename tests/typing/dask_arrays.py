# pyright: strict
"""Losses of Dask's arrays, and NumPy's labels beside them."""

from typing import assert_type

import dask.array as da
import numpy as np
from numpy.typing import NDArray

import xent


def losses(y: da.Array, t: da.Array, z: da.Array, labels: NDArray[np.int64]) -> None:
    assert_type(xent.cross_entropy(y, t), da.Array)
    assert_type(xent.cross_entropy(labels, logits=z, axis=-1), da.Array)
    assert_type(xent.binary_cross_entropy(t, logits=z), da.Array)
    assert_type(xent.kl_divergence(t, z), da.Array)
    assert_type(xent.entropy(t), da.Array)
    assert_type(xent.perplexity(y, logits=z), da.Array)
    assert_type(xent.linear_cross_entropy(y, z, t), da.Array)
    assert_type(xent.softmax(z), da.Array)
    assert_type(xent.value_and_grad(xent.cross_entropy)(y, logits=z), tuple[da.Array, da.Array])
    assert_type(xent.grad(xent.linear_cross_entropy)(y, z, t).weight, da.Array)
