"""JAX, jitted: eager JAX is for debugging, not for training."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# JAX otherwise takes most of a GPU for itself, beside which nothing else can be measured.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# Keras picks its library when it is imported, and is measured under this one.
os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp

from benchmarks.family import MissingError
from benchmarks.runners.base import Call, Runner, Step


class Jax(Runner):
    """One jitted program for the value, and one for value and gradient."""

    def __init__(self, name: str, device: str, where: Any) -> None:
        super().__init__(name, device, compiled=True)
        self.where = where

    def place(self, array: np.ndarray, dtype: str) -> Any:
        """Return an array committed to the device, so that its programs run there."""
        if np.issubdtype(array.dtype, np.floating):
            array = array.astype(jnp.dtype(dtype), copy=False)
        return jax.block_until_ready(jax.device_put(array, self.where))

    def forward(self, loss: Callable[..., Any], inputs: Sequence[Any]) -> Call:
        """Return a call of the jitted ``loss``."""
        program = jax.jit(loss)
        return lambda: jax.block_until_ready(program(*inputs))

    def both(self, step: Step) -> Call | None:
        """Return a call of the jitted ``value_and_grad`` of the loss."""
        program = jax.jit(jax.value_and_grad(step.loss, argnums=step.wrt))
        return lambda: jax.block_until_ready(program(*step.inputs))

    def host(self, array: Any) -> np.ndarray:
        """Return a result in float32 or float64."""
        half = array.dtype in (jnp.float16, jnp.bfloat16)
        return np.asarray(array.astype(jnp.float32) if half else array)

    def forget(self) -> None:
        """Drop what was compiled for other shapes."""
        jax.clear_caches()

    def extra_memory(self, call: Call) -> int | None:
        """Return the operating system's figure, or on a GPU the allocator's own.

        The allocator's peak cannot be reset: only the first call in a process can be read.
        """
        if self.device == "cpu":
            return super().extra_memory(call)
        before = self.where.memory_stats()["bytes_in_use"]
        result = call()
        extra = self.where.memory_stats()["peak_bytes_in_use"] - before
        del result
        return int(extra)


def make(name: str, device: str = "cpu") -> Runner:
    """Return the runner."""
    try:
        where = jax.devices(device)[0]
    except RuntimeError as error:
        raise MissingError("JAX sees no GPU") from error
    return Jax(name, device, where)
