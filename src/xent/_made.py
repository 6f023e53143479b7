"""A function that is made of a loss: called as the loss is, and pickled by how it was made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, Literal


class Made:
    """What ``make(loss)`` returns: ``run``, which a pickle could not find by its name."""

    def __init__(self, make: Callable[[Any], Any], loss: Any, run: Callable[..., Any]) -> None:
        update_wrapper(self, run, updated=())
        if hasattr(run, "problem"):
            vars(self).update(vars(run), itself=self)
        self.run, self.how = run, (make, (loss,))
        run.__qualname__ = repr(self)  # the name in Python's error for a missing argument

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(*args, **kwargs)

    def __repr__(self) -> str:
        make, (loss,) = self.how
        return f"{make.__name__}({original(loss).__name__})"

    def __reduce__(self) -> tuple[Any, ...]:
        return self.how


def original(function: Any) -> Any:
    """Return the loss, of which `functools.partial` may have given some arguments."""
    return original(function.func) if isinstance(function, partial) else function


def part_of(function: Any, name: Literal["problem", "call"]) -> Any:
    """Return a part of what `xent.loss` made, some arguments given or not; None of all else.

    What wraps a loss has its attributes, by `functools.wraps`, and is another function.
    """
    if isinstance(function, partial):
        part = part_of(function.func, name)
        return part and partial(part, *function.args, **function.keywords)
    own = callable(function) and getattr(function, "itself", None) is function
    return getattr(function, name, None) if own else None
