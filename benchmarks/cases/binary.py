"""Binary cross entropy of logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.exact import Exact, binary_block, by_rows
from benchmarks.family import Case, Contender, Family, How, Inputs, MissingError, Shape
from benchmarks.ours import xent_contenders
from benchmarks.peers import peers
from benchmarks.runners import REFERENCE


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return targets of 0 and 1, and logits of both signs and of some certainty."""
    logits = 6 * rng.standard_normal(shape, np.float32)
    target = (rng.random(shape, np.float32) < 0.5).astype(np.float32)
    return {"target": target, "logits": logits}


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact elements and gradient; each element is a row."""
    target = inputs["target"].reshape(-1, 1)
    return by_rows(binary_block, target, inputs["logits"], None)


def scipy(how: How) -> Callable[..., Any]:
    """`scipy.special.log_expit` of both signs."""
    from scipy.special import log_expit

    return lambda target, logits: how.reduce(
        -(target * log_expit(logits) + (1 - target) * log_expit(-logits))
    )


def sklearn(how: How) -> Callable[..., Any]:
    """`sklearn.metrics.log_loss` of a sigmoid; it clips, and has no loss per row."""
    from scipy.special import expit
    from sklearn.metrics import log_loss

    if how.reduction != "mean":
        raise MissingError("scikit-learn gives no loss per row")
    return lambda target, logits: log_loss(target, expit(logits))


def torch(how: How) -> Callable[..., Any]:
    """`torch.nn.functional.binary_cross_entropy_with_logits`."""
    from torch.nn.functional import binary_cross_entropy_with_logits as loss

    return lambda target, logits: loss(logits, target, reduction=how.reduction)


def optax(how: How) -> Callable[..., Any]:
    """`optax.sigmoid_binary_cross_entropy`."""
    from optax import sigmoid_binary_cross_entropy as rows

    return lambda target, logits: how.reduce(rows(logits, target))


def keras(how: How) -> Callable[..., Any]:
    """`keras.ops.binary_crossentropy` of logits, on JAX; the loss of that name adds a mean."""
    from keras.ops import binary_crossentropy as rows

    return lambda target, logits: how.reduce(rows(target, logits, from_logits=True))


FAMILY = Family(
    name="binary",
    make=make,
    wrt=("logits",),
    exact=exact,
    cases=(
        Case("binary", "binary", (2**24,), (2**18,), dtypes=("float32", "bfloat16")),
        Case("tiny-binary", "tiny, binary", (128,), (128,), memory=False),
    ),
    contenders=(
        *peers("binary", scipy=scipy, torch=torch, optax=optax, keras=keras),
        Contender("scikit-learn", ("numpy",), sklearn, dtypes=("float32",)),
        *xent_contenders("binary_cross_entropy", axis=False),
    ),
    reference=REFERENCE,
)
