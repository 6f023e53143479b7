"""The array of the double of CuPy: NumPy's, kept where nothing reaches it without being counted."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from benchmarks.counts.cupy_double.meter import launched, waited

NUMBERS = (bool, int, float, np.generic)


class Device:
    """The one device, also as a context, as CuPy has it."""

    def __init__(self, device: Any = None) -> None:
        self.id = 0

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *error: Any) -> None: ...

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Device)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "<CUDA Device 0>"


class Operators:
    """What an array and a variable of a function that is being fused have in common."""

    __array_ufunc__ = None  # NumPy's arrays and functions take none
    __hash__ = None

    def __init__(self, x: Any) -> None:
        self.x = np.asarray(x)
        self.dtype, self.ndim = self.x.dtype, self.x.ndim


def run(function: Any, *args: Any, out: Any = None, **how: Any) -> Any:
    """Return a function of NumPy's, element by element, as one kernel; none while it is fused."""
    there = [a for a in args if not isinstance(a, NUMBERS)]
    (kind,) = {type(a) for a in there if isinstance(a, Operators)}
    if any(type(a) is not kind for a in there):
        raise TypeError(f"Unsupported type {[type(a) for a in there]}")
    plain = [a.x if isinstance(a, Operators) else a for a in args]
    with np.errstate(all="ignore"):
        result = function(*plain, **how)
    if out is not None:
        np.copyto(out.x, result, casting="same_kind")
    result = kind(result) if out is None else out
    if kind is ndarray:
        launched([a.x for a in there], [result.x])
    return result


def _operator(name: str) -> None:
    plain = getattr(operator, name.strip("_") + "_" * (name in ("and", "or")))

    def forward(self: Any, *other: Any) -> Any:
        return run(plain, self, *other)

    def backward(self: Any, other: Any) -> Any:
        return run(plain, other, self)

    def in_place(self: Any, other: Any) -> Any:
        return run(plain, self, other, out=self)

    setattr(Operators, f"__{name}__", forward)
    if name not in ("neg", "invert", "lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Operators, f"__r{name}__", backward)
        setattr(Operators, f"__i{name}__", in_place)


for _name in ("add", "sub", "mul", "truediv", "pow", "and", "or", "xor", "neg", "invert"):
    _operator(_name)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _operator(_name)


class Variable(Operators):
    """An array inside a function that is being fused: it has operators, and neither shape nor values."""

    def astype(self, dtype: Any, copy: bool = True) -> Variable:
        return Variable(self.x.astype(dtype))


class ndarray(Operators):  # noqa: N801  # CuPy's own name
    """An array on the device."""

    device = Device()
    shape = property(lambda self: self.x.shape)
    size = property(lambda self: self.x.size)
    nbytes = property(lambda self: self.x.nbytes)
    itemsize = property(lambda self: self.x.itemsize)
    strides = property(lambda self: self.x.strides)
    T = property(lambda self: ndarray(self.x.T))

    def __array__(self, *how: Any, **more: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    # --- what waits ---

    def get(self) -> Any:
        waited()
        return self.x.copy()

    def item(self) -> Any:
        waited()
        return self.x.item()

    def tolist(self) -> Any:
        waited()
        return self.x.tolist()

    def __bool__(self) -> bool:
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        return operator.index(self.item())

    # --- what is free ---

    def __len__(self) -> int:
        return len(self.x)

    def reshape(self, *shape: Any) -> ndarray:
        view = ndarray(self.x.reshape(*shape))
        if not np.shares_memory(view.x, self.x):
            launched([self.x], [view.x])
        return view

    def squeeze(self, axis: Any = None) -> ndarray:
        return ndarray(self.x.squeeze(axis))

    def ravel(self) -> ndarray:
        return self.reshape(-1)

    # --- kernels ---

    def astype(self, dtype: Any, copy: bool = True) -> ndarray:
        if self.dtype == dtype and not copy:
            return self
        return run(lambda x: x.astype(dtype), self)

    def copy(self) -> ndarray:
        return run(np.copy, self)

    def __getitem__(self, key: Any) -> ndarray:
        plain, arrays = _key(key)
        view = self.x[plain]
        if arrays:
            launched([*arrays, view], [view])  # what is picked is read, and then written
        return ndarray(view)

    def __setitem__(self, key: Any, value: Any) -> None:
        plain, arrays = _key(key)
        if not isinstance(value, (ndarray, *NUMBERS)):
            raise TypeError(f"Unsupported type {type(value)}")
        read = [*arrays, value.x] if isinstance(value, ndarray) else arrays
        self.x[plain] = value.x if isinstance(value, ndarray) else value
        launched(read, [self.x[plain]])


def _key(key: Any) -> tuple[Any, list[Any]]:
    """Return a key as NumPy takes it and the arrays in it, of which CuPy makes one array of places."""
    parts = key if isinstance(key, tuple) else (key,)
    arrays = [k.x for k in parts if isinstance(k, ndarray)]
    if any(x.dtype == bool for x in arrays):
        waited()  # for how many there are
    if len(arrays) > 1:
        places = np.empty(np.broadcast_shapes(*(x.shape for x in arrays)), np.int64)
        launched([], [places])
        for x in arrays:
            launched([x, places], [places])
    plain = tuple(k.x if isinstance(k, ndarray) else k for k in parts)
    return plain if isinstance(key, tuple) else plain[0], arrays
