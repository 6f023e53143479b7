"""Arrays of few classes, class by class, as XLA's CPU backend makes loops over their rows of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def of_classes(measure: Any, x: Any, target: Any, axis: int) -> Any:
    """Return what ``measure`` makes, of arrays with their classes apart in memory.

    Along the last axis they are put there by a stack: of a transpose XLA makes no copy.
    """
    if axis < x.ndim - 1:
        return measure(x, target, axis)[0]

    def turned(x: Any) -> Any:
        return jnp.stack([x[..., i] for i in range(x.shape[-1])]) if jnp.ndim(x) else x

    made = measure(turned(x), jax.tree.map(turned, target), 0)[0]
    return jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1) if jnp.ndim(x) else x, made)


def classes(x: Any, axis: int) -> list[Any]:
    """Return the classes along ``axis``, of size 1 there."""
    return [jax.lax.slice_in_dim(x, i, i + 1, axis=axis) for i in range(x.shape[axis])]


def in_pairs(function: Callable[[Any, Any], Any], parts: list[Any]) -> Any:
    """Return what a function makes of pairs of parts, and of pairs of these, until one is left."""
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        parts = [function(a, b) for a, b in pairs] + parts[len(parts) // 2 * 2 :]
    return parts[0]


def stored(x: Any) -> Any:
    """Return a number of each row, made once: XLA would make it anew for each class that it meets.

    It doesn't repeat a division; this one is by 1, or of a NaN by itself.
    """
    return x / jax.lax.stop_gradient(jnp.where(jnp.isnan(x), x, 1))
