"""How many threads NumPy's blocks are computed by, in the convention of ``scipy.fft``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

_VARIABLE = "XENT_WORKERS"

_workers: ContextVar[int | None] = ContextVar("xent_workers", default=None)


@contextmanager
def set_workers(workers: int) -> Iterator[None]:
    """Compute NumPy's blocks of rows by several threads inside a ``with`` block.

    The result is the same to the last bit for every number of workers. Other libraries have threads
    of their own.

    Parameters
    ----------
    workers : int
        Number of threads; −1 for all processors that this process may use. One is the default, or
        what the environment variable ``XENT_WORKERS`` says.

    Raises
    ------
    ValueError
        For a number that is neither positive nor counted down from the processors.

    Examples
    --------
    >>> import numpy as np, xent
    >>> with xent.set_workers(2):
    ...     print(xent.cross_entropy([0], logits=np.zeros((1, 2))))
    0.693147180559945...
    """
    token = _workers.set(_count(workers))
    try:
        yield
    finally:
        _workers.reset(token)


def get_workers() -> int:
    """Return the number of threads in force here.

    Returns
    -------
    int
        As `set_workers` or the environment variable ``XENT_WORKERS`` says; 1 where neither does.

    Examples
    --------
    >>> import xent
    >>> with xent.set_workers(2):
    ...     print(xent.get_workers())
    2
    """
    workers = _workers.get()
    return _count(os.environ.get(_VARIABLE, "1")) if workers is None else workers


def each(function: Callable[[Any], None], items: Iterable[Any], workers: int) -> None:
    """Call ``function`` on every item, by several threads if asked."""
    if workers == 1:
        for item in items:
            function(item)
        return
    for _ in _pool(workers, os.getpid()).map(function, items):
        pass


@lru_cache(maxsize=4)
def _pool(workers: int, process: int) -> ThreadPoolExecutor:
    """Return a pool of this process: a fork does not inherit threads."""
    return ThreadPoolExecutor(workers, thread_name_prefix="xent")


def _count(workers: int | str) -> int:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    processors = processors or os.cpu_count() or 1
    try:
        number = int(workers)
    except (TypeError, ValueError):
        raise ValueError(f"workers is {workers!r}; it takes an int, −1 for all") from None
    if number < 0:
        number += 1 + processors
    if number < 1:
        raise ValueError(
            f"workers is {workers!r}; it takes a positive number, or −1 to −{processors} to count "
            f"down from the {processors} processors"
        )
    return number
