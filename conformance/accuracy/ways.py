"""The ways of calling xent: a library, and who compiles the call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from conformance.accuracy.draw import Array
from conformance.accuracy.subjects import Subject
from conformance.arguments import LEADING
from conformance.backends import BACKENDS, HALF, Backend

Arrays = Mapping[str, Array]

#: Where it stands how a library differentiates a function, for those that do.
AUTOGRAD = {
    "torch": ("conformance.adapters.torch_functional", "both"),
    "jax": ("conformance.adapters.peer", "jax_both"),
}


def as_is(function: Any) -> Any:
    """Return a function that nobody compiles."""
    return function


def jitted(function: Any) -> Any:
    """Return a function under ``jax.jit``."""
    return import_module("jax").jit(function)


def compiled(function: Any) -> Any:
    """Return a function under ``torch.compile``, in code that Inductor generates."""
    torch = import_module("torch")
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, dynamic=False)


@dataclass(frozen=True)
class Way:
    """A name in the report, the library, and what is done to the function."""

    name: str
    backend: Backend
    transform: Callable[[Any], Any] = as_is

    def is_here(self) -> bool:
        """Whether the library is installed."""
        return self.backend.is_installed()

    def measures(self, subject: Subject) -> bool:
        """Whether there is a way to ask for it: without autograd nothing is chained to a link."""
        return not subject.chained or self.name in AUTOGRAD

    def flushes(self, subject: Subject, dtype: str) -> bool:
        """Whether subnormal numbers are replaced by 0: by XLA, and by processors' bfloat16 products."""
        product = bool(subject.head) and dtype == "bfloat16" and self.backend.package == "torch"
        return self.backend.flushes or product

    def arrays(self, arrays: Arrays, dtype: str) -> dict[str, Any]:
        """Return NumPy's float64 as the library's arrays of a dtype; integers stay."""
        return {
            name: self.backend.make(x, dtype if x.dtype.kind == "f" else "int64")
            for name, x in arrays.items()
        }

    def measured(self, subject: Subject, arrays: Arrays, dtype: str) -> tuple[Array | None, ...]:
        """Return value and gradient of xent as float64, the gradient None where there is none."""
        with self.backend.session(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if subject.chained:
                value, slope = self._chained(subject, self.arrays(arrays, dtype))
                # In half precision the value is what the library's own product made of a rounded link.
                return (None if dtype in HALF else value), slope
            function = self.transform(_function(subject))
            rows = len(next(iter(arrays.values())))
            calls = [slice(k, k + 1) for k in range(rows)] if subject.alone else [slice(rows)]
            parts = [
                function(
                    **self.arrays(_asked(subject, {k: x[call] for k, x in arrays.items()}), dtype)
                )
                for call in calls
            ]
            shapes = ((-1,), (1, -1)) if subject.alone else (None, None)
            return tuple(map(self._joined, zip(*parts, strict=True), shapes))

    def _chained(self, subject: Subject, given: Mapping[str, Any]) -> tuple[Array | None, ...]:
        """Return value and gradient of Σ t f(z), by what the library itself differentiates with."""
        link = getattr(import_module("xent"), subject.function)
        module, name = AUTOGRAD[self.backend.package]
        both = getattr(import_module(module), name)

        def value(logits: Any, target: Any) -> Any:
            return (link(logits) * target).sum(-1)

        return tuple(widened(self.backend, x) for x in both(value, list(given.values())))

    def _joined(self, results: Sequence[Any], shape: tuple[int, ...] | None) -> Array | None:
        """Return the results of all calls as one array; of a row alone in the shape of a row."""
        if any(x is None for x in results):
            return None
        found = [widened(self.backend, x) for x in results]
        if shape:
            return np.concatenate([x.reshape(shape) for x in found])
        (whole,) = found
        return whole.reshape(len(whole), -1) if whole.ndim > 2 else whole


def _function(subject: Subject) -> Callable[..., tuple[Any, Any]]:
    xent = import_module("xent")
    loss = getattr(xent, subject.function)
    leading = LEADING.get(subject.function, ("target",))

    def both(**given: Any) -> tuple[Any, Any]:
        first = [given.pop(name) for name in leading if name in given]
        if not subject.differentiable:
            return loss(*first, **given, **subject.options), None
        value, slope = xent.value_and_grad(loss)(*first, **given, **subject.options)
        return value, getattr(slope, subject.head) if subject.head else slope

    return both


def _asked(subject: Subject, arrays: dict[str, Array]) -> dict[str, Array]:
    """Return the arrays of a call: of a linear loss features, weight and bias that make the logits."""
    if not subject.head:
        return arrays
    z = arrays.pop("logits")
    if subject.head == "features":
        return {**arrays, "features": z, "weight": np.eye(z.shape[1])}
    one, column = np.ones((1, 1)), z.T
    if subject.head == "weight":
        return {**arrays, "features": one, "weight": column}
    return {**arrays, "features": one, "weight": np.zeros_like(column), "bias": z[0]}


def widened(backend: Backend, result: Any) -> Array:
    """Return a result as NumPy's float64, without rounding."""
    gathered = backend.gather(result)
    if backend.package == "torch":
        gathered = gathered.double().numpy()
    return np.asarray(gathered).astype(np.float64)


WAYS: Mapping[str, Way] = {
    way.name: way
    for way in (
        Way("numpy", BACKENDS["numpy"]),
        Way("torch", BACKENDS["torch"]),
        Way("torch-compiled", BACKENDS["torch"], compiled),
        Way("jax", BACKENDS["jax"], jitted),
        Way("dask", BACKENDS["dask"]),
    )
}
