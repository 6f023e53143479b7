"""Sizes of arrays as checks compare and messages say them; Dask has some that it doesn't know yet."""

from __future__ import annotations

from collections.abc import Sequence

from xent._typing import Array


def shown(x: Array) -> str:
    """Return the shape of ``x`` as a message has it."""
    return str(tuple(x.shape))


def same(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether two shapes are the same; Dask has NaN for a size that it doesn't know yet."""
    pairs = zip(a, b, strict=False)
    return len(a) == len(b) and all(m == n or (m != m and n != n) for m, n in pairs)


def of_shape(name: str, x: Array, shape: Sequence[int], rule: str, *said: Sequence[int]) -> None:
    """Raise unless ``x`` has exactly ``shape``, the first of the shapes of which the rule speaks.

    They are put into it only then: a compiler would take a size that is read out for fixed.
    """
    if not same(x.shape, shape):
        hint = unknown(*x.shape, *shape)
        raise ValueError(
            f"{name} has shape {shown(x)}{rule.format(*map(tuple, (shape, *said)))}{hint}"
        )


def unknown(*sizes: int) -> str:
    """Return what to do about sizes that Dask doesn't know yet, if there are any."""
    return "; nan is a size that is unknown: call compute_chunk_sizes()" * any(
        n != n for n in sizes
    )
