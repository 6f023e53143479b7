"""The verbs of Dask's arrays: what its namespace lacks, chunk by chunk."""

from __future__ import annotations

from math import isnan, nan, prod
from typing import Any

import dask.array as da

from xent import _dispatch
from xent._namespace import Namespace
from xent.engines.dask.tasks import CLASS


class DaskVerbs(Namespace):
    """The verbs as Dask lacks them, or would warn in them."""

    def log(self, x: Any) -> Any:
        """Return log ``x``, computed by the engine of each chunk, without its warnings."""
        return da.map_blocks(_log, x, dtype=x.dtype, meta=x._meta)

    def reshape(self, x: Any, shape: Any) -> Any:
        """Return ``x`` in another shape; of rows of an unknown number, each chunk by itself."""
        if 0 in x.shape:
            return da.zeros_like(x, shape=tuple(max(n, 0) for n in shape))
        if not isnan(prod(x.shape)):
            return da.reshape(x, shape)
        if x.ndim == len(shape):
            return x
        _known(x.shape[1:], x.shape)
        x = x.rechunk(dict.fromkeys(range(1, x.ndim), -1))
        others = tuple(shape[1:])
        return da.map_blocks(
            _rows_of,
            x,
            others,
            dtype=x.dtype,
            drop_axis=list(range(1, x.ndim)),
            new_axis=list(range(1, len(shape))),
            chunks=((nan,) * x.numblocks[0], *((n,) for n in others)),
            meta=da.utils.meta_from_array(x._meta, len(shape)),
        )

    def clip(self, x: Any, min: Any = None, max: Any = None) -> Any:
        """Return ``x`` within limits; its sizes may be unknown."""
        x = x if min is None else da.maximum(x, min)
        return x if max is None else da.minimum(x, max)

    def first_peak(self, x: Any, axis: int) -> Any:
        """Return the index of the first maximum; the axis is brought into one chunk."""
        here, there, axis = _across(x, axis)
        options = {"dtype": self.integer, "concatenate": True, "new_axes": {axis: 1}}
        return da.blockwise(_first_peak, here, x, there, axis=axis, **options)

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entry of ``x`` at ``index``; the axis is brought into one chunk."""
        return self.entries(x, index, axis)

    def entries(self, x: Any, index: Any, axis: int) -> Any:
        """Return the entries of ``x`` at ``index``, each chunk of which sees the whole axis."""
        here, there, axis = _across(x, axis)
        options = {"axis": axis, "dtype": x.dtype, "concatenate": True}
        return da.blockwise(_entries, here, x, there, index, here, **options)


def _across(x: Any, axis: int) -> tuple[Any, Any, int]:
    """Return the axes of a result and of ``x``, whose ``axis`` has another size, and that."""
    here, axis = tuple(range(x.ndim)), axis % x.ndim
    return here, tuple(CLASS if i == axis else i for i in here), axis


def _known(sizes: Any, shape: Any) -> None:
    """Raise unless the sizes are known."""
    if isnan(prod(sizes)):
        raise ValueError(f"sizes of {shape} are unknown; call compute_chunk_sizes() first")


def _rows_of(x: Any, shape: Any) -> Any:
    return x.reshape((prod(x.shape) // max(1, prod(shape)), *shape))


def _log(x: Any) -> Any:
    engine = _dispatch.engine_of("x", x)
    return engine.run(engine.xp.log, x)


def _first_peak(x: Any, axis: int) -> Any:
    return _dispatch.engine_of("x", x).xp.first_peak(x, axis)


def _entries(x: Any, index: Any, axis: int) -> Any:
    return _dispatch.engine_of("x", x).xp.entries(x, index, axis)
