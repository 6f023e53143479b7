"""The array libraries a case can run on; none is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

REAL = ("float64", "float32")
HALF = ("float16", "bfloat16")


def _elements(result: Any) -> Any:
    """Read an array element by element: the one way every library offers, exact for all dtypes."""
    if result.ndim:
        return [_elements(result[index, ...]) for index in range(result.shape[0])]
    return bool(result) if "bool" in str(result.dtype) else float(result)


@contextmanager
def _jax_x64() -> Iterator[None]:
    # Without it JAX has no float64 at all; restored, since a process may test both settings.
    config = import_module("jax").config
    before = config.jax_enable_x64
    config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        config.update("jax_enable_x64", before)


@dataclass(frozen=True)
class Backend:
    """One array library.

    Attributes
    ----------
    name
        What ``--backend`` takes.
    module
        Where the array functions live.
    array
        Dotted names of the classes a result may have, relative to the top-level package.
    dtypes
        The floating dtypes it knows.
    lay
        Lays a new array out, in chunks where the library has them.
    gather
        Makes the result readable by ``_elements`` (computes it, moves it to the host).
    session
        What has to be set while it runs.
    flushes
        Whether it replaces subnormal numbers by zero.
    """

    name: str
    module: str
    array: tuple[str, ...]
    dtypes: tuple[str, ...] = REAL + HALF
    lay: Callable[[Any], Any] = lambda array: array
    gather: Callable[[Any], Any] = lambda result: result
    session: Callable[[], AbstractContextManager[None]] = field(default=nullcontext)
    flushes: bool = False

    @property
    def package(self) -> str:
        """The package that has to be installed."""
        return self.module.partition(".")[0]

    def is_installed(self) -> bool:
        """Whether the package can be imported here; says nothing of a device behind it."""
        return find_spec(self.package) is not None and (
            self.module != "dask.array" or find_spec("numpy") is not None
        )

    def has(self, dtype: str) -> bool:
        """Whether arrays of this dtype can be made here."""
        return dtype in self.dtypes and not self._lacks(dtype)

    def why_not(self, dtype: str) -> str:
        """Say that arrays of a dtype can't be made, and what to install where that helps."""
        hint = ": pip install ml-dtypes" if dtype in self.dtypes and self._lacks(dtype) else ""
        return f"no {dtype} here{hint}"

    def _lacks(self, dtype: str) -> bool:
        return self._home(dtype) == "ml_dtypes" and find_spec("ml_dtypes") is None

    def _home(self, dtype: str) -> str:
        if self.name in ("numpy", "dask"):  # Dask takes NumPy's dtypes and has few of its own
            return "ml_dtypes" if dtype == "bfloat16" else "numpy"
        return self.module

    def dtype(self, name: str) -> Any:
        """Return the library's dtype of this name."""
        home = self._home(name)
        found = getattr(import_module(home), name)
        return import_module("numpy").dtype(found) if home == "ml_dtypes" else found

    def make(self, values: Any, dtype: str, shape: list[int] | None = None) -> Any:
        """Make an array of nested Python numbers, or of one number everywhere."""
        xp = import_module(self.module)
        kind = self.dtype(dtype)
        if shape is None:
            return self.lay(xp.asarray(values, dtype=kind))
        return self.lay(xp.full(tuple(shape), values, dtype=kind))

    def owns(self, result: Any) -> bool:
        """Whether the result is an array of this library."""
        for dotted in self.array:
            home, _, kind = dotted.rpartition(".")
            if isinstance(result, getattr(import_module(home), kind)):
                return True
        return False

    def dtype_name(self, result: Any) -> str:
        """Return the name of the result's dtype, the same for all libraries."""
        return str(result.dtype).rpartition(".")[2]

    def numbers(self, result: Any) -> Any:
        """Return the result as nested Python numbers, without rounding."""
        return _elements(self.gather(result))


def _in_chunks(array: Any) -> Any:
    # Two along every axis: a case of four numbers is in several chunks too.
    return array.rechunk(tuple((size + 1) // 2 for size in array.shape))


def _from_torch(result: Any) -> Any:
    return result.detach().cpu()


def _from_jax(result: Any) -> Any:
    # Indexing a JAX array dispatches a program for every element; NumPy's view of it does not.
    return import_module("numpy").asarray(result)


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("numpy", "numpy", ("numpy.ndarray", "numpy.generic")),
        Backend("strict", "array_api_strict", ("array_api_strict._array_object.Array",), REAL),
        Backend("torch", "torch", ("torch.Tensor",), gather=_from_torch),
        Backend(
            "jax",
            "jax.numpy",
            ("jax.Array",),
            gather=_from_jax,
            session=_jax_x64,
            flushes=True,
        ),
        Backend(
            "dask",
            "dask.array",
            ("dask.array.Array",),
            (*REAL, "float16"),
            lay=_in_chunks,
            gather=lambda result: result.compute(),
        ),
        Backend(
            "cupy",
            "cupy",
            ("cupy.ndarray",),
            (*REAL, "float16"),
            gather=lambda result: result.get(),
        ),
    )
}


def installed() -> list[str]:
    """Return the names of the backends whose library is installed."""
    return [name for name, backend in BACKENDS.items() if backend.is_installed()]


def missing() -> list[str]:
    """Return the names of the backends whose library is not installed."""
    return [name for name, backend in BACKENDS.items() if not backend.is_installed()]
