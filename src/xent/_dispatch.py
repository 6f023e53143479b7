"""From arrays to their library: its namespace, its engine and the device; nothing moved silently."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from numbers import Number
from typing import TYPE_CHECKING, Any, NamedTuple

from array_api_compat import array_namespace

from xent import _check, _dtype
from xent._typing import Array

if TYPE_CHECKING:
    from xent._engine import Engine

_ENGINES = {"array_api_strict": "numpy"} | {k: k for k in ("numpy", "torch", "jax", "dask")}


class Resolved(NamedTuple):
    """The engine of a call's library and all its arguments as arrays of that library."""

    engine: Engine
    arrays: dict[str, Array]


def is_sequence(x: Any) -> bool:
    """Whether ``x`` is a number or a (nested) sequence, to become an array of the others' library."""
    return isinstance(x, (Number, list, tuple))


_ENGINE_OF_TYPE: dict[type, Engine] = {}


@lru_cache(maxsize=32)
def _engine(api: Any) -> Engine:
    library = api.__name__.removeprefix("array_api_compat.").partition(".")[0]
    module = import_module(f"xent.engines.{_ENGINES.get(library, 'eager')}")
    engine: Engine = module.ENGINE(api, library)
    return engine


def engine_of(name: str, x: Any) -> Engine:
    """Return the engine of the library that ``x`` belongs to."""
    if type(x).__module__.partition(".")[0] == "torch":
        # torch.compile follows a plain import, but neither `import_module` nor a cache.
        from xent.engines.torch import TORCH

        return TORCH
    engine = _ENGINE_OF_TYPE.get(type(x))
    if engine is None:
        try:
            engine = _engine(array_namespace(x))
        except TypeError:
            raise _check.not_an_array(name, x) from None
        _ENGINE_OF_TYPE[type(x)] = engine
    return engine


def resolve(arguments: Mapping[str, Any], *, like: str | None = None) -> Resolved:
    """Find the one library and device of ``arguments``; turn numbers and sequences into its arrays.

    Sequences of floats take the dtype of the argument ``like`` where that is an array, so that no
    digit is lost, and the library's default float otherwise. None is left out.
    """
    arrays: dict[str, Array] = {}
    sequences: dict[str, Any] = {}
    engines: dict[str, Engine] = {}
    for name, x in arguments.items():
        if x is None:
            continue
        if is_sequence(x):
            sequences[name] = x
        else:
            arrays[name], engines[name] = x, engine_of(name, x)
    if not engines:
        engines = {"": _engine(import_module("array_api_compat.numpy"))}
    engine = next(iter(engines.values()))
    if any(other is not engine for other in engines.values()):
        raise _check.mixed_libraries({k: (engines[k], x) for k, x in arrays.items()})
    device = _device(engine, arrays)
    reference = arrays.get(like) if like else None
    for name, x in sequences.items():
        arrays[name] = _from_sequence(engine, name, x, device, reference)
    return Resolved(engine, arrays)


def _device(engine: Engine, arrays: dict[str, Array]) -> Any:
    known = [d for d in map(engine.device, arrays.values()) if d is not None]
    if any(engine.apart(known[0], d) for d in known[1:]):
        raise _check.mixed_devices(engine, arrays)
    return known[0] if known else None


def _from_sequence(
    engine: Engine, name: str, x: Any, device: Any, reference: Array | None
) -> Array:
    dtype = None
    if _holds_float(x):
        dtype = engine.xp.floating
        if reference is not None and _dtype.is_floating(reference):
            dtype = _dtype.compute_dtype(engine.xp, reference)
    try:
        return engine.asarray(x, dtype, device)
    except (TypeError, ValueError) as error:
        raise _check.not_an_array(name, x) from error


def _holds_float(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(_holds_float, x))
    return isinstance(x, float)
