"""Rows measured where they lie: of an array in pieces each device measures its own, and the parts merge."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from itertools import permutations, product
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental.custom_partitioning import custom_partitioning
from jax.extend.core import Primitive, jaxpr_as_fun
from jax.interpreters import mlir
from jax.sharding import NamedSharding, PartitionSpec

from xent._kernel import Kernel, Statistics
from xent._math import Entries
from xent.engines.jax.sizes import pieces
from xent.engines.jax.whole import Measure, of_rounds

_of_one = ContextVar("of_one", default=False)
"""Whether what is traced is what one device does."""


def apart() -> bool:
    """Whether arrays may lie on several devices without that being seen while a program is traced."""
    several = jax.device_count() > 1 and not jax.sharding.get_abstract_mesh().manual_axes
    return several and not _of_one.get()


def of_one_device(function: Callable[..., Any], *args: Any) -> Any:
    """Return ``function(*args)``, in which nothing is told where it lies."""
    token = _of_one.set(True)
    try:
        return function(*args)
    finally:
        _of_one.reset(token)


class Division(NamedTuple):
    """Where arguments and results of a program lie, and what each device does of its parts."""

    given: list[NamedSharding]
    made: Any
    of_part: Callable[[Any], Any]


def spread(
    function: Callable[[Any], Any],
    given: Any,
    divide: Callable[[Any, Any, Any], Division],
    rule: Callable[[Any, Any], str],
) -> Any:
    """Return ``function(given)``, done by each device as ``divide(mesh, arguments, results)`` says.

    What a compiler distributes by itself it gathers where rows are cut into blocks. ``rule`` tells it
    which axes go together. It has none for `vmap`, under which it distributes by itself after all.
    """
    arrays, joined = pieces(given)

    def whole(*some: Any) -> Any:
        return of_one_device(function, joined(some))

    def partition(mesh: Any, args: Any, results: Any) -> Any:
        placed, made, of_part = divide(mesh, _named(mesh, args), results)

        def lowered(*some: Any) -> Any:
            own = jax.make_jaxpr(lambda *part: of_one_device(of_part, joined(part)))
            flat = jaxpr_as_fun(own(*map(_outline, some, arrays)))(*some)
            return jax.tree.structure(results).unflatten(flat)

        return mesh, lowered, made, tuple(placed)

    placed = custom_partitioning(whole)
    inferred, ruled = lambda *of: partition(*of)[2], lambda mesh, *sides: rule(*sides)
    placed.def_partition(partition, inferred, decode_shardings=False, sharding_rule=ruled)

    @jax.custom_batching.custom_vmap
    def run(*some: Any) -> Any:
        known, made = jax.make_jaxpr(whole, return_shape=True)(*some)
        flat = _lying.bind(*some, placed=jax.make_jaxpr(placed)(*some), whole=known)
        return jax.tree.structure(made).unflatten(flat)

    run.def_vmap(lambda size, batched, *some: _batched(whole, size, batched, some))
    return run(*arrays)


def _outline(x: Any, like: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, weak_type=jax.typeof(like).weak_type)


_lying = Primitive("xent_lying")
"""What is ``placed`` where its arrays lie; the ``whole`` in a program that is exported, and can't be told."""

_lying.multiple_results = True
_lying.def_impl(lambda *some, placed, whole: jax.jit(jaxpr_as_fun(placed))(*some))
_lying.def_abstract_eval(lambda *some, placed, whole: whole.out_avals)


def _lowered(context: Any, *some: Any, placed: Any, whole: Any) -> Any:
    exported = context.module_context.lowering_parameters.for_export
    return mlir.lower_fun(jaxpr_as_fun(whole if exported else placed))(context, *some)


mlir.register_lowering(_lying, _lowered)


def _named(mesh: Any, args: Any) -> list[Any]:
    """Return the arguments with shardings by the axes of the mesh.

    One that has parts of an axis, as after a reshape, is taken for whole on each device: it is gathered.
    """
    several = [name for name in mesh.axis_names if mesh.shape[name] > 1]

    def named(x: Any) -> Any:
        for order, at in product(
            permutations(several), product(range(-1, x.ndim), repeat=len(several))
        ):
            every = [(i, name) for i, name in zip(at, order, strict=True) if i >= 0]
            spec = (tuple(name for i, name in every if i == n) or None for n in range(x.ndim))
            sharding = NamedSharding(mesh, PartitionSpec(*spec))
            if sharding.is_equivalent_to(x.sharding, x.ndim):
                return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)
        whole = NamedSharding(mesh, PartitionSpec())
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=whole)

    return [named(x) for x in args]


def by_parts(
    measure: Measure, kernel: Kernel, xp: Any, axis: int | None, *given: Any
) -> Statistics:
    """Return what a kernel measures, of each device's own part of the prediction, and of the parts merged.

    ``given`` are prediction, target, and the numbers of the kernel.
    """
    shape = given[0].shape
    shapes = _shapes(axis, given)

    def divide(mesh: Any, args: Any, results: Any) -> Division:
        spec = _spec(args[0], axis, cut=kernel.merges)
        names = () if axis is None else names_of(spec[axis])
        rows = [None if i == axis else part for i, part in enumerate(spec)]

        placed = [_placed(mesh, x, like, spec) for x, like in zip(args, shapes, strict=True)]
        made = jax.tree.map(lambda x: _placed(mesh, x, shape, rows), results)
        return Division(placed, made, partial(of_part, names))

    def rule(args: Any, results: Any) -> str:
        left, right = _every(args, shapes), _every(results, [shape] * len(results))
        return f"{left} -> {right}"

    def of_part(names: tuple[str, ...], given: Any) -> Statistics:
        prediction, target, numbers = given
        if names:
            first = jax.lax.axis_index(names) * prediction.shape[axis]
            target = jax.tree.map(lambda x: x - first if _is_label(x) else x, target)
        return of_rounds(measure, kernel.filled(numbers), xp, prediction, target, names)

    return spread(partial(of_part, ()), given, divide, rule)


def _every(arrays: Any, shapes: list[Any]) -> str:
    """Return what the axes of some arrays are called, each beside the shape that it is compared to."""
    each = enumerate(zip(arrays, shapes, strict=True))
    return ", ".join(_factors(x.shape, like, i) for i, (x, like) in each)


def _shapes(axis: int | None, given: Any) -> list[Any]:
    """Return the shape that the axes of each array are compared to, to tell what they are."""
    shape = given[0].shape
    shapes: list[Any] = [shape] * len(pieces(given)[0])
    if isinstance(given[1], Entries) and axis is not None:  # not classes, were they as many
        shapes[1:3] = [(*shape[:axis], None, *shape[axis + 1 :])] * 2
    return shapes


def _batched(whole: Any, size: int, batched: Any, some: Any) -> Any:
    made = jax.vmap(whole, in_axes=[0 if b else None for b in batched], axis_size=size)(*some)
    return made, jax.tree.map(lambda _: True, made)


def _spec(x: Any, axis: int | None, *, cut: bool) -> list[Any]:
    """Return the axes of the mesh for each axis of ``x``; classes that can't be ``cut`` evenly are whole."""
    spec = [*x.sharding.spec, *[None] * (x.ndim - len(x.sharding.spec))]
    if axis is not None:
        count = prod(x.sharding.mesh.shape[n] for n in names_of(spec[axis]))
        if not cut or x.shape[axis] % count:
            spec[axis] = None
    return spec


def names_of(part: Any) -> tuple[str, ...]:
    """Return the axes of a mesh along which an axis of an array is cut."""
    return () if part is None else (part,) if isinstance(part, str) else tuple(part)


def _placed(mesh: Any, x: Any, shape: tuple[int, ...], spec: list[Any]) -> NamedSharding:
    """Return the sharding of what goes with a prediction of a ``shape``: as that, but for axes of size 1."""
    parts = zip(spec, x.shape, shape, strict=True) if x.shape else ()
    return NamedSharding(mesh, PartitionSpec(*(p if n == size else None for p, n, size in parts)))


def _factors(own: tuple[int, ...], shape: tuple[int, ...], number: int) -> str:
    """Return a name for each axis, that of the prediction's where the sizes are the same."""
    sizes = enumerate(zip(own, shape, strict=True)) if own else ()
    return " ".join(f"a{i}" if n == size else f"b{number}_{i}" for i, (n, size) in sizes)


def _is_label(x: Any) -> bool:
    """Whether it is the index of a class."""
    return bool(jnp.issubdtype(jnp.result_type(x), jnp.integer)) and jnp.ndim(x) > 0
