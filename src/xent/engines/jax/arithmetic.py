"""Positions as floating-point numbers: what XLA's loops take in place of a `select`."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xent.engines.jax.sizes import known


def integer() -> Any:
    """Return the widest integer dtype."""
    return jax.dtypes.canonicalize_dtype(np.int64)


def iota(x: Any, axis: int) -> Any:
    """Return 0, 1, … along ``axis`` of ``x``, with size 1 along its other axes."""
    return iota_of(x.shape[axis], x.ndim, axis)


def iota_of(size: int, ndim: int, axis: int) -> Any:
    """Return 0, 1, …, ``size`` − 1 along ``axis`` of ``ndim``."""
    shape = [1] * ndim
    shape[axis] = size
    return jax.lax.broadcasted_iota(integer(), shape, axis % ndim)


def countable(x: Any, axis: int) -> bool:
    """Whether the positions along ``axis`` are exact in the dtype of ``x``."""
    return bool(3 * known(x.shape[axis]) <= 1 / jnp.finfo(x.dtype).eps)


def positions(x: Any, axis: int) -> Any:
    """Return the positions along ``axis`` in the dtype of ``x``."""
    return iota(x, axis).astype(x.dtype)


def emptied(x: Any, index: Any, axis: int) -> Any:
    """Return ``x`` with 0 at ``index``, by its distance from each position."""
    away = jnp.abs(positions(x, axis) - index.astype(x.dtype))
    return x * jnp.minimum(away, 1)


def scattered(x: Any, index: Any, value: float, axis: int) -> Any:
    """Return a copy of ``x``, written to at ``index``: where it stays in the cache the fastest."""
    beyond = jnp.where(index < 0, x.shape[axis], index)  # which JAX would count from the end
    return jnp.put_along_axis(x, beyond, value, axis, inplace=False, mode="drop")


def bounded(peak: Any) -> Any:
    """Return a peak that a logit of the same infinity is beyond, and any other is far below."""
    large = jnp.finfo(peak.dtype).max
    return jnp.clip(peak, -large, large)


def first_peak(x: Any, axis: int) -> Any:
    """Return the index of the first maximum, or on a CPU of one that is as large but for rounding."""

    def on_device(x: Any) -> Any:
        index: Any = jnp.expand_dims(jnp.argmax(x, axis=axis), axis)
        return index.astype(integer())

    x = jax.lax.stop_gradient(x)
    return jax.lax.platform_dependent(x, cpu=partial(_about_peak, axis=axis), default=on_device)


def _about_peak(x: Any, axis: int) -> Any:
    """Return it by sums and minima, which XLA's CPU backend makes in less time than an `argmax`.

    XLA may compute ``x`` anew in each loop, and contract it otherwise: no two are sure to agree.
    So the first within 4 ULP of the peak is taken, or within 64 where there is none.
    """
    peak, size = bounded(jnp.max(x, axis=axis, keepdims=True)), x.shape[axis]
    ulp = jnp.maximum(jnp.finfo(x.dtype).eps * jnp.abs(peak), jnp.finfo(x.dtype).tiny)
    tier: Any = sum(jnp.clip(jnp.floor((peak - x) / (n * ulp)), 0, 1) for n in (4, 64))
    place = jnp.min(positions(x, axis) + tier * size, axis=axis, keepdims=True)
    return jnp.nan_to_num(place).astype(integer()) % size
