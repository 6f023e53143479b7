"""What kind of numbers an array holds, and in which dtype xent computes with them.

One small table, because bfloat16 is in no namespace's ``dtypes()`` and NumPy's ``isdtype`` and
``finfo`` refuse it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from xent._nested import mapped
from xent._typing import Array, Verbs

EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
"""Distance from 1 to the next number, by the name of the dtype."""

HALF = ("float16", "bfloat16")


def name(dtype: Any) -> str:
    """Return a dtype's plain name: ``float32`` for ``torch.float32``."""
    kind: Any = type(dtype)
    if kind.__module__ == "torch":  # quick, and torch.compile follows no cache
        return str(dtype).rsplit(".", 1)[-1]
    return _name(kind, dtype)


@lru_cache(maxsize=256)
def _name(kind: type, dtype: Any) -> str:
    """Return the name; ``kind`` keeps the dtypes of two libraries from being compared."""
    return str(getattr(dtype, "name", None) or dtype).rsplit(".", 1)[-1]


def is_floating(x: Array) -> bool:
    """Whether ``x`` holds real floating-point numbers that xent computes with."""
    return name(x.dtype) in EPS


def is_integer(x: Array) -> bool:
    """Whether ``x`` holds integers, signed or not."""
    return name(x.dtype).startswith(("int", "uint"))


def is_bool(x: Array) -> bool:
    """Whether ``x`` holds truth values."""
    return name(x.dtype) == "bool"


def scalar(x: Array, number: int) -> float | None:
    """Return an integer as the number of Python that ``x`` is compared with, None where it can't hold it."""
    kind = name(x.dtype)
    if kind in EPS:
        return float(number) if abs(number) <= (65504 if kind == "float16" else 2**127) else None
    if kind == "bool":
        return bool(number) if number in (0, 1) else None
    bits = int(kind.lstrip("uint"))
    low, high = (0, 2**bits) if kind[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return number if low <= number < high else None


def eps(x: Array) -> float:
    """Return the distance from 1 to the next number in the dtype of ``x``."""
    return EPS[name(x.dtype)]


def is_half(x: Array) -> bool:
    """Whether ``x`` is in half precision, which is computed with in float32 (R12)."""
    return name(x.dtype) in HALF


def compute_dtype(xp: Verbs, x: Array) -> Any:
    """Return the dtype to compute in: float32 for half precision, else that of ``x``."""
    return xp.float32 if is_half(x) else x.dtype


def wider(xp: Verbs, a: Any, b: Any) -> Any:
    """Return the floating dtype that holds the numbers of both."""
    if a != b and {name(a), name(b)} == {*HALF}:
        return xp.float32
    return a if EPS[name(a)] <= EPS[name(b)] else b


def size(x: Array) -> int:
    """Return the bytes of an element."""
    return int(name(x.dtype).lstrip("bfloat")) // 8


def narrowed(xp: Verbs, x: Any, dtype: Any) -> Any:
    """Return numbers, however nested, each array among them in ``dtype``: another would promote."""
    return mapped(lambda x: x if isinstance(x, float) else cast(xp, x, dtype), x)


def cast(xp: Verbs, x: Array, dtype: Any) -> Array:
    """Return ``x`` in ``dtype``, itself where it is already."""
    return x if x.dtype == dtype else xp.astype(x, dtype)
