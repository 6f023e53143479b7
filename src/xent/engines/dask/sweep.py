"""Sums over a grid of tasks, each of which adds to what those before it have, whatever the scheduler does.

A task that made only its own share would leave it to the scheduler when that is added, and schedulers
make many shares first. So the totals go from task to task, down the rows for each chunk of classes and
along the classes for each chunk of rows, and no task begins before all was taken of its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from itertools import product
from operator import add
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from xent import _dispatch, _dtype
from xent._linear import Gradients
from xent.engines.dask.tasks import CLASS, plain

LANES = 2
"""Tasks of one chunk of classes that may run at a time: they add to as many totals."""

FIELDS = ("value", *Gradients._fields)


class Sweep:
    """Tasks that return a value and gradients, for each chunk of rows and each chunk of classes."""

    def __init__(
        self, function: Any, given: list[Any], cuts: Any, numbers: Any, dtype: Any
    ) -> None:
        self.cuts, self.shape = cuts, tuple(map(len, cuts))
        self.lanes = max(1, min(self.shape[0], LANES // self.shape[1]))
        self.dtype, self.name = dtype, f"sweep-{tokenize(function, given, numbers)}"
        lazy: Any = dask.delayed(plain)(numbers)
        pairs = list(zip(given[::2], given[1::2], strict=True))
        run = partial(_swept, function, dtype)
        graph: dict[Any, Any] = {}
        for n, k in product(*map(range, self.shape)):
            beside, above = (n, k - 1), (n - self.lanes, k)
            done = [(f"{self.name}-done", *at) for at in (beside, above) if min(at) >= 0]
            before = [self._key("features", *beside)]
            before += [self._key(field, *above) for field in ("weight", "bias")]
            own = [_chunk(x, index, n, k) for x, index in pairs]
            graph[self.name, n, k] = (run, done, *before, lazy.key, *own)
            taken = {field: self._key(field, n, k) for field in FIELDS}
            for field, key in taken.items():
                graph[key] = (partial(_taken, field), (self.name, n, k))
            graph[f"{self.name}-done", n, k] = (_nothing, list(taken.values()))
        arrays = [lazy, *(x for x, index in pairs if index is not None)]
        layers = HighLevelGraph.from_collections(self.name, graph, arrays)
        self.made = da.Array(layers, self.name, [(1,) * n for n in self.shape], dtype=object)

    def _key(self, field: str, n: int, k: int) -> Any:
        return (f"{self.name}-{field}", n, k) if min(n, k) >= 0 else None

    def features(self, width: int) -> Any:
        """Return the gradient of the features."""
        last = self.shape[1] - 1
        places = {(n, 0): (n, last) for n in range(self.shape[0])}
        return self._array("features", places, (self.cuts[0], (width,)))

    def total(self, field: str, *width: int) -> Any:
        """Return the gradient of the weight, or of the bias, which has no width."""
        sizes = (self.cuts[1], *((n,) for n in width))
        rest = (0,) * len(width)
        ends = range(self.shape[0] - self.lanes, self.shape[0])
        lanes = [{(k, *rest): (n, k) for k in range(self.shape[1])} for n in ends]
        return reduce(add, [self._array(field, places, sizes) for places in lanes])

    def value(self, axes: int | None) -> Any:
        """Return the values of rows or of their elements, or None for no axes the sum of all."""
        places = list(product(*map(range, self.shape)))
        if axes is not None:
            return self._array("value", {at[:axes]: at for at in places}, self.cuts[:axes])
        ones = [(1,) * n for n in self.shape]
        return self._array(
            "value", dict(zip(places, places, strict=True)), ones, (None, None)
        ).sum()

    def _array(self, field: str, places: Any, sizes: Any, part: Any = ()) -> Any:
        name = f"{self.name}-{field}-{tokenize(places)}"
        pick = partial(_part, part)
        graph = {(name, *to): (pick, self._key(field, *at)) for to, at in places.items()}
        layers = HighLevelGraph.from_collections(name, graph, [self.made])
        return da.Array(layers, name, sizes, meta=np.empty((0,) * len(sizes), dtype=self.dtype))


def _chunk(x: Any, index: Any, n: int, k: int) -> Any:
    """Return the key of the chunk that a task sees of an array, or what is no array."""
    if index is None:
        return x
    places = {0: n, CLASS: k}
    each = zip(index, x.numblocks, strict=True)
    return x.name, *(places.get(i, 0) if blocks > 1 else 0 for i, blocks in each)


# --- what runs in a task, on the library of the chunk ---


def _swept(
    function: Callable[..., Any],
    dtype: Any,
    done: Any,
    features: Any,
    weight: Any,
    bias: Any,
    numbers: Any,
    *given: Any,
) -> Any:
    """Return the value of a chunk, and its gradients with what there was before."""
    value, own = function(*given, numbers=numbers)
    pairs = zip((features, weight, bias), own, strict=True)
    return value, Gradients(*(_added(before, x, dtype) for before, x in pairs))


def _added(before: Any, x: Any, dtype: Any) -> Any:
    if x is None:
        return None
    x = _dtype.cast(_dispatch.engine_of("gradient", x).xp, x, dtype)
    return x if before is None else before + x


def _taken(field: str, made: Any) -> Any:
    return made[0] if field == "value" else getattr(made[1], field)


def _part(part: Any, x: Any) -> Any:
    return x[part]


def _nothing(taken: Any) -> None:
    """Return nothing, once all that was made of a chunk has been taken."""
