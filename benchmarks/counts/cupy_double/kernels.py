"""The kernels that the engine gives CuPy as C code: what each means, in NumPy's words, by its name.

The double can't run C. It takes the meaning from here, checks that the arguments are those that the code
declares, and counts what the code reads and writes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.counts.cupy_double.array import NUMBERS, ndarray
from benchmarks.counts.cupy_double.meter import launched


def _entry(x: Any, index: Any, classes: int, otherwise: float) -> Any:
    inside = (index >= 0) & (index < classes)
    places = np.arange(index.size).reshape(index.shape) * classes + np.where(inside, index, 0)
    return np.where(inside, x.reshape(-1)[places], x.dtype.type(otherwise))


def _put(index: Any, value: Any, classes: int, x: Any) -> None:
    value = np.broadcast_to(value, index.shape)
    for place in np.ndindex(index.shape):
        if 0 <= index[place] < classes:
            x[(*place, index[place])] = value[place]


def _add(index: Any, value: Any, entries: int, classes: int, x: Any) -> None:
    for place in np.ndindex(index.shape):
        if 0 <= index[place] < classes:
            with np.errstate(all="ignore"):
                x[(*place[:-1], index[place])] += value[place]


MEANINGS = {"xent_entry": _entry, "xent_put": _put, "xent_add": _add}


class ElementwiseKernel:
    """A kernel of C code, which is given as CuPy takes it."""

    def __init__(self, inputs: str, outputs: str, operation: str, name: str) -> None:
        self.name = name
        self.inputs, self.outputs = ([p.split() for p in s.split(",")] for s in (inputs, outputs))

    def __call__(self, *args: Any) -> Any:
        declared = self.inputs + self.outputs
        if len(args) not in (len(self.inputs), len(declared)):
            raise TypeError(f"{self.name} takes {len(declared)} arguments")
        kinds: dict[str, Any] = {}
        plain, read = [], []
        for (*raw, kind, _), a in zip(declared, args, strict=False):
            if not isinstance(a, (ndarray, *NUMBERS)):
                raise TypeError(f"Unsupported type {type(a)}")
            if isinstance(a, ndarray) and kinds.setdefault(kind, a.dtype) != a.dtype:
                raise TypeError(f"Type is mismatched. {self.name}: {kind} is {kinds[kind]}")
            plain.append(a.x if isinstance(a, ndarray) else a)
            if isinstance(a, ndarray) and not raw:
                read.append(a.x)
        result = MEANINGS[self.name](*plain)
        touched = np.empty(read[0].shape, kinds[self.outputs[0][-2]])
        if result is None:
            launched(read, [touched])
            return args[-1]
        launched([*read, touched], [result])
        return ndarray(result)
