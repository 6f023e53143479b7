"""What an adapter gives: a library's functions, and how arrays go in and results come out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

from conformance.accuracy.draw import Array
from conformance.backends import BACKENDS
from conformance.exact import FORMATS

#: The arrays of a call, the prediction first.
Arrays = Sequence[Any]
#: From the arrays of a call to the values, and the gradient by the first of them.
Both = Callable[[Callable[..., Any], Arrays], tuple[Any, Any]]


@dataclass(frozen=True)
class Peer:
    """A library beside xent.

    Attributes
    ----------
    name, package
        Its name in the report, and the distribution that is installed.
    functions
        By subject, a function of the call's arrays, the prediction first, that returns one value
        per row, or value and gradient where ``both`` is None.
    make, read
        An array of the library from NumPy's float64 and a dtype (integers stay), and back.
    both
        How the library differentiates by the prediction.
    dtypes
        In which it is measured; SciPy, scikit-learn and Keras compute half precision as they like.
    backend
        Whose arrays it takes, by the name in `conformance.backends`.
    flushes
        Whether it replaces subnormal numbers by 0.
    doubles
        Whether it computes float32 in float64, and so may be better there than anyone else.
    """

    name: str
    package: str
    functions: Mapping[str, Callable[..., Any]]
    make: Callable[[Array, str], Any]
    read: Callable[[Any], Array]
    both: Both | None
    dtypes: tuple[str, ...] = ("float64", "float32")
    session: Callable[[], AbstractContextManager[None]] = field(default=nullcontext)
    backend: str = "numpy"
    flushes: bool = False
    doubles: bool = False

    @property
    def version(self) -> str:
        """The version that is installed."""
        return version(self.package)

    def measured(
        self, subject: str, arrays: Mapping[str, Array], dtype: str
    ) -> tuple[tuple[Array | None, ...], tuple[str, ...]] | None:
        """Return value and gradient as float64 and their dtypes, None where it has no such loss.

        A result in a wider dtype than the prediction's is measured in the prediction's.
        """
        function = self.functions.get(subject)
        if function is None or dtype not in self.dtypes:
            return None
        with self.session(), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            given = [self.make(x, dtype) for x in arrays.values()]
            results = self.both(function, given) if self.both else function(*given)
            results = results if isinstance(results, tuple) else (results, None)
            names = tuple(dtype if x is None else _narrower(dtype_name(x), dtype) for x in results)
            return tuple(None if x is None else self.read(x) for x in results), names


def _narrower(a: str, b: str) -> str:
    return a if FORMATS[a].bits < FORMATS[b].bits else b


def dtype_name(x: Any) -> str:
    """Return the name of a dtype, the same for all libraries."""
    return str(x.dtype).rpartition(".")[2]


def _jax_make(x: Array, dtype: str) -> Any:
    """Return a JAX array."""
    return import_module("jax.numpy").asarray(x, dtype=dtype if x.dtype.kind == "f" else "int64")


def _jax_read(x: Any) -> Array:
    """Return NumPy's float64."""
    return np.asarray(x).astype(np.float64)


def jax_both(function: Callable[..., Any], given: Arrays) -> tuple[Any, Any]:
    """Return value and gradient, jitted, as JAX's documentation asks for."""
    jax = import_module("jax")

    def total(*arrays: Any) -> tuple[Any, Any]:
        values = function(*arrays)
        return values.sum(), values

    (_, values), slope = jax.jit(jax.value_and_grad(total, has_aux=True))(*given)
    return values, slope


def of_jax(name: str, functions: Mapping[str, Callable[..., Any]], dtypes: tuple[str, ...]) -> Peer:
    """Return a library on JAX's arrays, named as its distribution is."""
    session = BACKENDS["jax"].session
    how = _jax_make, _jax_read, jax_both
    return Peer(name, name, functions, *how, dtypes, session=session, backend="jax", flushes=True)
