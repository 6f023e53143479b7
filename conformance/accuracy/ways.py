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
from conformance.backends import BACKENDS, Backend

Arrays = Mapping[str, Array]


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
            function = self.transform(_function(subject))
            rows = len(next(iter(arrays.values())))
            calls = [slice(k, k + 1) for k in range(rows)] if subject.alone else [slice(rows)]
            parts = [
                function(**self.arrays({k: x[call] for k, x in arrays.items()}, dtype))
                for call in calls
            ]
            return tuple(self._joined(part) for part in zip(*parts, strict=True))

    def _joined(self, results: Sequence[Any]) -> Array | None:
        if any(x is None for x in results):
            return None
        whole = np.concatenate([np.atleast_1d(widened(self.backend, x)) for x in results])
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
        return value, slope

    return both


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
