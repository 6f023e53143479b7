"""KL divergence of a student's logits from those of a teacher that it is near, as in distillation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.exact import Exact, by_rows, rows_first, teacher_block
from benchmarks.family import Case, Contender, Family, How, Inputs, Shape
from benchmarks.ours import xent_contenders
from benchmarks.runners import JAX, NUMPY, REFERENCE, TORCH
from benchmarks.textbook import textbook

APART = np.float32(0.3)
"""How far a student's logits are from its teacher's, of which those of a row differ by about 2."""

FORMS = ("teacher_loss", "teacher_gradient")
"""What the textbook has."""


def make(shape: Shape, axis: int, rng: np.random.Generator) -> Inputs:
    """Return the logits of a teacher and of its student."""
    teacher = 2 * rng.standard_normal(shape, np.float32)
    return {
        "target_logits": teacher,
        "logits": teacher + APART * rng.standard_normal(shape, np.float32),
    }


def exact(inputs: Inputs, axis: int) -> Exact:
    """Return the exact rows and the gradient for the student's logits."""
    teacher = rows_first(inputs["target_logits"], axis)
    return by_rows(teacher_block, teacher, inputs["logits"], axis)


def torch(how: How) -> Callable[..., Any]:
    """`torch.nn.functional.kl_div` of two log-softmaxes."""
    from torch.nn import functional

    def loss(teacher: Any, logits: Any) -> Any:
        log_p, log_q = (functional.log_softmax(x, how.axis) for x in (teacher, logits))
        if how.reduction == "none":
            return functional.kl_div(log_q, log_p, reduction="none", log_target=True).sum(how.axis)
        return functional.kl_div(log_q, log_p, reduction="batchmean", log_target=True)

    return loss


def optax(how: How) -> Callable[..., Any]:
    """`optax.losses.kl_divergence_with_log_targets` of two log-softmaxes."""
    from jax import nn
    from optax.losses import kl_divergence_with_log_targets

    return lambda teacher, logits: how.reduce(
        kl_divergence_with_log_targets(
            nn.log_softmax(logits, how.axis), nn.log_softmax(teacher, how.axis), axis=how.axis
        )
    )


FAMILY = Family(
    name="teacher",
    make=make,
    wrt=("logits",),
    exact=exact,
    cases=(Case("distilled", "KL of a teacher's logits", (8192, 1000), (256, 500)),),
    contenders=(
        Contender("textbook", NUMPY, *(textbook("numpy", f) for f in FORMS), ("float32",)),
        Contender("torch.nn.functional", TORCH, torch),
        Contender("textbook", JAX, textbook("jax", FORMS[0])),
        Contender("optax", JAX, optax),
        *xent_contenders("kl_divergence", target="target_logits"),
    ),
    reference=REFERENCE,
)
