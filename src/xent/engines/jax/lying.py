"""Gradients that lie as what they are of: a compiler would not know of what a label alone decides."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir

from xent.engines.jax.parts import Division, apart, spread


def lying_as(x: Any, g: Any) -> Any:
    """Return ``g``, of the shape of ``x``, which lies as ``x`` does."""
    return _bound(x, g) if apart() else g


def _bound(x: Any, g: Any) -> Any:
    """Return the same; a program that has to know its devices is known by what stands in it."""
    return _lying_as.bind(x, g, placed=jax.make_jaxpr(_spread)(x, g))


def _spread(x: Any, g: Any) -> Any:
    """Return ``g``, cut as ``x`` is: each device gives its own part of it back.

    ``x`` stands there twice, once with ``g`` and once with the result: where ``g`` is made of what is cut
    otherwise, the compiler would choose for both.
    """

    def divide(mesh: Any, args: Any, results: Any) -> Division:
        lying = [x.sharding for x in args]
        return Division([lying[0], lying[1], lying[1]], lying[1], lambda given: given[2])

    def rule(args: Any, results: Any) -> str:
        one, other = (" ".join(f"{side}{i}" for i in range(x.ndim)) for side in "ab")
        return f"{one}, {other}, {one} -> {other}"

    return spread(lambda given: given[2], (x, x, g), divide, rule)


def _batched(args: Any, dims: Any, placed: Any) -> tuple[Any, int]:
    (size,) = {x.shape[d] for x, d in zip(args, dims, strict=True) if d is not None}
    x, g = (
        jnp.broadcast_to(x, (size, *x.shape)) if d is None else jnp.moveaxis(x, d, 0)
        for x, d in zip(args, dims, strict=True)
    )
    return _bound(x, g), 0


_lying_as = Primitive("xent_lying_as")
"""Of two arrays the second, linearly, and nothing of the first but how it lies."""

_lying_as.def_impl(lambda x, g, placed: jax.jit(jaxpr_as_fun(placed))(x, g)[0])
_lying_as.def_abstract_eval(lambda x, g, placed: g)
mlir.register_lowering(
    _lying_as, lambda context, *some, placed: mlir.lower_fun(jaxpr_as_fun(placed))(context, *some)
)
ad.defjvp(_lying_as, None, lambda tangent, x, g, placed: _bound(x, tangent))
ad.primitive_transposes[_lying_as] = lambda ct, x, g, placed: (None, _bound(x, ct))
batching.primitive_batchers[_lying_as] = _batched
