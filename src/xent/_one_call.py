"""A loss of ours as one call to torch.compile, which else reads all that it runs through.

It looks at each name of ours that it has met again in every call of the program, which takes longer than a
small loss. The call it traces as a program does without a compiler, with the rules that every transform has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from xent._engine import Problem

F = TypeVar("F", bound=Callable[..., Any])

LOSSES: dict[str, tuple[Callable[..., Any], bool]] = {}
"""Our losses, by their modules and names, and whether each looks at values."""

_PLAIN = (type(None), bool, str)
_NUMBERS, _NEUTRAL = ("axis", "ignore_index"), ("label_smoothing", "z_loss")


def registered(run: F, problem: Callable[..., Problem], *, looks: bool) -> F:
    """Return ``run``; where it is a loss of ours, torch.compile will read another function in its place."""
    name = f"{run.__module__}.{run.__qualname__}"
    if not name.startswith("xent.losses.") or name in LOSSES:
        return run

    @wraps(run)
    def read(*args: Any, **kwargs: Any) -> Any:
        if _may_be_one(args, kwargs):
            from xent.engines.torch.one_call import in_one_call  # which loads the compiler

            made = in_one_call(name, args, kwargs)
            if made is not None:
                return made
        return problem(*args, **kwargs).value()

    LOSSES[name] = run, looks
    vars(run)["_torchdynamo_inline"] = read
    return run


def _may_be_one(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether all that is given are tensors and constants.

    A number, a tensor too, may be another in the next call, or be differentiated: it is left to the
    compiler, but for a plain 0 where that changes nothing.
    """
    tensors = False
    for key, x in (*enumerate(args), *kwargs.items()):
        kind = type(x)
        if kind.__module__ in ("torch", "torch.nn.parameter") and getattr(x, "ndim", 0) > 0:
            tensors = True
        elif kind is float:
            if key not in _NEUTRAL or x != 0:
                return False
        elif kind not in _PLAIN and not (kind is int and key in _NUMBERS):
            return False
    return tensors
