"""JAX: its autograd and transforms, and that another number of a parameter compiles nothing again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xent.testing.case import Case
from xent.testing.compare import alike, has_rows, law, near, require
from xent.testing.libraries import Library

COMPILED: Counter[str] = Counter()


def _count(event: str, duration: float, **more: Any) -> None:
    COMPILED[event.rpartition("/")[2]] += 1


jax.monitoring.register_event_duration_secs_listener(_count)


class Jax(Library):
    """JAX's arrays, in both precisions."""

    halves = ("float16", "bfloat16")

    @contextmanager
    def precise(self) -> Iterator[None]:
        """Let there be float64, as the laws need it."""
        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)
        try:
            yield
        finally:
            jax.config.update("jax_enable_x64", before)

    def asarray(self, x: Any) -> Any:
        """Return a NumPy array as JAX's."""
        return jnp.asarray(x)

    def owns(self, x: Any) -> bool:
        """Whether ``x`` is an array of JAX."""
        return isinstance(x, jax.Array)

    def half(self, x: Any, dtype: str) -> Any:
        """Return a NumPy array in half precision."""
        return jnp.asarray(x, dtype=dtype)

    def float32(self, x: Any) -> Any:
        """Return an array in float32."""
        return x.astype(jnp.float32)

    def gradients(self, function: Any, given: dict[str, Any], name: str) -> dict[str, Any]:
        """Return the gradients of the summed value with respect to one argument, by how."""
        total, x = self.total(function, given, name)
        backward, forward = jax.jit(lambda x: (jax.grad(total)(x), jax.jacfwd(total)(x)))(x)
        found = {"by jax.grad": backward, "by jax.jacfwd": forward}
        return {how: self.numbers(g) for how, g in found.items()}

    def hessian(self, function: Any, given: dict[str, Any], name: str) -> Any:
        """Return the second derivative of the summed value of one row."""
        total, x = self.total(function, given, name)
        return self.numbers(jax.jit(jax.hessian(lambda row: total(row[None])))(x[0]))


LIBRARY = Jax("jax")


@law(of=("jax",))
def jitted(lib: Any, case: Case) -> None:
    """jax.jit of a call gives the same."""
    given = case.draw(seed=60)
    value, gradient = lib.run(case.both, **given)
    got = jax.jit(case.both)(**lib.arrays(given))
    alike(tuple(map(lib.numbers, got)), (value, gradient), 8)


@law(has_rows, of=("jax",))
def mapped(lib: Any, case: Case) -> None:
    """jax.vmap over rows gives the rows."""
    arrays = lib.arrays(case.draw(seed=61))
    wanted = lib.numbers(case.function(**arrays, **case.each))
    got = jax.vmap(lambda row: case.function(**row, **case.each))(arrays)
    near("the value", lib.numbers(got), wanted, 8)


@law(lambda case: bool(case.others), of=("jax",))
def recompiled(lib: Any, case: Case) -> None:
    """Another number of a parameter compiles nothing again, traced or not."""
    given = case.draw(seed=62)
    arrays = lib.arrays(given)
    others = case.others
    numbers = {k: case.parameters[k] for k in others}
    case.loss(**arrays, **{**case.parameters, **numbers})
    before = COMPILED["backend_compile_duration"]
    got = case.loss(**arrays, **{**case.parameters, **others})
    times = COMPILED["backend_compile_duration"] - before
    require(times == 0, f"{', '.join(numbers)} of another number compiles {times} times")
    wanted = np.asarray(case.loss(**given, **{**case.parameters, **others}))
    near("the value of another number", lib.numbers(got), wanted)
    traced = jax.jit(lambda arrays, own: case.loss(**arrays, **{**case.parameters, **own}))
    near("the value of a traced number", lib.numbers(traced(arrays, others)), wanted)
