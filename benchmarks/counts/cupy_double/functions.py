"""The functions of the double of CuPy, of NumPy's own, each one kernel; views are free."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.counts.cupy_double.array import NUMBERS, Variable, ndarray, run
from benchmarks.counts.cupy_double.meter import launched, waited

_UFUNCS = (
    *("abs", "absolute", "add", "bitwise_and", "bitwise_or", "bitwise_xor", "ceil", "copysign"),
    *("cos", "divide", "equal", "exp", "exp2", "expm1", "floor", "greater", "greater_equal"),
    *("invert", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log10", "log1p"),
    *("log2", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum"),
    *("multiply", "negative", "not_equal", "positive", "power", "reciprocal", "sign", "sin"),
    *("sqrt", "square", "subtract", "tanh", "true_divide", "trunc"),
)


def _reduction(name: str) -> Any:
    """Return a sum or its like; while it is fused, once, and without ``keepdims``."""
    function = getattr(np, name)

    def reduce(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
        how = {"axis": axis, "keepdims": keepdims} | ({} if dtype is None else {"dtype": dtype})
        if isinstance(x, Variable):
            if keepdims:
                raise NotImplementedError(f"{name} takes no keepdims while it is fused")
            return Reduced(function(x.x, **how))
        result = ndarray(function(_own(x), **how))
        launched([x.x], [result.x])
        return result

    return reduce


class Reduced(Variable):
    """What a function that is being fused has reduced: its result, which meets no other array."""


def _own(x: Any) -> Any:
    """Return what is in an array; nothing else is taken, no variable of a fused function either."""
    if not isinstance(x, ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    return x.x


def _view(function: Any) -> Any:
    return lambda x, *args, **how: ndarray(function(_own(x), *args, **how))


def _made(function: Any) -> Any:
    """Return a function that fills an array."""

    def make(*args: Any, **how: Any) -> ndarray:
        plain = [a.x if isinstance(a, ndarray) else a for a in args]
        result = ndarray(function(*plain, **how))
        launched([], [result.x])
        return result

    return make


def _empty(function: Any) -> Any:
    return lambda x, **how: ndarray(function(x.x if isinstance(x, ndarray) else x, **how))


def where(condition: Any, *branches: Any) -> Any:
    if not branches:
        waited()
    if isinstance(condition, Variable) and all(isinstance(x, NUMBERS) for x in branches):
        branches = tuple(map(np.float16, branches))  # the narrowest, as no array is wider
    return run(np.where, condition, *branches)


def nonzero(x: Any) -> tuple[ndarray, ...]:
    waited()
    found = tuple(map(ndarray, np.nonzero(_own(x))))
    launched([x.x], [i.x for i in found])
    return found


def asarray(x: Any, dtype: Any = None) -> ndarray:
    if isinstance(x, ndarray):
        return x if dtype is None else x.astype(dtype, copy=False)
    x = ndarray(np.array(x, dtype))
    launched([], [x.x])
    return x


def array(x: Any, dtype: Any = None, copy: bool | None = True) -> ndarray:
    made = asarray(x, dtype)
    return made.copy() if copy and made is x else made


def stack(arrays: Any, axis: int = 0) -> ndarray:
    made = ndarray(np.stack([_own(x) for x in arrays], axis))
    launched([x.x for x in arrays], [made.x])
    return made


def take_along_axis(x: ndarray, index: ndarray, axis: int) -> ndarray:
    """Return entries at an index, as CuPy does it: by an array of places of each axis."""
    axis %= x.ndim
    places: list[Any] = []
    for i, n in enumerate(x.shape):
        own = (1,) * i + (-1,) + (1,) * (x.ndim - i - 1)
        places.append(index if i == axis else FUNCTIONS["arange"](n).reshape(own))
    return x[tuple(places)]


FUNCTIONS: dict[str, Any] = {
    **{name: partial(run, getattr(np, name)) for name in _UFUNCS},
    **{name: _reduction(name) for name in ("sum", "prod", "max", "min", "amax", "amin", "any")},
    **{name: _reduction(name) for name in ("all", "argmax", "argmin", "mean")},
    **{name: _view(getattr(np, name)) for name in ("expand_dims", "squeeze", "moveaxis")},
    **{name: _view(getattr(np, name)) for name in ("transpose", "swapaxes", "broadcast_to")},
    **{name: _made(getattr(np, name)) for name in ("arange", "zeros", "ones", "full")},
    **{name: _made(getattr(np, name)) for name in ("zeros_like", "ones_like", "full_like")},
    **{name: _empty(getattr(np, name)) for name in ("empty", "empty_like")},
    "reshape": lambda x, shape: x.reshape(shape),
    "ravel": lambda x: x.ravel(),
    "matmul": partial(run, np.matmul),
    "broadcast_shapes": np.broadcast_shapes,
    **{f.__name__: f for f in (where, nonzero, asarray, array, stack, take_along_axis)},
    "finfo": np.finfo,
    "iinfo": np.iinfo,
    "dtype": np.dtype,
    "isdtype": np.isdtype,
    **{name: getattr(np, name) for name in ("inf", "nan", "pi", "e", "newaxis", "bool_", "intp")},
    **{
        f"{kind}{n}": getattr(np, f"{kind}{n}") for kind in ("int", "uint") for n in (8, 16, 32, 64)
    },
    **{name: getattr(np, name) for name in ("float16", "float32", "float64")},
    **{name: getattr(np, name) for name in ("complex64", "complex128", "integer", "floating")},
    "ndarray": ndarray,
}


class Fusion:
    """A function that is one kernel: its arrays become variables, which have operators and no more.

    As CuPy's it is followed once for each choice of dtypes and numbers of axes, and returns arrays, all of
    the arguments' common shape, or what one reduction at its end makes of that.
    """

    def __init__(self, function: Any, name: str) -> None:
        self.function, self.name = function, name

    def __call__(self, *args: Any) -> Any:
        if any(not isinstance(a, (ndarray, *NUMBERS, type(None))) for a in args):
            raise TypeError(f"{self.name} takes arrays and numbers")
        arrays = [a.x for a in args if isinstance(a, ndarray)]
        shape = np.broadcast_shapes(*(x.shape for x in arrays))
        inside = [
            Variable(np.broadcast_to(a.x, shape)) if isinstance(a, ndarray) else a for a in args
        ]
        made = self.function(*inside)
        parts = made if isinstance(made, tuple) else (made,)
        if not all(isinstance(part, Variable) for part in parts):
            raise TypeError(f"Fusion function can't return {made!r}")
        found = tuple(ndarray(np.array(part.x)) for part in parts)
        launched(arrays, [x.x for x in found])
        return found if isinstance(made, tuple) else found[0]


def fuse(*, kernel_name: str) -> Any:
    """Return what makes one kernel of a function."""
    return lambda function: Fusion(function, kernel_name)


FUNCTIONS["fuse"] = fuse
