"""Arrays that are known in part: of symbolic sizes in `jax.export`, of some devices in `shard_map`,
and of a sharding that is part of their type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec


def known(size: Any) -> float:
    """Return a size, infinity where `jax.export` has a symbol for it."""
    return size if isinstance(size, int) else inf


def alike(tree: Any) -> Any:
    """Return arrays that vary over the same axes of a mesh, which loops and products ask for.

    The transpose of what makes a replicated array vary sums its gradient over the devices.
    """
    every = frozenset[Any]().union(*map(_varying, jax.tree.leaves(tree)))
    if not every:
        return tree
    return jax.tree.map(lambda x: jax.lax.pcast(x, tuple(every - _varying(x)), to="varying"), tree)


def _varying(x: Any) -> frozenset[Any]:
    """Return the axes of the mesh of `shard_map` over which an array varies."""
    kind: Any = jax.typeof(x)
    axes: frozenset[Any] = kind.mat.varying
    return axes


def distributed(
    run: Callable[..., Any], given: Any, like: Any, made: Callable[[PartitionSpec], Any]
) -> Any:
    """Return ``run(*given)``, of arrays with explicit sharding as of those that a compiler distributes.

    What is made lies as ``made(spec)`` says, of where ``like`` lies.
    """
    sharding: Any = getattr(jax.typeof(like), "sharding", None)
    if not getattr(getattr(sharding, "mesh", None), "explicit_axes", ()):
        return run(*given)
    arrays, joined = pieces(given)
    cut = jax.tree.map(partial(NamedSharding, sharding.mesh), made(sharding.spec))
    return jax.sharding.auto_axes(lambda *some: run(*joined(some)), out_sharding=cut)(*arrays)


def pieces(given: Any) -> tuple[list[Any], Callable[[Any], Any]]:
    """Return the arrays of a tree, and what makes a tree of others in their place; numbers stay."""
    leaves, tree = jax.tree.flatten(given)

    def joined(some: Any) -> Any:
        rest = iter(some)
        return jax.tree.unflatten(tree, [next(rest) if hasattr(x, "shape") else x for x in leaves])

    return [x for x in leaves if hasattr(x, "shape")], joined
