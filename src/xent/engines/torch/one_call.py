"""A loss as one call of torch.compile's graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.autograd import forward_ad

from xent._one_call import LOSSES

KNOWN = hasattr(torch.compiler, "_compile_session_context")
"""Whether torch says all the time that it compiles."""


def in_one_call(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return the loss; None where tangents are on the way, which a program that has none would not see."""
    if not KNOWN or forward_ad._current_level >= 0:
        return None
    return _of_graph(name, args, kwargs)


@torch.compiler.allow_in_graph
def _of_graph(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    loss, checks = LOSSES[name]
    if checks and kwargs.get("validate") is None:  # the graph may be run as it is, on values
        kwargs = {**kwargs, "validate": False}
    try:
        return loss(*args, **kwargs)
    except (TypeError, ValueError) as error:
        # By this word the compiler leaves the call to Python, where the error is raised as it is.
        raise TypeError(f"argument: {error}") from error
