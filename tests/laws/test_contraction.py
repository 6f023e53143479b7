"""No digit hangs on a logit being computed twice to the same bit.

Here each use of the logits sees others, as it may where a compiler makes them anew; `tests/libraries/`
has what compilers make of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from array_api_compat import numpy

from tests.laws import contraction as of
from tests.near import largest
from xent import _math as m
from xent._kernel import Kernel
from xent._namespace import Namespace
from xent.engines.numpy.engine import NumPyVerbs
from xent.kernels import (
    binary,
    distributions,
    entropy,
    kl,
    kl_logits,
    labels,
    likelihood,
    links,
    smoothed,
)

DTYPES = ("float32", "float64")
VERBS = {"plain": Namespace(numpy), "in place": NumPyVerbs(numpy)}
SMOOTHING = 0.125


@dataclass
class Loss:
    """A kernel, what its target is, and the truth of a row."""

    kernel: Kernel
    truth: Callable
    target: Callable = lambda z, y: None


def hot(z, y):
    return np.eye(z.shape[1], dtype=z.dtype)[y]


def smooth(z, y, smoothing=SMOOTHING):
    return m.SmoothedLabel(y[:, None], *m.shares(smoothing, z.shape[1]), z.shape[1])


LOSSES = {
    "labels": Loss(labels.FromLogits(), of.cross_entropy, lambda z, y: y[:, None]),
    "one-hot": Loss(distributions.FromLogits(), of.cross_entropy, hot),
    "smoothed": Loss(smoothed.FromLogits(), of.smoothed, smooth),
    "smoothed by 0": Loss(smoothed.FromLogits(), of.cross_entropy, partial(smooth, smoothing=0.0)),
    "divergence": Loss(kl.FromLogits(), of.cross_entropy, hot),
    "likelihood": Loss(likelihood.FromLogits(), of.cross_entropy, hot),
    "entropy": Loss(entropy.FromLogits(), of.entropy),
    "logsumexp": Loss(links.LogSumExp(), of.logsumexp),
    "log_softmax": Loss(links.LogSoftmax(), of.log_softmax),
}


def measured(kernel, xp, z, target):
    """Return the rows, and the gradient as it is made anew, each use of ``z`` by itself."""
    shaky = z.view(of.Shaky)
    s, _ = kernel.measure(xp, shaky, target, 1)
    rows = np.asarray(kernel.value(xp, s))
    w = np.ones_like(z) if kernel.shape == "block" else np.ones_like(z[:, :1])
    return rows, np.asarray(kernel.gradient(xp, shaky, target, s, None, w, 1))


def held(rows, truth, z):
    """Whether no row has lost its sign or more digits than what it is made of."""
    most = of.few_and_size(z).reshape(-1, *[1] * (truth.ndim - 1))
    return np.all(np.sign(rows) == np.sign(truth)) and np.all(of.off(rows, truth) <= most)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("verbs", VERBS)
@pytest.mark.parametrize("name", LOSSES)
def test_near_certainty(name, verbs, dtype):
    loss, (z, y) = LOSSES[name], of.certain(dtype)
    rows, _ = measured(loss.kernel, VERBS[verbs], z, loss.target(z, y))
    truth = of.exactly(loss.truth, zip(z, y, strict=True))
    assert held(rows.reshape(truth.shape), truth, z)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("verbs", VERBS)
@pytest.mark.parametrize("name", [n for n, x in LOSSES.items() if x.truth is of.cross_entropy])
def test_gradient_near_certainty(name, verbs, dtype):
    loss, (z, y) = LOSSES[name], of.certain(dtype)
    _, g = measured(loss.kernel, VERBS[verbs], z, loss.target(z, y))
    at, most = hot(z, y) == 1, of.few_and_size(z)
    truth = of.exactly(of.less_one_hot, zip(z, y, strict=True))
    assert held(g[at], truth[at], z)
    assert np.all(np.abs(g.sum(1)) <= most * of.EPS[dtype] * largest(g)[:, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("verbs", VERBS)
def test_gradient_of_entropy(verbs, dtype):
    z, y = of.certain(dtype)
    _, g = measured(entropy.FromLogits(), VERBS[verbs], z, None)
    at, truth = hot(z, y) == 1, of.exactly(of.less_entropy, zip(z, y, strict=True))
    assert held(g[at], truth[at], z)


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_rows_that_are_certain(dtype):
    z, y = of.certain(dtype)
    for t in (z + 2 * hot(z, y), np.where(hot(z, y) == 1, z / 2, z - 1).astype(dtype)):
        s, _ = kl_logits.FromLogits().measure(VERBS["plain"], z.view(of.Shaky), t.view(of.Shaky), 1)
        rows = kl_logits.FromLogits().value(VERBS["plain"], s)[:, 0]
        with_targets = [
            (a, k, list(map(of.Decimal, map(float, b)))) for a, k, b in zip(z, y, t, strict=True)
        ]
        truth = of.exactly(of.divergence, with_targets)
        assert np.all(rows > 0)
        assert np.all(of.off(rows, truth) <= of.few_and_size(z) + of.few_and_size(t))


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_classes(dtype):
    z = np.asarray([s * x for x in of.MARGINS for s in (-1, 1)], dtype)
    t = (z > 0).astype(dtype)
    rows, g = measured(
        binary.FromLogits(), VERBS["plain"], z[:, None], (t[:, None], 1 - t[:, None])
    )
    truth = of.exactly(of.binary, [(x, None) for x in z])
    assert held(rows[:, 0], truth, z[:, None])
    assert np.all(np.sign(g[:, 0]) == -np.sign(z))


def peak_of_all(xp, z, label):
    """Return log1p(s) where the label is the peak, as it is told by z_y − peak = 0: the form of old."""
    peak = xp.max(z, axis=1, keepdims=True)
    d = xp.pick(z, label, 1) - peak
    e = xp.where(xp.iota(z, 1) == label, 0.0, xp.exp(z - peak))
    s = xp.sum(e, axis=1, keepdims=True)
    return xp.where(d == 0, xp.log1p(s), xp.log(s + xp.exp(d))) - d


@pytest.mark.parametrize("dtype", DTYPES)
def test_this_law_can_be_broken(dtype):
    z, y = of.certain(dtype)
    truth = of.exactly(of.cross_entropy, zip(z, y, strict=True))
    xp: Any = VERBS["plain"]
    assert held(peak_of_all(xp, z, y[:, None])[:, 0], truth, z)
    rows = peak_of_all(xp, z.view(of.Shaky), y[:, None])[:, 0]
    assert np.mean(rows <= 0) > 0.1
    assert not held(rows, truth, z)
