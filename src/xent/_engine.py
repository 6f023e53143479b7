"""How a plan is run: here, in one block that is the whole array, as compilers like it.

The engines in `xent.engines` run the same kernels in their libraries' ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Any

import array_api_compat

from xent import _dtype
from xent import _math as m
from xent._linear import ALL, STRIP, Chunks, Gradients, Head, cuts, run
from xent._namespace import Namespace
from xent._plan import Operands, Plan, along, kept, penalty, raw_gradient, ready
from xent._reduce import cotangents, reduced
from xent._typing import Array


class Engine:
    """Runs plans on the arrays of one library."""

    namespace: type[Namespace] = Namespace
    has_room = False
    """Whether `product` can write its result into an array."""

    def __init__(self, api: Any, library: str) -> None:
        self.library = library
        self.xp = self.namespace(api)

    # --- what an array of the library is ---

    def device(self, x: Array) -> Any:
        """Return where ``x`` lies, None where that is not known."""
        return array_api_compat.device(x)

    def apart(self, a: Any, b: Any) -> bool:
        """Whether two devices are different ones."""
        return bool(a != b)

    def asarray(self, x: Any, dtype: Any, device: Any) -> Array:
        """Return a number or a nested sequence as an array."""
        array: Array = self.xp.asarray(x, dtype=dtype, device=device)
        return array

    def readable(self, x: Array) -> bool:
        """Whether the values of ``x`` lie in host memory, to be read at no cost."""
        return str(self.device(x)).partition(":")[0].lower() in ("cpu", "cpu_device")

    def traced(self, x: Array) -> bool:
        """Whether the values of ``x`` do not exist yet."""
        return False

    def look(self, operands: Operands) -> tuple[Engine, Operands]:
        """Return readable operands as arrays that are cheap to look at, and their engine."""
        return self, operands

    # --- what is run ---

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row in nats, before masks and weights."""
        return rows_of(self.xp, plan, operands)

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return the loss of each row, and the gradient of Σ w · loss in the prediction's dtype."""
        return rows_and_gradient_of(self.xp, plan, operands, w)

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``, without warnings of what a `where` will discard."""
        return function(*args)

    def call(self, function: Callable[..., Array], *args: Any) -> Array:
        """Return ``function(xp, *args)``, of one array and static arguments."""
        result: Array = self.run(function, self.xp, *args)
        return result

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call."""
        rows = self.rows(plan, operands)
        penalties = None if plan.penalty is None else self.rows(*penalty(plan, operands))
        return reduced(self.xp, plan, operands, rows, penalties)

    # --- a linear head ---

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss."""
        value: Array = self.run(run, self, plan, head, operands, chunks)[0]
        return value

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients."""
        both: tuple[Array, Gradients] = self.run(run, self, plan, head, operands, chunks, ALL)
        return both

    def present(self, keep: Array | None) -> Array | None:
        """Return the positions of the rows that count, None for all.

        Only where shapes may depend on values, and arrays can be indexed by arrays: there the other
        rows are dropped before the product.
        """
        return None

    def product(
        self,
        a: Array,
        b: Array,
        bias: Array | None = None,
        *,
        transposed: bool = True,
        out: Array | None = None,
    ) -> Array:
        """Return ``a @ b.T + bias``, or ``a @ b``; the sums in float32 for half precision.

        ``out`` may be written over, where the engine `has_room`: it costs time to get as much again.
        """
        logits: Array = self.xp.matmul(a, b.T if transposed else b)
        return logits if bias is None else logits + bias

    def logit_size(self, features: Array) -> int:
        """Return the bytes of a logit that `product` makes."""
        return _dtype.size(features)

    def accumulate(self, total: Array, a: Array, b: Array) -> None:
        """Add ``a.T @ b`` to ``total`` in place, without a second array of its size."""
        for cut in cuts(total.shape[0], STRIP):
            strip = self.product(a[:, cut].T, b, transposed=False)
            total[cut, ...] += _dtype.cast(self.xp, strip, total.dtype)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and its gradient with respect to the prediction."""
        return self._both(plan, operands, ones(self.xp, plan, operands))

    def _both(self, plan: Plan, operands: Operands, one: Array) -> tuple[Array, Array]:
        """Return value and gradient; ``one`` is 1 for each row, when broadcast."""
        xp = self.xp
        w, share = cotangents(xp, plan, operands, one)
        if plan.finish == "exp":
            return self._exponential(plan, operands, w)
        rows, g = self.rows_and_gradient(plan, operands, w)
        penalties = None
        if share is not None:
            penalties, more = self.rows_and_gradient(*penalty(plan, operands), share)
            g = g + more
        return reduced(xp, plan, operands, rows, penalties), g

    def _exponential(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return exp of the cost and its gradient, of which the rows' own share is ``w``.

        What is beyond the range of the dtype multiplies last, and nothing that is 0 (R4). What is
        within it does so before the gradient is rounded.
        """
        xp = self.xp
        cost = self.value(replace(plan, finish="none"), operands)
        within = xp.minimum(cost, xp.full_like(cost, log(xp.finfo(cost.dtype).max) - 1))
        _, g = self.rows_and_gradient(plan, operands, w * xp.exp(within))
        if xp.maybe(lambda: within < cost):
            wide = m.silent(xp, _dtype.cast(xp, g, cost.dtype), xp.exp(cost - within))
            g = _dtype.cast(xp, wide, g.dtype)
        return xp.exp(cost), g


def rows_of(xp: Any, plan: Plan, operands: Operands) -> Array:
    """Return the loss of each row of a block."""
    prediction, target = ready(xp, plan, operands, kept(plan, operands))
    statistics = plan.kernel.measure(xp, prediction, target, plan.axis)
    return _without_axis(xp, plan.kernel.value(xp, statistics), plan.row_axis)


def rows_and_gradient_of(xp: Any, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
    """Return the loss of each row of a block, and the gradient of Σ w · loss."""
    prediction, target = ready(xp, plan, operands, kept(plan, operands))
    kernel, axis = plan.kernel, plan.axis
    statistics = kernel.measure(xp, prediction, target, axis)
    rows = _without_axis(xp, kernel.value(xp, statistics), plan.row_axis)
    g = kernel.gradient(xp, prediction, target, statistics, along(w, plan.row_axis), axis)
    g = raw_gradient(xp, plan, prediction, g)
    return rows, _dtype.cast(xp, g, operands.prediction.dtype)


def ones(xp: Any, plan: Plan, operands: Operands) -> Array:
    """Return 1 for each row, in the dtype and on the device of the rows."""
    x = operands.prediction
    if plan.row_axis is not None:
        x = x[(slice(None),) * plan.row_axis + (0, ...)]
    one: Array = xp.ones_like(x, dtype=_dtype.compute_dtype(xp, x))
    return one


def _without_axis(xp: Any, rows: Array, axis: int | None) -> Array:
    """Return rows without their class axis of size 1."""
    return rows if axis is None else xp.squeeze(rows, axis=axis)
