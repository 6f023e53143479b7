"""Softmax cross entropy of logits with integer labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.exact import Exact, by_rows, label_block
from benchmarks.family import Case, Contender, Family, How, Inputs, MissingError, Shape
from benchmarks.ours import xent_contenders
from benchmarks.peers import peers
from benchmarks.runners import REFERENCE


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return labels and logits of a model half trained: in half of the rows the label is ahead."""
    logits = 2 * rng.standard_normal(shape, np.float32)
    rows = shape[:axis] + shape[axis:][1:]
    labels = rng.integers(0, shape[axis], rows)
    pick = np.expand_dims(labels, axis)
    lift = np.maximum(rng.uniform(-30, 30, pick.shape), 0).astype(np.float32)
    np.put_along_axis(logits, pick, np.take_along_axis(logits, pick, axis) + lift, axis)
    return {"labels": labels, "logits": logits}


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact rows and gradient."""
    return by_rows(label_block, inputs["labels"].reshape(-1), inputs["logits"], axis)


def scipy(how: How) -> Callable[..., Any]:
    """`scipy.special.log_softmax` and a pick."""
    from scipy.special import log_softmax

    from benchmarks.textbook.numpy import pick

    return lambda labels, logits: how.reduce(
        -pick(log_softmax(logits, axis=how.axis), labels, how.axis)
    )


def sklearn(how: How) -> Callable[..., Any]:
    """`sklearn.metrics.log_loss` of a softmax; it clips, and has no loss per row."""
    from sklearn.metrics import log_loss
    from sklearn.utils.extmath import softmax

    if how.reduction != "mean":
        raise MissingError("scikit-learn gives no loss per row")

    def loss(labels: Any, logits: Any) -> Any:
        rows = np.moveaxis(logits, how.axis, -1).reshape(-1, logits.shape[how.axis])
        return log_loss(labels.reshape(-1), softmax(rows), labels=np.arange(rows.shape[1]))

    return loss


def torch(how: How) -> Callable[..., Any]:
    """`torch.nn.functional.cross_entropy`."""
    from torch.nn import functional

    return lambda labels, logits: functional.cross_entropy(logits, labels, reduction=how.reduction)


def liger(how: How) -> Callable[..., Any]:
    """Liger's kernel, on a copy: it writes the gradient over its input."""
    from liger_kernel.transformers.functional import liger_cross_entropy

    return lambda labels, logits: liger_cross_entropy(
        logits.clone(), labels, reduction=how.reduction
    )


def optax(how: How) -> Callable[..., Any]:
    """`optax.softmax_cross_entropy_with_integer_labels`."""
    from optax import softmax_cross_entropy_with_integer_labels as rows

    return lambda labels, logits: how.reduce(rows(logits, labels, axis=how.axis))


def keras(how: How) -> Callable[..., Any]:
    """`keras.losses.sparse_categorical_crossentropy` of logits, on JAX.

    Its ``axis`` is checked as if it were the last, so the classes are moved there.
    """
    from keras import ops
    from keras.losses import sparse_categorical_crossentropy as rows

    def loss(labels: Any, logits: Any) -> Any:
        last = ops.moveaxis(logits, how.axis, -1)
        return how.reduce(rows(labels, last, from_logits=True))

    return loss


FAMILY = Family(
    name="labels",
    make=make,
    wrt=("logits",),
    exact=exact,
    cases=(
        Case(
            "lm-32k",
            "language-model rows",
            (2048, 32768),
            (128, 4096),
            dtypes=("float32", "bfloat16"),
        ),
        Case("lm-128k", "language-model rows", (1024, 128256), (32, 16032)),
        Case(
            "imagenet",
            "ImageNet",
            (8192, 1000),
            (512, 1000),
            dtypes=("float32", "bfloat16", "float16"),
        ),
        Case("tabular", "tabular", (65536, 10), (8192, 10)),
        Case("pixels", "pixels", (8, 21, 512, 512), (2, 21, 64, 64), axis=1),
        Case("tiny-32x10", "tiny", (32, 10), (32, 10), memory=False),
        Case("tiny-128x10", "tiny", (128, 10), (128, 10), memory=False),
        Case("tiny-128x1000", "tiny", (128, 1000), (128, 1000), memory=False),
        Case(
            "lm-gpu",
            "language-model rows on a GPU",
            (8192, 128256),
            (512, 128256),
            dtypes=("bfloat16",),
            device="cuda",
        ),
        Case(
            "growth-size",
            "growth with the number of logits",
            (10_000, 10_000),
            (250, 400),
            smaller=((10, 10), (25, 40), (100, 100), (250, 400), (1000, 1000), (2500, 4000)),
        ),
    ),
    contenders=(
        *peers("label", scipy=scipy, torch=torch, optax=optax, keras=keras),
        Contender("scikit-learn", ("numpy",), sklearn, dtypes=("float32",), largest=2**24),
        Contender("Liger", ("torch-cuda",), liger),
        *xent_contenders("cross_entropy"),
    ),
    reference=REFERENCE,
)
