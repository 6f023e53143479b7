"""How many threads NumPy's blocks are computed by, in the convention of ``scipy.fft``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from operator import index
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

_VARIABLE = "XENT_WORKERS"

_workers: ContextVar[int | None] = ContextVar("xent_workers", default=None)


def set_workers(workers: int) -> AbstractContextManager[None]:
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
    return _in_force(_count(workers))


@contextmanager
def _in_force(workers: int) -> Iterator[None]:
    token = _workers.set(workers)
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


def each(function: Callable[[Any], None], items: Sequence[Any], workers: int) -> None:
    """Call ``function`` on every item, by this thread and as many beside it as are asked for.

    They live as long as the call: nothing is left that a fork, an interrupt or the end of the program
    could stumble on. What ends one of them, an interrupt of this one too, ends all after their item.
    """
    left: SimpleQueue[Any] = SimpleQueue()
    for item in items:
        left.put(item)
    ends: list[BaseException] = []
    work = partial(_work, function, left, ends)
    others = [Thread(target=work, daemon=True) for _ in range(min(workers, len(items)) - 1)]

    def wait() -> None:
        for thread in filter(Thread.is_alive, others):
            thread.join()

    try:
        with suppress(RuntimeError):  # at the end of a program none can be started
            for thread in others:
                thread.start()
        work()
        wait()
    except BaseException as end:
        ends.append(end)
        wait()
        raise
    if ends:
        raise ends[0]


def _work(function: Callable[[Any], None], left: SimpleQueue[Any], ends: list[Any]) -> None:
    """Call ``function`` on what is left until nothing is, or something has ended one of the workers."""
    try:
        while not ends:
            try:
                item = left.get_nowait()
            except Empty:
                return
            function(item)
    except BaseException as end:
        ends.append(end)


def _count(workers: int | str) -> int:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    processors = processors or os.cpu_count() or 1
    try:
        number = int(workers) if isinstance(workers, str) else index(workers)
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
