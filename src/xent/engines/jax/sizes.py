"""Arrays that are known in part: of symbolic sizes in `jax.export`, of some devices in `shard_map`."""

from __future__ import annotations

from math import inf
from typing import Any

import jax


def known(size: Any) -> float:
    """Return a size, infinity where `jax.export` has a symbol for it."""
    return size if isinstance(size, int) else inf


def alike(tree: Any) -> Any:
    """Return arrays that vary over the same axes of a mesh, which loops and products ask for.

    The transpose of what makes a replicated array vary sums its gradient over the devices.
    """
    cast: Any = getattr(jax.lax, "pcast", None)
    every = frozenset[Any]().union(*map(_varying, jax.tree.leaves(tree))) if cast else ()
    if not every:  # versions of JAX without `pcast` are left to their own rules
        return tree
    return jax.tree.map(lambda x: cast(x, tuple(every - _varying(x)), to="varying"), tree)


def _varying(x: Any) -> frozenset[Any]:
    """Return the axes of the mesh of `shard_map` over which an array varies."""
    kind: Any = jax.typeof(x)
    axes: frozenset[Any] = kind.mat.varying if hasattr(kind, "mat") else kind.vma
    return axes
