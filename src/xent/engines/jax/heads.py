"""A linear head in pieces: each device loops over its own rows and classes, and what they make is summed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from math import prod
from typing import Any, cast

import jax
from jax.sharding import NamedSharding, PartitionSpec

from xent._linear import Chunks, Head, Wanted
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines.jax.parts import Division, names_of, spread

Axes = tuple[str, ...]
"""Axes of a mesh."""

OF_HEAD = "nd", "ke", "k"
"""What each axis of features, weight and bias is: n of rows, k of classes, d and e of features."""

Loop = Callable[[Chunks, Head, Operands, Any, Axes], tuple[Array, Any]]
"""A function of chunks, head, operands, the first class, and the axes of the mesh with other classes."""


def by_parts(
    loop: Loop, plan: Plan, chunks: Chunks, head: Head, operands: Operands, wanted: Wanted | None
) -> tuple[Array, Any]:
    """Return the value and the gradients of a head, of each device's own part and summed.

    Rows stay where they are, and classes along the axes of the mesh before the first that has rows. What
    else a device lacks of the weight is gathered, once; the gradients lie as the head does.
    """
    given, made = _of_given(head, operands), _of_made(plan, head, wanted)
    # A gradient lies as what it is of, whatever else is cut along an axis of that: its axes are its own.
    own = ["1" * len(names) if names in OF_HEAD else names for names in made]
    rule = f"{_factors(given, 'a')} -> {_factors(own, 'b')}"

    def divide(mesh: Any, args: Any, results: Any) -> Division:
        rows, classes = (_cut(mesh, args, given, name) for name in "nk")
        whole = not plan.kernel.merges
        classes = () if whole else tuple(takewhile(lambda name: name not in rows, classes))
        at = {"n": rows, "k": classes}
        have = [[at.get(name, ()) for name in names] for names in made]
        want = _as_the_head(mesh, args, made, have)

        def of_part(both: tuple[Head, Operands]) -> tuple[Array, Any]:
            shape = both[0].features.shape[0], both[0].weight.shape[0]
            first = jax.lax.axis_index(classes) * shape[1] if classes else 0
            mine = replace(chunks, shape=shape)
            leaves, tree = jax.tree.flatten(loop(mine, *both, first, classes))
            parts = [_partial(plan, names, rows, classes) for names in made]
            return jax.tree.unflatten(tree, map(_summed, leaves, have, want, parts))

        placed = [_placed(mesh, [at.get(name, ()) for name in names]) for names in given]
        lie = (_placed(mesh, axes) for axes in want)
        return Division(placed, jax.tree.structure(results).unflatten(lie), of_part)

    def alone(both: tuple[Head, Operands]) -> tuple[Array, Any]:
        return loop(chunks, *both, 0, ())

    return cast(tuple[Array, Any], spread(alone, (head, operands), divide, lambda *_: rule))


def _as_the_head(mesh: Any, args: Any, made: list[str], have: list[Any]) -> list[Any]:
    """Return the axes of the mesh for each axis of what is made: those of what it is the gradient of."""
    like = dict(zip(OF_HEAD[1:], args[1:], strict=False))
    return [
        [_axes(mesh, like[names], i) for i in range(len(names))] if names in like else axes
        for names, axes in zip(made, have, strict=True)
    ]


def _of_given(head: Head, operands: Operands) -> list[str]:
    """Return what each axis of each array is: also f of a teacher's features, j of a few, 1 of none."""
    names = list(OF_HEAD[: 2 + (head.bias is not None)])
    known = {"target_probs": "nj", "target_weight": "kf", "target_bias": "k"}
    if operands.target_probs is not None:
        known["target"] = "nj"
    elif operands.target_weight is not None:
        known["target"] = "nf"
    for name in Operands._fields[1:-1]:
        x = getattr(operands, name)
        if not hasattr(x, "shape"):
            continue
        if name == "class_weight" or (name == "pos_weight" and x.ndim < 2):
            names.append("1" * x.ndim)
        else:
            names.append(known.get(name) or ("n1" if x.shape[1:] == (1,) else "nk"[: x.ndim]))
    numbers = jax.tree.leaves(operands.numbers)
    return names + [""] * sum(hasattr(x, "shape") for x in numbers)


def _of_made(plan: Plan, head: Head, wanted: Wanted | None) -> list[str]:
    """Return the same of value and gradients."""
    value = "" if plan.reduction != "none" else "n" if plan.row_axis is not None else "nk"
    gradients = zip(OF_HEAD, wanted or (False,) * 3, head, strict=True)
    beside = ["n"] * len(plan.beside)
    return [value, *beside, *(names for names, wants, x in gradients if wants and x is not None)]


def _factors(every: list[str], side: str) -> str:
    """Return them as the compiler is told: two axes of none are two."""
    return ", ".join(
        " ".join(f"{side}{i}_{j}" if n == "1" else n for j, n in enumerate(names))
        for i, names in enumerate(every)
    )


def _cut(mesh: Any, args: Any, given: list[str], name: str) -> Axes:
    """Return the axes of the mesh along which rows or classes are cut, of the first array where they are."""
    every = zip(args, given, strict=True)
    axes = (_axes(mesh, x, names.index(name)) for x, names in every if name in names)
    return next(filter(None, axes), ())


def _axes(mesh: Any, x: Any, axis: int) -> Axes:
    """Return the axes of the mesh along which an axis of an array is cut, none where not evenly."""
    spec = x.sharding.spec
    axes = names_of(spec[axis]) if axis < len(spec) else ()
    return axes if x.shape[axis] % prod(mesh.shape[name] for name in axes) == 0 else ()


def _placed(mesh: Any, axes: list[Axes]) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec(*(part or None for part in axes)))


def _partial(plan: Plan, names: str, rows: Axes, classes: Axes) -> Axes:
    """Return the axes of the mesh whose devices have summands of what is made."""
    summed = () if "n" in names else rows
    by_class = names == "nd" or (names == "" and plan.row_axis is None)
    return summed + classes if by_class else summed


def _summed(x: Any, have: list[Axes], want: list[Axes], partial: Axes) -> Any:
    """Return the sum of a device's summand and others', of which it keeps what lies there."""
    for i, (held, wants) in enumerate(zip(have, want, strict=True)):
        has = held if wants[: len(held)] == held else ()
        if held != has:  # as a bias may beside a weight: what is cut otherwise is joined first
            x = jax.lax.all_gather(x, held, axis=i, tiled=True)
        for name in wants[len(has) :]:
            if name in partial:
                x = jax.lax.psum_scatter(x, name, scatter_dimension=i, tiled=True)
                partial = tuple(other for other in partial if other != name)
            else:
                size = x.shape[i] // jax.lax.axis_size(name)
                x = jax.lax.dynamic_slice_in_dim(x, jax.lax.axis_index(name) * size, size, i)
    return jax.lax.psum(x, partial) if partial else x
