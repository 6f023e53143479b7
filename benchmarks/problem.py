"""The arrays of a case, the same in every process."""

from __future__ import annotations

import numpy as np

from benchmarks.family import Family, Inputs, Shape

SEED = 20240229


def quantised(array: np.ndarray, dtype: str) -> np.ndarray:
    """Return ``array`` in values that ``dtype`` has: its exact loss is then every contender's."""
    if not np.issubdtype(array.dtype, np.floating) or dtype == "float32":
        return array
    if dtype == "float16":
        return array.astype(np.float16).astype(np.float32)
    # bfloat16 is the upper half of a float32.
    return (array.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def problem(family: Family, shape: Shape, axis: int, dtype: str) -> Inputs:
    """Return the inputs of a family at a size, as float32 and integer arrays."""
    made = family.make(shape, axis, np.random.default_rng(SEED))
    return {name: quantised(array, dtype) for name, array in made.items()}


def traffic(family: Family, inputs: Inputs, dtype: str) -> tuple[int, int]:
    """Return the bytes that must be read, and those of the gradients that must be written."""
    width = {"float32": 4, "float16": 2, "bfloat16": 2}[dtype]

    def size(array: np.ndarray) -> int:
        return array.size * (width if np.issubdtype(array.dtype, np.floating) else array.itemsize)

    read = sum(size(array) for array in inputs.values())
    return read, sum(size(inputs[name]) for name in family.wrt)
