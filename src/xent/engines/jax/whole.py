"""Statistics of whole rows, of those that each device has of its own classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from xent._kernel import Kernel, Statistics
from xent._rounds import Round, of_one
from xent.engines.jax.turned import in_pairs

Measure = Callable[[Kernel, Any, Any], Statistics]
"""A function of a kernel, prediction and target."""


def of_rounds(
    measure: Measure,
    kernel: Kernel,
    xp: Any,
    prediction: Any,
    target: Any,
    names: tuple[str, ...] = (),
) -> Statistics:
    """Return the statistics of whole rows, whose other classes lie along some axes of the mesh, if any."""

    def measured(now: Round) -> Statistics:
        s = measure(now.kernel, prediction, now.given(target))
        return merged(now.kernel, xp, s, names) if names else s

    return of_one(kernel, measured)


def merged(kernel: Kernel, xp: Any, s: Statistics, names: tuple[str, ...]) -> Statistics:
    """Return the statistics of whole rows, of those of all devices along some axes of the mesh.

    All of a dtype travel together; those that no loss is made of are dropped by the compiler.
    """
    leaves, tree = jax.tree.flatten(s)
    every: list[Any] = list(leaves)
    for dtype in dict.fromkeys(x.dtype for x in leaves):  # on each host in the same order
        mine = [i for i, x in enumerate(leaves) if x.dtype == dtype]
        gathered = jax.lax.all_gather(jnp.stack([leaves[i] for i in mine]), names)
        for n, i in enumerate(mine):
            every[i] = gathered[:, n]
    parts = [jax.tree.unflatten(tree, [x[n] for x in every]) for n in range(every[0].shape[0])]
    return in_pairs(partial(kernel.merge, xp), parts)
