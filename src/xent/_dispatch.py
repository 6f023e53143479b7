"""From arrays to their library: its namespace, its engine and the device; nothing moved silently."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from numbers import Number
from typing import TYPE_CHECKING, Any

from array_api_compat import array_namespace, is_numpy_array

from xent import _dtype
from xent._check import arguments
from xent._typing import Array

if TYPE_CHECKING:
    from xent._engine import Engine

_FILES = {"array_api_strict": "numpy"} | {k: k for k in ("numpy", "torch", "jax", "dask", "cupy")}

_ENGINES: dict[Any, Engine] = {}
"""The engine of each namespace, one whatever thread asks first."""

ENGINE_OF: dict[type, Engine] = {}
"""The engine of each type of array that was met; no tensor's, as `torch.compile` follows no dict."""


def is_sequence(x: Any) -> bool:
    """Whether ``x`` is a number or a (nested) sequence, to become an array of the others' library."""
    return isinstance(x, (Number, list, tuple, range))


def _engine(api: Any) -> Engine:
    if api not in _ENGINES:
        library = api.__name__.removeprefix("array_api_compat.").partition(".")[0]
        module = import_module(f"xent.engines.{_FILES.get(library, 'eager')}")
        _ENGINES.setdefault(api, module.make(api, library))
    return _ENGINES[api]


def engine_of(name: str, x: Any) -> Engine:
    """Return the engine of the library that ``x`` belongs to."""
    if hasattr(type(x), "__torch_function__"):
        # A tensor, of a subclass too, or what stands for one. torch.compile follows a plain import,
        # but neither `import_module` nor a cache.
        if type(x).__module__[:24] == "torch.distributed.tensor":
            from xent.engines.torch.sharded import SHARDED  # which imports torch.distributed

            return SHARDED
        from xent.engines.torch.engine import TORCH

        return TORCH
    kind = type(x)
    engine = ENGINE_OF.get(kind)
    if engine is None:
        arguments.refused(name, x)
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
            home = type(x).__module__
            if (
                home[:5] != "torch"
                or home[:24] == "torch.distributed.tensor"
                or not hasattr(x, "requires_grad")
            ):
                return None
            if x.layout is not TORCH.dense or x.is_nested:
                return None
            if device is not None and x.device != device:
                raise arguments.mixed_devices(TORCH, given)
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
    there: dict[str, Any] = {name: x for name, x in given.items() if x is not None}
    tells = {name: _teller(name, x) for name, x in there.items()}
    engines = {name: engine_of(name, x) for name, x in tells.items() if x is not None}
    engine = _one_of(engines, tells)
    arrays: dict[str, Array] = {}
    for name, own in engines.items():
        if own.library == engine.library:
            x, entry = there[name], tells[name]
            arrays[name] = (
                _stacked(engine, name, x, entry) if is_sequence(x) else engine.taken(name, entry)
            )
    device = engine.together(arrays)
    reference = arrays.get(like) if like else None
    for name, x in there.items():
        if name not in arrays:
            arrays[name] = _from_sequence(engine, name, x, device, reference)
    return engine, arrays


def _one_of(engines: Mapping[str, Engine], arrays: Mapping[str, Array]) -> Engine:
    """Return the one engine of arrays; beside another's NumPy's may be constants, or numbers."""
    found = list(engines.values()) or [_of_numbers(arrays)]
    spread, foreign = [x for x in found if x.spreads], [x for x in found if x.library != "numpy"]
    engine = (spread or foreign or found)[0]
    for name, own in engines.items():
        constant = own.library == "numpy" and (engine.takes_constants or arrays[name].ndim == 0)
        if own.library != engine.library and not constant:
            raise arguments.mixed_libraries(engines, {key: arrays[key] for key in engines})
    return engine


def _of_numbers(names: Collection[str]) -> Engine:
    """Return the engine of what is numbers alone: NumPy's."""
    try:
        return _engine(import_module("array_api_compat.numpy"))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "numpy":
            raise
        raise arguments.no_numpy(list(names)) from None


def _teller(name: str, x: Any) -> Any:
    """Return the array that tells the library of an argument, None where it is of numbers alone."""
    try:
        if is_sequence(x):
            return _array_in(x)
        held = getattr(x, "__jax_array__", None)  # what a variable of a framework holds
        return x if held is None else held()
    except (RecursionError, TypeError, ValueError) as error:
        raise arguments.not_an_array(name, x) from error


def _array_in(x: Any) -> Any:
    """Return the first array in a sequence, None where numbers alone are; of NumPy's all are numbers."""
    if isinstance(x, (list, tuple)):
        return next((found for y in x if (found := _array_in(y)) is not None), None)
    if isinstance(x, Number):
        return None
    tensor = hasattr(type(x), "__torch_function__")
    number = is_numpy_array(x) and not hasattr(x, "mask")  # a masked one is refused
    return x if tensor or (hasattr(x, "shape") and not number) else None


def _stacked(engine: Engine, name: str, x: Any, entry: Any) -> Array:
    """Return a sequence of arrays as an array, of which each keeps its derivative."""
    try:
        if isinstance(x, (list, tuple)):
            return engine.xp.stack([_stacked(engine, name, y, entry) for y in x])
        return x if hasattr(x, "shape") else engine.asarray(x, entry.dtype, engine.device(entry))
    except (TypeError, ValueError, RuntimeError) as error:
        raise arguments.not_an_array(name, x) from error


def _from_sequence(
    engine: Engine, name: str, x: Any, device: Any, reference: Array | None
) -> Array:
    """Return a number, a nested sequence or an array of NumPy's as an array of the engine's library."""
    try:
        dtype = None
        if not isinstance(x, (float, int, list, tuple)) and getattr(x, "ndim", None) == 0:
            x = x.item()
        if _holds_float(x):
            dtype = engine.xp.floating
            if reference is not None and _dtype.is_floating(reference):
                dtype = _dtype.compute_dtype(engine.xp, reference)
        return engine.asarray(x, dtype, device)
    except OverflowError as error:
        raise arguments.too_large(name, engine, error) from error
    except (RecursionError, TypeError, ValueError) as error:
        raise arguments.not_an_array(name, x) from error


def _holds_float(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(_holds_float, x))
    return isinstance(x, float)
