"""The loops of a linear head as JAX traces them: a scan over rows, and strips of classes in the cache.

What adds up is carried, and XLA writes over what is carried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from xent._engine import Engine, value_and_gradient_of, value_of
from xent._kernel import Kernel, Statistics
from xent._linear import STRIP, Block, Chunks, Cut, Head, Made, Sums
from xent._plan import Operands, Plan
from xent._typing import Array
from xent.engines.head_loop import per_row
from xent.engines.jax.sizes import alike, known
from xent.engines.jax.whole import merged
from xent.engines.loops import Carry, OfColumns, OfRows


def ample(chunks: Chunks) -> Chunks:
    """Return the chunks for an accelerator: without strips, unless the caller has no room for a few rows."""
    if chunks.asked and chunks.classes != chunks.shape[1]:
        return chunks
    return replace(chunks, elsewhere=True)


class Traced:
    """The loops of one head.

    The rows of a chunk are stored whole where they fit, and are one strip to a loss that would measure each
    ``twice``; else each strip is made again whenever it is needed. The head may have a part of the classes,
    from ``first``, and other devices along some axes of the mesh the others.
    """

    measures = once = False

    def __init__(
        self,
        engine: Engine,
        head: Head,
        chunks: Chunks,
        first: Any = 0,
        axes: tuple[str, ...] = (),
        *,
        twice: bool = False,
    ) -> None:
        self.engine, self.head, self.chunks, self.xp = engine, head, chunks, engine.xp
        self.first, self.axes, self.stored = first, axes, engine.xp.stored
        self.whole = chunks.classes == chunks.shape[1]
        self.ample, self.classes = chunks.elsewhere and self.whole, chunks.shape[1]
        entire = chunks.entire or (twice and self.whole)
        uncut = self.ample or entire or not isinstance(self.classes, int)
        self.size = self.classes if uncut else int(min(STRIP, known(chunks.classes)))
        self.single = self.classes <= self.size
        self.alone = self.single and not axes

    def over_rows(self, body: OfRows, sums: Sums, operands: Operands) -> tuple[Sums, Made]:
        """Return the sums, and what the rows have for themselves, by a scan and a remainder."""
        step = self.chunks.whole_rows if self.whole else self.chunks.strip_rows
        return over_rows(body, sums, self.head.features, operands, step)

    def over_classes(self, body: Callable[[Cut, Carry], Carry], carry: Carry) -> Carry:
        """Return what ``body(cut, carry)`` makes of the carry, strip by strip."""
        size = self.size
        whole = 0 if self.single else (self.classes - 1) // size
        last = Cut(self.first + whole * size, self.classes - whole * size)
        if whole == 0:
            return body(last, carry)
        started = carry is not None
        carry = carry if started else body(last, carry)
        carry = jax.lax.fori_loop(0, whole, lambda i, c: body(self._cut(i), c), carry)
        return body(last, carry) if started else carry  # first, XLA would copy what it writes over

    def _cut(self, i: Any) -> Cut:
        return Cut(self.first + i * self.size, self.size)

    def _own(self, cut: Cut) -> Cut:
        """Return the cut as the device's own classes are counted."""
        return cut._replace(first=cut.first - self.first)

    def complete(self, kernel: Kernel, s: Statistics) -> Statistics:
        """Return the statistics of whole rows, of which other devices may have other classes."""
        return merged(kernel, self.xp, s, self.axes) if self.axes else s

    def block(self, features: Array, head: Head) -> Block:
        """Return the rows; JAX makes what depends on the head alone before the loop: all strips, copied."""
        features, head = jax.lax.optimization_barrier((features, head))
        logits = product(features, head.weight, head.bias) if self.whole else None
        return Block(features, head, logits)

    def logits(self, block: Block, cut: Cut) -> Array:
        """Return the logits of some classes."""
        if block.logits is not None:
            return self.some(block.logits, cut)
        bias = None if block.head.bias is None else self.some(block.head.bias, cut)
        return product(block.features, _strip(block.head.weight, *self._own(cut), 0), bias)

    def some(self, x: Array, cut: Cut) -> Array:
        """Return some classes of ``x``, which has all or those of the device."""
        return _strip(x, *(self._own(cut) if x.shape[-1] == self.classes else cut), -1)

    def put(self, x: Array, cut: Cut, new: Array, axis: int = -1) -> Array:
        """Return ``x`` with ``new`` there; XLA writes over an ``x`` that is carried by a loop."""
        return jax.lax.dynamic_update_slice_in_dim(x, new, self._own(cut).first, axis)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Return zeros in the dtype to compute in."""
        return zeros(self.head.features, shape)

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a strip."""
        return value_of(self.engine, plan, operands)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return it and its gradient, in the dtype that is multiplied by the head."""
        value, g = self.unrounded(plan, operands)
        return value, self.factor(g)

    def unrounded(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return both as they are."""
        return value_and_gradient_of(self.engine, plan, operands)

    def factor(self, g: Array) -> Array:
        """Return a gradient in the dtype that is multiplied by the head."""
        return self.xp.astype(g, self.head.features.dtype)

    def over_columns(self, body: OfColumns, x: Any, old: Carry, cut: Cut) -> Carry:
        """Return ``body(x, old, cut)`` of all columns: what is made of them a compiler keeps in the cache."""
        return body(x, old, cut)

    def down_total(self, block: Block) -> Array:
        """Return zeros."""
        return zeros(block.features)

    def add_down(self, total: Array, g: Array, block: Block, cut: Cut) -> Array:
        """Return the total with ``g @ weight`` of some classes."""
        return total + product(g, _strip(block.head.weight, *self._own(cut), 0), transposed=False)

    def weight_total(self) -> Array:
        """Return zeros."""
        return zeros(self.head.weight)

    def add_weight(self, total: Array, g: Array, features: Array, cut: Cut) -> Array:
        """Return the total with ``g.T @ features`` in the rows of some classes.

        On a CPU XLA's product of a transposed array takes longer than one of a transposed copy.
        """
        turned = jnp.transpose(g)
        turned = turned if self.ample else self.xp.settled(turned)
        more = product(turned, features, transposed=False)
        return self.put(total, cut, _strip(total, *self._own(cut), 0) + more, 0)

    def rounded(self, total: Array) -> Array:
        """Return the gradient of the weight in its own dtype."""
        return self.xp.astype(total, self.head.weight.dtype)

    def add_bias(self, total: Array, g: Array, cut: Cut) -> Array:
        """Return the total with the sums of the columns of ``g``."""
        return self.put(total, cut, self.some(total, cut) + jnp.sum(g, axis=0, dtype=total.dtype))


def over_rows(
    body: OfRows, sums: Sums, features: Any, operands: Operands, step: int, *, across: bool = False
) -> tuple[Sums, Made]:
    """Return the sums, and what the rows have for themselves, ``step`` rows at a time.

    There may be several arrays of features. A symbolic number of rows is padded by some that are masked.
    The rows of a step are neighbours, or they go ``across`` all: of those that lie on several devices each
    then has some.
    """

    def some(sums: Sums, part: Any) -> tuple[Sums, Made]:
        features, mine = part
        return body(sums, features, operands._replace(**mine))

    everything = features, per_row(operands)
    rows = jax.tree.leaves(features)[0].shape[0]
    fixed = isinstance(rows, int)
    count = rows // step if fixed else -(-rows // step)
    whole = count * step
    if not fixed:
        everything = jax.tree.map(partial(_padded, rows=whole - rows), everything)
    shape = (step, count) if across else (count, step)
    cut = jax.tree.map(lambda x: x[:whole].reshape(*shape, *x.shape[1:]), everything)
    cut = jax.tree.map(lambda x: x.swapaxes(0, 1), cut) if across else cut
    sums, made = jax.lax.scan(some, sums, cut)
    made = jax.tree.map(lambda x: x.swapaxes(0, 1), made) if across else made
    made = jax.tree.map(lambda x: x.reshape(whole, *x.shape[2:]), made)
    if not fixed:
        made = jax.tree.map(lambda x: x[:rows], made)
    elif whole < rows:
        sums, rest = some(sums, jax.tree.map(lambda x: x[whole:], everything))
        made = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), made, rest)
    return sums, made


def _padded(x: Any, rows: Any) -> Any:
    """Return ``x`` with more rows, of zeros."""
    return jax.lax.pad(x, jnp.zeros((), x.dtype), ((0, rows, 0), *((0, 0, 0),) * (x.ndim - 1)))


def product(a: Any, b: Any, bias: Any = None, *, transposed: bool = True) -> Array:
    """Return ``a @ b.T + bias``, or ``a @ b``, the sums of half precision in float32 and not rounded."""
    wide = jnp.promote_types(a.dtype, jnp.float32)
    # No transposed operand, of which XLA would keep a copy.
    contracted = (((1,), (1 if transposed else 0,)), ((), ()))
    logits: Any = jax.lax.dot_general(a, b, contracted, preferred_element_type=wide)
    return logits if bias is None else logits + jnp.expand_dims(bias, 0)


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _strip(x: Any, first: Any, count: int, axis: int) -> Any:
    """Slice; half precision as bits, because XLA's CPU backend makes a float32 copy of it first."""
    bits = x if x.dtype.itemsize != 2 else jax.lax.bitcast_convert_type(x, jnp.uint16)
    strip = jax.lax.dynamic_slice_in_dim(bits, first, count, axis)
    return strip if bits is x else jax.lax.bitcast_convert_type(strip, x.dtype)


@_strip.defjvp
def _strip_derivative(count: int, axis: int, primals: Any, tangents: Any) -> tuple[Any, Any]:
    slope = jax.lax.dynamic_slice_in_dim(tangents[0], primals[1], count, axis)
    return _strip(*primals, count, axis), slope


def wide(x: Any) -> Any:
    """Return ``x`` in the dtype to compute in."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def zeros(like: Any, shape: Any = None) -> Any:
    """Return zeros in the dtype to compute in, of the shape of ``like`` or another."""
    shape = like.shape if shape is None else shape
    return alike((jnp.zeros(shape, jnp.promote_types(like.dtype, jnp.float32)), like))[0]
