"""From arrays to their library: its namespace, its engine and the device; nothing moved silently."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from numbers import Number
from typing import TYPE_CHECKING, Any

from array_api_compat import array_namespace

from xent import _dtype
from xent._check import arguments
from xent._typing import Array

if TYPE_CHECKING:
    from xent._engine import Engine

_FILES = {"array_api_strict": "numpy"} | {k: k for k in ("numpy", "torch", "jax", "dask")}

_ENGINES: dict[Any, Engine] = {}
"""The engine of each namespace, one whatever thread asks first."""

ENGINE_OF: dict[type, Engine] = {}
"""The engine of each type of array that was met; no tensor's, as `torch.compile` follows no dict."""


def is_sequence(x: Any) -> bool:
    """Whether ``x`` is a number or a (nested) sequence, to become an array of the others' library."""
    return isinstance(x, (Number, list, tuple))


def _engine(api: Any) -> Engine:
    if api not in _ENGINES:
        library = api.__name__.removeprefix("array_api_compat.").partition(".")[0]
        module = import_module(f"xent.engines.{_FILES.get(library, 'eager')}")
        _ENGINES.setdefault(api, module.make(api, library))
    return _ENGINES[api]


def engine_of(name: str, x: Any) -> Engine:
    """Return the engine of the library that ``x`` belongs to."""
    kind = type(x)
    if kind.__module__[:5] == "torch" and hasattr(x, "requires_grad"):
        # torch.compile follows a plain import, but neither `import_module` nor a cache.
        from xent.engines.torch.engine import TORCH

        return TORCH
    engine = ENGINE_OF.get(kind)
    if engine is None:
        if hasattr(x, "mask"):
            raise arguments.masked(name, x)
        try:
            engine = ENGINE_OF.setdefault(kind, _engine(array_namespace(x)))
        except TypeError:
            raise arguments.not_an_array(name, x) from None
    return engine


def of_tensors(given: Mapping[str, Any]) -> tuple[Engine, Mapping[str, Any]] | None:
    """Return the engine of arguments that are all tensors, None where more is to be asked."""
    from xent.engines.torch.engine import TORCH  # which torch.compile follows, and no cache

    device = None
    for x in given.values():
        if x is not None:
            if type(x).__module__[:5] != "torch" or not hasattr(x, "requires_grad"):
                return None
            if device is not None and x.device != device:
                raise arguments.mixed_devices(
                    TORCH, {k: y for k, y in given.items() if y is not None}
                )
            device = x.device
    return TORCH, given


def resolve(
    given: Mapping[str, Any], *, like: str | None = None
) -> tuple[Engine, dict[str, Array]]:
    """Return the engine of the one library of what is given, and all of it as arrays of that library.

    They must lie on one device. NumPy's are constants to a library that takes them so. Sequences of
    floats take the dtype of the argument ``like`` where that is an array, so that no digit is lost, and
    the library's default float otherwise. None is left out.
    """
    there: dict[str, Any] = {
        name: x if is_sequence(x) else _held(name, x) for name, x in given.items() if x is not None
    }
    arrays = {name: x for name, x in there.items() if not is_sequence(x)}
    engines = {name: engine_of(name, x) for name, x in arrays.items()}
    engine = _one_of(engines, arrays)
    arrays = {name: x for name, x in arrays.items() if engines[name] is engine}
    device = engine.together(arrays)
    reference = arrays.get(like) if like else None
    for name, x in there.items():
        if name not in arrays:
            there[name] = _from_sequence(engine, name, x, device, reference)
    return engine, there


def _held(name: str, x: Any) -> Any:
    """Return the array that a variable of a framework holds, and what is none as it is."""
    held = getattr(x, "__jax_array__", None)
    try:
        return x if held is None else held()
    except (TypeError, ValueError) as error:
        raise arguments.not_an_array(name, x) from error


def _one_of(engines: Mapping[str, Engine], arrays: Mapping[str, Array]) -> Engine:
    """Return the one engine of arrays; beside another's NumPy's may be constants, or numbers."""
    found = list(engines.values()) or [_engine(import_module("array_api_compat.numpy"))]
    engine = next((own for own in found if own.library != "numpy"), found[0])
    for name, own in engines.items():
        constant = own.library == "numpy" and (engine.takes_constants or arrays[name].ndim == 0)
        if own is not engine and not constant:
            raise arguments.mixed_libraries(engines, arrays)
    return engine


def _from_sequence(
    engine: Engine, name: str, x: Any, device: Any, reference: Array | None
) -> Array:
    """Return a number, a nested sequence or an array of NumPy's as an array of the engine's library."""
    dtype = None
    if not isinstance(x, (float, int, list, tuple)) and getattr(x, "ndim", None) == 0:
        x = x.item()
    if _holds_float(x):
        dtype = engine.xp.floating
        if reference is not None and _dtype.is_floating(reference):
            dtype = _dtype.compute_dtype(engine.xp, reference)
    try:
        return engine.asarray(x, dtype, device)
    except OverflowError as error:
        raise arguments.too_large(name, engine, error) from error
    except (TypeError, ValueError) as error:
        raise arguments.not_an_array(name, x) from error


def _holds_float(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(_holds_float, x))
    return isinstance(x, float)
