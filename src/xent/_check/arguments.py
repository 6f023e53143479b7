"""Which arguments were given, of which libraries, and which numbers as options: every message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from operator import index
from reprlib import Repr
from typing import Any, Protocol

from xent._made import original
from xent._typing import Array


class Library(Protocol):
    """What a message says of an engine."""

    library: str

    def device(self, x: Array, /) -> Any:
        """Return where ``x`` lies."""


_REMEDIES = {
    "numpy.matrix": "its products are those of matrices: pass np.asarray(x)",
    "pandas.": "pass x.to_numpy()",
    "polars.": "pass x.to_numpy()",
    "xarray.": "pass x.values, or call xent by xarray.apply_ufunc",
    "scipy.sparse.": "it is sparse: pass x.toarray()",
    "sparse.": "it is sparse: pass x.todense()",
    "cubed.": "cubed has no take_along_axis: pass x.compute()",
    "mlx.": "MLX has no namespace of the array API standard: pass np.asarray(x)",
    "torch.nn.modules.": "it is a module: pass what it returns, or its arrays, as x.weight",
    "tensorflow.": "TensorFlow has no namespace of the array API standard: pass x.numpy()",
}
"""What to pass in place of what looks like an array and is none, or would lose its meaning (R1)."""

_CALLED: dict[Any, str] = {
    None: "none",
    **dict.fromkeys(("batchmean", "sum_over_batch_size"), "mean"),
}
"""What xent calls a choice that others have another name for."""

_LONGEST = 60
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _LONGEST


def shown(x: Any) -> str:
    """Return what a message shows of a value, however long that is."""
    try:
        text = " ".join(_SHORT.repr(x).split())
    except Exception:  # Python shows no number of so many digits, nor an object whose repr raises
        return f"of type {type(x).__qualname__}"
    # Rows of rows are long where each of them is short.
    half = _LONGEST // 2 - 2
    return text if len(text) <= _LONGEST else f"{text[:half]}...{text[-half:]}"


def by_position(
    function: str, body: Callable[..., Any], args: Sequence[Any], error: TypeError
) -> None:
    """Raise, in place of Python's ``error``, for more arguments by position than there are places."""
    every = signature(body).parameters.values()
    places = [p.name for p in every if p.kind is not p.KEYWORD_ONLY]
    if len(args) <= len(places):
        return
    others = ", ".join(f"{p.name}=" for p in every if p.kind is p.KEYWORD_ONLY)
    raise TypeError(
        f"{function}() takes {', '.join(places)} by position and got {len(args)} arguments; "
        f"the others go by keyword: {others}"
    ) from error


def exactly_one(function: str, **forms: Any) -> None:
    """Raise unless one argument is given."""
    given = [name for name, x in forms.items() if x is not None]
    if len(given) != 1:
        raise TypeError(
            f"{function}() takes exactly one of {', '.join(forms)}; got {', '.join(given) or 'none'}"
        )


def refused(name: str, x: Any) -> None:
    """Raise for what looks like an array and would lose its meaning."""
    for kind in type(x).__mro__:
        full = f"{kind.__module__}.{kind.__qualname__}"
        for prefix, remedy in _REMEDIES.items():
            if full.startswith(prefix):
                raise TypeError(f"{name} is {full}; {remedy}")
    if hasattr(x, "mask"):
        raise TypeError(
            f"{name} is {type(x).__module__}.{type(x).__qualname__}; its mask would be lost: pass its "
            "data, and where= for the rows that count"
        )


def not_dense(name: str, layout: str) -> TypeError:
    """Return the error for a tensor whose entries do not all lie in memory."""
    return TypeError(
        f"{name} is a {layout} tensor; it takes a dense one: pass x.to_dense(), or padded"
    )


def not_an_array(name: str, x: Any) -> TypeError:
    """Return the error for what no array library knows."""
    what = (
        f"{type(x).__module__}.{type(x).__qualname__}; it takes an array of a library that follows the "
        "array API standard, a number, or a (nested) sequence of numbers"
    )
    try:
        if is_ragged(x):
            what = "a nested sequence whose rows differ in length; an array has rows of one length"
    except RecursionError:
        what = "a sequence that is nested too deep, or holds itself"
    return TypeError(f"{name} is {what}")


def no_numpy(names: Sequence[str]) -> ModuleNotFoundError:
    """Return the error for numbers without an array beside them, where they can't become NumPy's."""
    are = "are numbers" if len(names) > 1 else "is of numbers"
    return ModuleNotFoundError(
        f"{' and '.join(names)} {are} without an array of any library, and NumPy, whose arrays they would "
        "become, is not installed: pip install numpy, or pass arrays",
        name="numpy",
    )


def too_large(name: str, engine: Library, error: OverflowError) -> ValueError:
    """Return the error for an integer that a library has no dtype for."""
    return ValueError(f"{name} holds an integer beyond those that {engine.library} has: {error}")


def no_target(call: Any) -> TypeError:
    """Return the error for None in the place of a target."""
    kinds = {"labels": call.labels, "distributions": call.distributions}
    takes = call.only or " or ".join(kind for kind, kernels in kinds.items() if kernels)
    takes = "numbers" if call.elementwise else takes
    return TypeError(f"{call.target_name} is None; it takes {takes}")


def is_ragged(x: Any) -> bool:
    """Whether sequences that stand beside each other differ in length."""
    if not isinstance(x, (list, tuple)):
        return False
    sizes = {len(row) if isinstance(row, (list, tuple)) else -1 for row in x}
    return len(sizes) > 1 or any(map(is_ragged, x))


def _places(engines: Mapping[str, Library], arrays: Mapping[str, Array]) -> str:
    """Return of which library each array is, and where it lies."""
    each = ((name, engines[name], x) for name, x in arrays.items() if x is not None)
    return ", ".join(f"{name} is {own.library} on {own.device(x)}" for name, own, x in each)


def mixed_libraries(engines: Mapping[str, Library], arrays: Mapping[str, Array]) -> TypeError:
    """Return the error for arrays of two libraries."""
    said = f"all arrays must be of one library: {_places(engines, arrays)}"
    return TypeError(f"{said}; convert them to one first")


def mixed_devices(engine: Library, arrays: Mapping[str, Array]) -> ValueError:
    """Return the error for arrays on two devices."""
    said = f"all arrays must be on one device: {_places(dict.fromkeys(arrays, engine), arrays)}"
    return ValueError(f"{said}; nothing is moved silently")


def choice(name: str, x: Any, choices: Sequence[str]) -> None:
    """Raise unless ``x`` is one of ``choices``."""
    if not isinstance(x, str) or x not in choices:
        own = _CALLED.get(x) if x is None or isinstance(x, str) else None
        habit = f" (xent's name is {own!r})" if own in choices else ""
        known = ", ".join(map(repr, choices))
        raise ValueError(f"{name} is {shown(x)}{habit}; it takes one of {known}")


def not_alike(name: str, got: Any, wanted: str) -> ValueError:
    """Return the error for what has not the form of something else."""
    return ValueError(f"{name} is {shown(got)}; it takes {wanted}")


def not_known(what: str, loss: Any) -> TypeError:
    """Return the error for a call of a function that has not ``what`` others have."""
    return TypeError(
        f"no {what} is known of {called(loss)} as it is called here; "
        "take cross_entropy or another loss of one prediction, without sequence_axis"
    )


def of_several(loss: Any) -> TypeError:
    """Return the error for a gradient of several values at once."""
    return TypeError(
        f"{called(loss)} has several values, and a gradient is of one: xent.vjp takes a cotangent for each"
    )


def called(function: Any) -> str:
    """Return the name of a function, of which `functools.partial` may have given some arguments."""
    return getattr(original(function), "__name__", None) or shown(function)


def not_smoothed(form: str) -> ValueError:
    """Return the error for a smoothing that a loss of labels alone does not know."""
    return ValueError(
        f"label_smoothing makes distributions of labels, and of {form} this loss takes labels only"
    )


def integer(name: str, x: Any, rule: str = "an int") -> int:
    """Return ``x`` as an int: whatever Python takes for an index, but for a truth value."""
    none: Any = None
    try:
        return index(none if isinstance(x, bool) else x)
    except TypeError:
        raise TypeError(f"{name} is {shown(x)}; it takes {rule}") from None


def truth(name: str, x: Any) -> bool:
    """Return a truth value, NumPy's own too."""
    if type(x).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{name} is {shown(x)}; it takes True, False or None")
    return bool(x)
