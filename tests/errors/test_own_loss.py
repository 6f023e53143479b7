"""What is said of the calls of somebody's own loss (R3, R11, R18)."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import xent
from tests.errors.said import assert_said, rows
from tests.laws.strangers import generalised
from tests.laws.test_counts import taylor
from xent.kernels import labels

Z = np.zeros((2, 3))
Y = np.asarray([0, 1])
P = np.full((2, 3), 1 / 3)


@xent.loss(xent.CrossEntropyOptions)
def of_labels(target, *, logits, **options):
    """A loss that knows labels alone."""
    return xent.Call(target, {"logits": logits}, labels.KERNELS, options=options)


@dataclass(frozen=True)
class Squeezed(labels.FromLogits):
    """A formula with a number and a word."""

    epsilon: float = 1.0
    mode: str = "one"


@xent.loss(xent.LikelihoodOptions)
def squeezed(target, *, logits, epsilon=1.0, mode="one", **options):
    """Its loss."""
    kernels = {"logits": Squeezed(epsilon, mode)}
    return xent.Call(target, {"logits": logits}, kernels, options=options)


@xent.loss(xent.DivergenceOptions)
def brier(target, probs, **options):
    """A loss of distributions by somebody else."""
    kernels = {"probs": Brier()}
    return xent.Call(target, {"probs": probs}, distributions=kernels, options=options)


class Brier(xent.Kernel):
    """Its formula, which no call here comes to."""


PARAMETERS = [
    (
        lambda: of_labels(Y, logits=Z, label_smoothing=0.1),
        ValueError,
        "label_smoothing",
        "labels only",
    ),
    (
        lambda: squeezed(Y, logits=Z, epsilon="1"),
        TypeError,
        "epsilon is '1'; it takes a number",
    ),
    (lambda: squeezed(Y, logits=Z, epsilon=None), TypeError, "epsilon is None; it takes a number"),
    (lambda: squeezed(Y, logits=Z, epsilon=[1.0]), TypeError, "epsilon is [1.0]; it takes"),
    (lambda: squeezed(Y, logits=Z, epsilon=True), TypeError, "epsilon is True; it takes"),
    (
        lambda: squeezed(Y, logits=Z, epsilon=np.ones(3)),
        TypeError,
        "epsilon is an array of shape (3,); it takes a number",
    ),
    (lambda: taylor(Y, logits=Z, order=2.5), TypeError, "terms is 2.5; it takes a whole number"),
    (lambda: taylor(Y, logits=Z, order=True), TypeError, "terms is True; it takes a whole"),
    (lambda: taylor(Y, logits=Z, order=None), TypeError, "terms is None; it takes a whole"),
    (
        lambda: taylor(Y, logits=Z, order=np.asarray(2)),
        TypeError,
        "terms is an array of shape (); it takes a whole number, which no array is",
    ),
    (
        lambda: squeezed(Y, logits=Z, mode=np.ones(3)),
        TypeError,
        "Squeezed has an array for mode, which no kernel takes",
        "class_weight",
    ),
    (
        lambda: xent.loss(xent.CurveOptions)(partial(xent.focal_loss, gamma=2.0)),
        TypeError,
        "xent.loss decorates a function, and got one of type partial",
    ),
    (
        lambda: xent.loss(xent.CurveOptions)(len),
        TypeError,
        "xent.loss decorates a function, and got one of type builtin",
    ),
]
TARGETS = [
    (
        lambda: generalised(P, P),
        TypeError,
        "target has dtype float64; it takes integer labels",
    ),
    (
        lambda: brier(Y, P),
        TypeError,
        "target has dtype int64; it takes distributions in floating point",
        "xent.one_hot",
    ),
]
TABLES = (PARAMETERS, TARGETS)


@pytest.mark.parametrize(("call", "kind", "held"), rows(*TABLES))
def test_message(call, kind, held):
    assert_said(call, kind, held)


@pytest.mark.parametrize("call", [lambda: generalised(P, P), lambda: brier(Y, P)])
def test_somebodys_loss_is_not_told_to_use_another(call):
    with pytest.raises(TypeError) as caught:
        call()
    assert "cross_entropy" not in str(caught.value)
