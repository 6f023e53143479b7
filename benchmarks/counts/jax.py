"""JAX: the program that a device would be given, as XLA's compiler for the processor counts it.

A call is lowered for a GPU, so that nothing in it was chosen for a processor, and is then compiled by the
compiler that is here. No array is made. What a GPU's compiler fuses is not the same: it makes an element
again in each reduction where this one stores it. So these are counts to compare with each other, and with
what they were.

Bytes are those of the compiler's own analysis, which sees the body of a loop once: a device's program of
ours has none, and one of another's is not counted. Kernels are what the program's entry has of fusions and
other operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import export

import xent
from benchmarks.counts.cases import MODES, Case
from benchmarks.counts.count import Count, Counted, Counter
from benchmarks.family import How
from benchmarks.textbook import jax as textbook

Loss = Callable[..., Any]
KINDS = {"label": jnp.int32, "flag": jnp.bool_}
FREE = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}
"""What the entry of a program has that is no kernel."""
WAITS = ("callback", "infeed", "outfeed", "device_put")
"""What the names of operations have in them that stop for the host."""


def make(kind: str, shape: tuple[int, ...], dtype: str) -> Any:
    """Return the shape and dtype of an array, which is all that a compiler asks for."""
    return jax.ShapeDtypeStruct(shape, KINDS.get(kind) or dtype or jnp.float32)


def _ours(case: Case) -> Loss:
    return case.loss


def _optax(case: Case) -> Loss | None:
    """Return the loss as optax has it: of each row, without options."""
    rows: dict[Any, Loss] = {
        xent.binary_cross_entropy: lambda t, z: optax.sigmoid_binary_cross_entropy(z, t),
        xent.kl_divergence: lambda t, z: optax.kl_divergence(jax.nn.log_softmax(z), t),
        "label": lambda t, z: optax.softmax_cross_entropy_with_integer_labels(z, t),
        "share": lambda t, z: optax.safe_softmax_cross_entropy(z, t),
    }
    each = rows.get(case.loss) or rows[case.target]
    return _plain(case, lambda target, logits: each(target, logits).mean())


def _textbook(case: Case) -> Loss | None:
    """Return the textbook's form."""
    forms = {
        (xent.cross_entropy, "label"): textbook.label_loss,
        (xent.kl_divergence, "share"): textbook.divergence_loss,
        (xent.binary_cross_entropy, "share"): textbook.binary_loss,
    }
    form = forms.get((case.loss, case.target))
    return form and _plain(case, form(How()))


def _plain(case: Case, loss: Loss) -> Loss | None:
    """Return the loss of another, None where it would be asked for options."""
    return None if case.options or case.arrays else loss


def traced(loss: Loss, case: Case, mode: str) -> tuple[Any, tuple[Any, ...]]:
    """Return the jitted function of a mode, and what it is called with."""
    given = case.arguments(make)
    logits = given.pop("logits")
    arrays = {k: x for k, x in given.items() if isinstance(x, jax.ShapeDtypeStruct)}
    options = {k: x for k, x in given.items() if k not in arrays}

    def value(logits: Any, arrays: dict[str, Any]) -> Any:
        more = arrays | options
        return loss(more.pop("target"), logits=logits, **more)

    function = value if mode == "forward" else jax.value_and_grad(value)
    return jax.jit(function), (logits, arrays)


def counter(of: Callable[[Case], Loss | None]) -> Counter:
    """Return the counter of a contender."""

    def count(case: Case, mode: str) -> Count | None:
        loss = of(case)
        if loss is None:
            return None
        function, given = traced(loss, case, mode)
        device = export.export(
            function,
            platforms=["cuda"],
            disabled_checks=[export.DisabledSafetyCheck.platform()],
        )(*given)
        compiled: Any = jax.jit(device.call).lower(*given).compile()
        entry = compiled.as_text().split("\nENTRY ")[1]
        kinds = re.findall(r"^  .*? = .*? ([\w-]+)\(", entry, re.MULTILINE)
        if "while" in kinds:
            raise ValueError(f"{case.name}: a loop, of which the compiler counts one round")
        moved = compiled.cost_analysis()["bytes accessed"] / case.passed
        launches = sum(kind not in FREE for kind in kinds)
        return Count(round(moved, 2), launches, waits(jax.make_jaxpr(function)(*given)))

    return count


def waits(jaxpr: Any) -> int:
    """Return how many operations of a program stop for the host."""
    return sum(any(word in name for word in WAITS) for name in re.findall(r"= (\w+)", str(jaxpr)))


HELD = {
    "labels": (Count(5.0, 9), Count(9.0, 14)),
    "labels, many classes": (Count(8.0, 9), Count(15.0, 14)),
    "labels, many rows": (Count(5.02, 9), Count(9.04, 14)),
    "labels, small": (Count(2.31, 3), Count(11.71, 11)),
    "smoothed": (Count(10.0, 15), Count(16.0, 23)),
    "weighted": (Count(5.0, 11), Count(9.0, 15)),
    "sample weights": (Count(5.0, 10), Count(9.0, 14)),
    "ignored": (Count(5.0, 12), Count(9.0, 16)),
    "masked": (Count(5.0, 12), Count(9.0, 16)),
    "softcap": (Count(7.0, 10), Count(12.0, 15)),
    "z-loss": (Count(8.0, 18), Count(15.0, 24)),
    "soft targets": (Count(15.0, 16), Count(18.0, 20)),
    "KL": (Count(23.0, 21), Count(26.0, 24)),
    "binary": (Count(13.0, 5), Count(16.0, 6)),
}
"""Of jaxlib 0.10; another compiler may fuse otherwise."""

JAX = Counted(
    "JAX jitted",
    {"xent": counter(_ours), "optax": counter(_optax), "textbook": counter(_textbook)},
    {(case, mode): of for case, both in HELD.items() for mode, of in zip(MODES, both, strict=True)},
)
