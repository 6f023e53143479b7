"""How a plan is run: here, in one block that is the whole array, as compilers like it.

The engines in `xent.engines` run the same kernels in their libraries' ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import log
from typing import TYPE_CHECKING, Any, NamedTuple

import array_api_compat

from xent import _dtype
from xent._beside import slopes_of, values_of
from xent._check import arguments
from xent._namespace import Namespace, Sight
from xent._plan import Operands, Plan, in_single, masked, of_penalty
from xent._rows import cotangents, exponential, ones, reduced, rows_and_gradient_of, rows_of, weigh
from xent._typing import Array

if TYPE_CHECKING:
    from xent._linear import Chunks, Gradients, Head


class Engine:
    """Runs plans on the arrays of one library."""

    namespace: type[Namespace] = Namespace
    has_devices = True
    """Whether arrays may lie out of host memory, or have no values yet."""
    takes_constants = False
    """Whether the library's own functions take NumPy's arrays beside its own, as constants."""
    lends_views = False
    """Whether values are looked at as those of another library, by `look`."""
    spreads = False
    """Whether its arrays lie on many devices, and it takes those of one beside them."""
    measures_beside = True
    """Whether the chunks of a linear head are measured for more than their loss, all in one pass."""

    def __init__(self, api: Any, library: str) -> None:
        self.library = library
        self.xp: Any = self.namespace(api)
        self.of_blocks: Any = self.xp  # the verbs of a chunk, whose rows may be long

    # --- what an array of the library is ---

    def taken(self, name: str, x: Array) -> Array:
        """Return an argument as an array, where its type is not the library's own."""
        return x

    def device(self, x: Array) -> Any:
        """Return where ``x`` lies, None where that is not known."""
        return array_api_compat.device(x)

    def together(self, arrays: Mapping[str, Array]) -> Any:
        """Return the device that all arrays lie on, None where it is not known; raise for two."""
        given = {name: x for name, x in arrays.items() if x is not None}
        known = [d for d in map(self.device, given.values()) if d is not None]
        if any(d != known[0] for d in known[1:]):
            raise arguments.mixed_devices(self, given)
        return known[0] if known else None

    def beside(self, arrays: list[Any]) -> list[Any]:
        """Return the arrays as the library's own operators take them beside each other; None is none."""
        return arrays

    def placed(self, g: Array, x: Array) -> Array:
        """Return a gradient that its operators made, lying as ``x`` does, which it is of."""
        return g

    def asarray(self, x: Any, dtype: Any, device: Any) -> Array:
        """Return a number or a nested sequence as an array."""
        return self.xp.asarray(x, dtype=dtype, device=device)

    def sight(self, arrays: Iterable[Array | None]) -> Sight:
        """Return what can be seen of all the arrays; None stands for none."""
        devices = [str(self.device(x)).partition(":")[0].lower() for x in arrays if x is not None]
        return Sight.READABLE if {*devices} <= {"cpu", "cpu_device"} else Sight.ELSEWHERE

    def unfollowed(self, operands: Operands) -> Operands:
        """Return operands of the same values, of which a derivative is not followed, where that can be."""
        return operands

    def look(self, operands: Operands) -> tuple[Engine, Operands]:
        """Return readable operands as arrays that are cheap to look at, and their engine."""
        return self, operands

    def follows(self, operands: Operands) -> bool:
        """Whether the library may differentiate what is computed."""
        return True

    settled: Callable[[Any, Any], Any] = staticmethod(lambda number, classes: number)
    """Makes of a number that is taken apart bit by bit what no compiler rearranges."""

    def log(self, x: Any) -> Any:
        """Return the logarithm of a number, which may be a 0-d array."""
        return log(x) if isinstance(x, float) else self.xp.log(x)

    def rows(self, plan: Plan, operands: Operands) -> Array:
        """Return the loss of each row in nats, before masks and weights."""
        return rows_of(self.xp, plan, operands)

    def rows_and_gradient(self, plan: Plan, operands: Operands, w: Array) -> tuple[Array, Array]:
        """Return the loss of each row, and the gradient of Σ w · loss in the prediction's dtype."""
        return rows_and_gradient_of(self.xp, plan, operands, w)

    def value(self, plan: Plan, operands: Operands) -> Array:
        """Return the value of a call."""
        return value_of(self, plan, operands)

    def value_and_gradient(self, plan: Plan, operands: Operands) -> tuple[Array, Array]:
        """Return the value, and its gradient with respect to the prediction."""
        return value_and_gradient_of(self, plan, operands)

    result: Callable[[Any], Any] = staticmethod(lambda x: x)
    """Makes of an array what the library's own reductions return."""

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``, without warnings of what a `where` will discard."""
        return function(*args)

    def call(self, function: Callable[..., Array], *args: Any) -> Any:
        """Return ``function(xp, *args)``, of one array, numbers and static arguments."""
        return self.run(function, self.xp, *args)

    def by_row(self, function: Callable[..., Array], x: Array, axis: int) -> Any:
        """Return ``function(xp, x, axis)``, which makes an array of each row, and puts the rows first."""
        return self.call(function, x, axis)

    def apply(self, function: Callable[..., Any], plan: Any, *arrays: Any) -> Any:
        """Return ``function(self, plan, *arrays)``, of a plan or what else is static."""
        return self.run(function, self, plan, *arrays)

    def compiled(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``, of a part of the classes of rows, as one program of the library."""
        return self.run(function, *args)

    @property
    def over_rows(self) -> Callable[..., Any] | None:
        """A loop of the library's own over chunks of rows, of which Python's would make one long program."""
        return None

    # --- a linear head ---

    def linear_value(self, plan: Plan, head: Head, operands: Operands, chunks: Chunks) -> Array:
        """Return the value of a linear loss."""
        raise NotImplementedError

    def linear_value_and_gradient(
        self, plan: Plan, head: Head, operands: Operands, chunks: Chunks
    ) -> tuple[Array, Gradients]:
        """Return the value of a linear loss and its gradients."""
        raise NotImplementedError

    def measures_columns(self, head: Head, operands: Operands, chunks: Chunks) -> bool:
        """Whether columns of a head's logits are measured with its rows, as a ``mutual`` plan asks."""
        return False

    def product_dtype(self, dtype: Any, features: Array) -> Any:
        """Return the dtype that the head's product is made in, where its arrays fit in ``dtype``."""
        return dtype

    def logit_size(self, features: Array) -> int:
        """Return the bytes of a logit of the head's product: half precision is in float32 there."""
        return max(4, _dtype.size(features))


def value_of(engine: Engine, plan: Plan, operands: Operands) -> Array:
    """Return the value of a call by the engine's rows."""
    if plan.ignore_index is not None:
        plan, operands = masked(plan, operands)
    if plan.half and plan.adds and engine.follows(operands):
        plan, operands = in_single(engine.xp, plan, operands)
    rows = engine.rows(plan, operands)
    penalties = None if plan.penalty is None else engine.rows(*of_penalty(plan, operands))
    return reduced(engine.xp, plan, operands, rows, penalties)


def value_and_gradient_of(
    engine: Engine, plan: Plan, operands: Operands, one: Array | None = None
) -> tuple[Array, Array]:
    """Return value and gradient by the engine's; ``one`` is 1 for each row, when broadcast."""
    xp, dtype = engine.xp, operands.prediction.dtype
    if plan.ignore_index is not None:
        plan, operands = masked(plan, operands)
    one = ones(xp, plan, operands) if one is None else one
    weights = weigh(xp, plan, operands, one.shape)
    w, share = cotangents(xp, plan, operands, weights, one)
    if plan.finish == "exp":
        cost = engine.value(replace(plan, finish="none"), operands)
        return exponential(xp, cost, lambda x: engine.rows_and_gradient(plan, operands, w * x)[1])
    penalties = None
    if plan.half and plan.adds:
        plan, operands = in_single(xp, plan, operands)
    rows, g = engine.rows_and_gradient(plan, operands, w)
    if share is not None:
        penalties, more = engine.rows_and_gradient(*of_penalty(plan, operands), share)
        g = _dtype.cast(xp, g + more, dtype)
    return reduced(xp, plan, operands, rows, penalties, weights), g


class Problem(NamedTuple):
    """A checked call."""

    engine: Engine
    plan: Plan
    operands: Operands
    keep_dtype: bool = False
    returns: Callable[..., Any] | None = None

    def value(self) -> Any:
        """Return the value."""
        if self.plan.classes == 0:
            return self._of_no_classes()[0]
        engine, plan, operands = self.engine, self.plan, self.operands
        if self.returns is not None:
            if plan.half and plan.adds and engine.follows(operands):
                plan, operands = in_single(engine.xp, plan, operands)
            return self.returns(*values_of(engine.value, plan, operands))
        value = engine.value(plan, operands)
        return self._rounded(value, operands.prediction) if self.keep_dtype else value

    def value_and_gradient(self) -> tuple[Any, Array]:
        """Return the value and its gradient."""
        if self.plan.classes == 0:
            return self._of_no_classes()
        engine, plan, operands = self.engine, self.plan, self.operands
        if self.returns is not None:
            if plan.half and plan.adds:
                plan, operands = in_single(engine.xp, plan, operands)
            values, g = slopes_of(engine.value, engine.value_and_gradient, plan, operands)
            return self.returns(*values), self._rounded(g, self.operands.prediction)
        value, g = engine.value_and_gradient(plan, operands)
        return self._rounded(value, g) if self.keep_dtype else value, g

    def flat(self, x: Array) -> Array:
        """Return what has one entry per value as the plan counts rows."""
        return x

    def _of_no_classes(self) -> tuple[Array, Array]:
        """Return what an empty sum makes of a link, and its gradient: both empty, or a logsumexp −inf."""
        xp, x = self.engine.xp, self.operands.prediction
        block = self.plan.kernel.shape == "block"
        return x + 0 if block else xp.sum(x, axis=self.plan.axis) - xp.inf, xp.zeros_like(x)

    def _rounded(self, value: Array, like: Array) -> Array:
        return self.engine.run(_dtype.cast, self.engine.xp, value, like.dtype)
