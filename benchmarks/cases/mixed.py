"""Softmax cross entropy of logits with soft targets, as of mixed images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.cases.soft import make
from benchmarks.exact import Exact, by_rows, mixed_block, rows_first
from benchmarks.family import Case, Family, How, Inputs
from benchmarks.ours import xent_contenders
from benchmarks.peers import peers
from benchmarks.runners import REFERENCE


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact rows and the gradient for the logits."""
    return by_rows(mixed_block, rows_first(inputs["target"], axis), inputs["logits"], axis)


def scipy(how: How) -> Callable[..., Any]:
    """`scipy.special.log_softmax` and a sum."""
    from scipy.special import log_softmax

    return lambda target, logits: how.reduce(
        -(target * log_softmax(logits, axis=how.axis)).sum(axis=how.axis)
    )


def torch(how: How) -> Callable[..., Any]:
    """`torch.nn.functional.cross_entropy` of probabilities."""
    from torch.nn import functional

    return lambda target, logits: functional.cross_entropy(logits, target, reduction=how.reduction)


def optax(how: How) -> Callable[..., Any]:
    """`optax.softmax_cross_entropy`."""
    from optax import softmax_cross_entropy

    return lambda target, logits: how.reduce(softmax_cross_entropy(logits, target, axis=how.axis))


def keras(how: How) -> Callable[..., Any]:
    """`keras.losses.categorical_crossentropy` of logits, on JAX."""
    from keras.losses import categorical_crossentropy as rows

    return lambda target, logits: how.reduce(rows(target, logits, from_logits=True, axis=how.axis))


FAMILY = Family(
    name="mixed",
    make=make,
    wrt=("logits",),
    exact=exact,
    cases=(
        Case("mixed-1000", "soft targets", (8192, 1000), (512, 1000)),
        Case("mixed-10", "soft targets of few classes", (65536, 10), (8192, 10)),
    ),
    contenders=(
        *peers("mixed", scipy=scipy, torch=torch, optax=optax, keras=keras),
        *xent_contenders("cross_entropy"),
    ),
    reference=REFERENCE,
)
