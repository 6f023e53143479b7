"""JAX: everything under one jit, one compilation for each shape, dtype and plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import PartitionSpec
from jax.tree_util import register_dataclass

from xent import _dispatch
from xent._check import arguments, meshes
from xent._engine import Engine, value_and_gradient_of, value_of
from xent._linear import Chunks, Gradients, Head
from xent._namespace import Sight
from xent._part import Part, Whole
from xent._plan import Operands, Plan, widened
from xent._rows import rows_and_gradient_of
from xent._target import ready
from xent._typing import Array
from xent.engines.jax import linear
from xent.engines.jax.derivative import known_rows, rows_of
from xent.engines.jax.loops import over_rows
from xent.engines.jax.lying import lying_as
from xent.engines.jax.measured import measured_apart
from xent.engines.jax.parts import apart
from xent.engines.jax.sizes import alike, distributed
from xent.engines.jax.verbs import JaxVerbs

register_dataclass(Part, ["operands", "block", "first", "known"], ["engine", "plan", "keep_dtype"])
register_dataclass(Whole, ["part", "merged"], [])


class Jax(Engine):
    """Runs plans jitted, one compilation for each shape, dtype and plan; a number is an argument."""

    takes_constants = True
    lends_views = True

    def __init__(self, api: Any, library: str) -> None:
        self.library, self.xp = library, JaxVerbs(api)

    # --- what an array of the library is ---

    def device(self, x: Any) -> Any:
        """Return the devices of ``x``, None for a tracer."""
        return None if isinstance(x, Tracer) else x.sharding.device_set

    def together(self, arrays: Mapping[str, Any]) -> Any:
        """Return the devices of the arrays, None where all are traced; raise for two that can't meet."""
        common: Any = None
        for x in arrays.values():
            if x is not None and not isinstance(x, Tracer):
                devices = x.sharding.device_set
                if common is None:
                    first, common = x, devices
                elif common != devices or len(devices) > 1:
                    if common.isdisjoint(devices):
                        raise arguments.mixed_devices(self, arrays)
                    if self._moves(first, x, arrays):
                        first, common = x, devices
        return common

    def _moves(self, a: Any, b: Any, arrays: Mapping[str, Any]) -> bool:
        """Whether JAX moves ``a``, which nobody placed, to ``b``; raise where both were, and can't meet."""
        if not (a.committed and b.committed):
            return not a.committed
        one, other = _mesh(a), _mesh(b)
        if one is not None and other is not None and one != other:
            on = {name: mesh for name, x in arrays.items() if (mesh := _mesh(x)) is not None}
            ids = {name: [d.id for d in mesh.devices.flat] for name, mesh in on.items()}
            raise meshes.mixed({k: f"{mesh} of devices {ids[k]}" for k, mesh in on.items()})
        if a.sharding.device_set != b.sharding.device_set:
            raise arguments.mixed_devices(self, arrays)
        return False

    def asarray(self, x: Any, dtype: Any, device: Any) -> Array:
        """Return an array where JAX would put it beside arrays that lie on ``device``.

        JAX itself cuts integers to 32 bits where it has no wider ones: a label would be another class.
        """
        if isinstance(x, np.ndarray) and x.size and x.dtype.kind in "iu":
            widest = np.iinfo(jax.dtypes.canonicalize_dtype(x.dtype))
            for extreme in (x.min(), x.max()):
                if not widest.min <= extreme <= widest.max:
                    raise OverflowError(f"{extreme} is out of bounds for {widest.dtype}")
        one = next(iter(device)) if device is not None and len(device) == 1 else None
        with jax.ensure_compile_time_eval():  # where what is beside it is traced it has values
            return jnp.asarray(x, dtype=dtype, device=one)

    def sight(self, arrays: Iterable[Any]) -> Sight:
        """Return what can be seen of the arrays: one in pieces, on several devices, lies elsewhere."""
        sight = Sight.READABLE
        for x in arrays:
            if isinstance(x, Tracer):
                return Sight.TRACED
            if x is not None and sight is Sight.READABLE:
                devices = x.sharding.device_set
                if len(devices) > 1 or next(iter(devices)).platform != "cpu":
                    sight = Sight.ELSEWHERE
        return sight

    def look(self, operands: Operands) -> tuple[Engine, Operands]:
        """Return what can be looked at as NumPy arrays: without a copy on the CPU."""
        names = ("prediction", "target", "target_probs", "where")
        there = {k: x for k in names if isinstance(x := getattr(operands, k), jax.Array)}
        views = {k: np.asarray(x) for k, x in there.items() if not isinstance(x, Tracer)}
        return _dispatch.engine_of(*next(iter(views.items()))), operands._replace(**views)

    # --- what is run ---

    def call(self, function: Callable[..., Array], *args: Any) -> Array:
        """Return ``function(xp, *args)`` of one array, of numbers, and of static arguments, jitted."""
        varying = tuple(isinstance(x, (float, jax.Array)) for x in args)
        static = tuple(None if v else x for v, x in zip(varying, args, strict=True))
        given = tuple(x for v, x in zip(varying, args, strict=True) if v)
        return _call(self, function, varying, static, given)

    def apply(self, function: Callable[..., Any], plan: Any, *arrays: Any) -> Any:
        """Return ``function(self, plan, *arrays)``, jitted.

        What it makes, of the prediction or of each array of a head, lies as that does.
        """
        of = _differentiated(plan, arrays)
        lies = jax.tree.map(lambda x: jax.typeof(x).sharding.spec, of)
        return distributed(partial(_apply, self, function, plan), arrays, of[0], lambda _: lies)

    def compiled(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``, jitted."""
        return _compiled(function, *args)

    @property
    def over_rows(self) -> Callable[..., Any]:
        """A scan over chunks of rows; of those that lie on several devices each has some of a chunk."""
        return partial(over_rows, across=apart())

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call."""
        run, x = partial(_value, self, plan), operands.prediction
        return distributed(run, (operands,), x, partial(_rows_of, plan))

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and its gradient with respect to the prediction."""
        run = partial(_value_and_gradient, self, plan)
        return distributed(run, (operands,), operands.prediction, lambda p: (_rows_of(plan, p), p))

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row, with the kernel's gradient as its derivative."""
        prediction, target = ready(self.xp, plan, operands)
        return rows_of(self.xp, plan, prediction, target, operands.numbers.kernel)

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return rows and gradient, the rows with their own derivative, measured once."""
        numbers = operands.numbers.kernel
        measure = partial(measured_apart, plan, numbers) if apart() else None
        rows, g = rows_and_gradient_of(self.xp.stored, plan, operands, w, measure=measure)
        prediction, target = ready(self.xp, plan, operands)
        g = lying_as(operands.prediction, g)
        return known_rows(self.xp, plan, prediction, target, numbers, rows), g

    # --- a linear head ---

    def measures_columns(self, head: Head, operands: Operands, chunks: Chunks) -> bool:
        """Whether shapes are known, and no array can lie on several devices: there is but one."""
        return not apart() and all(isinstance(n, int) for n in chunks.shape)

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss."""
        run = partial(linear.value, self, plan, chunks)
        x = head.features
        return distributed(run, (head, operands), x, partial(_made_of, plan))

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients."""
        run = partial(linear.value_and_gradients, self, plan, chunks)

        def made(features: PartitionSpec) -> tuple[PartitionSpec, Gradients]:
            others = (None if x is None else jax.typeof(x).sharding.spec for x in head[1:])
            return _made_of(plan, features), Gradients(features, *others)

        return distributed(run, (head, operands), head.features, made)


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _call(
    engine: Jax,
    function: Callable[..., Array],
    varying: tuple[bool, ...],
    static: tuple[Any, ...],
    given: tuple[Any, ...],
) -> Array:
    rest = iter(given)
    args = (next(rest) if v else x for v, x in zip(varying, static, strict=True))
    return function(engine.xp, *args)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _apply(engine: Jax, function: Callable[..., Any], plan: Any, *arrays: Any) -> Any:
    if not isinstance(plan, Plan):  # the loop of a head carries what is made of all of them
        arrays = alike(arrays)
    return jax.tree.map(lying_as, _differentiated(plan, arrays), function(engine, plan, *arrays))


@partial(jax.jit, static_argnums=0)
def _compiled(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


def _differentiated(plan: Any, arrays: Any) -> Any:
    """Return what each array is of that is made of arrays: the prediction, or those of a head."""
    return (arrays[0].prediction,) * 2 if isinstance(plan, Plan) else Gradients(*arrays[0])


@partial(jax.jit, static_argnums=(0, 1))
def _value(engine: Jax, plan: Plan, operands: Operands) -> Array:
    x: Any = operands.prediction
    operands = operands._replace(prediction=lying_as(x, x))
    return value_of(engine, plan, widened(engine.xp, operands))


_value_and_gradient = jax.jit(value_and_gradient_of, static_argnums=(0, 1))


def _mesh(x: Any) -> Any:
    """Return the mesh that an array is placed on, None for one that is not."""
    return getattr(getattr(x, "sharding", None), "mesh", None)


def _made_of(plan: Plan, features: PartitionSpec) -> Any:
    """Return where the value of a head lies, and those beside it if any."""
    value, rows = _rows_of(plan, features), _rows_of(replace(plan, reduction="none"), features)
    return (value, (rows,) * len(plan.beside)) if plan.beside else value


def _rows_of(plan: Plan, prediction: PartitionSpec) -> PartitionSpec:
    """Return where the value of a call lies, of where its prediction does."""
    if plan.reduction != "none":
        return PartitionSpec()
    return PartitionSpec(*(axes for i, axes in enumerate(prediction) if i != plan.row_axis))
