"""A loss as one call of torch.compile's graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from xent._ours import LOSSES
from xent.engines.torch import tensor

KNOWN = hasattr(torch.compiler, "_compile_session_context")
"""Whether `is_compiling` holds while AOTAutograd traces the call too: by it verbs take a compiler's forms."""


def in_one_call(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return the loss; None where tangents are on the way, which a program that has none would not see."""
    if not KNOWN or tensor.has_tangents():
        return None
    return _of_graph(name, args, kwargs)


@torch.compiler.allow_in_graph
def _of_graph(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    problem, looks = LOSSES[name]
    if looks and kwargs.get("validate") is None:  # a backend may run the graph as it is, on values
        kwargs = {**kwargs, "validate": False}
    try:
        return problem(*args, **kwargs).value()
    except (TypeError, ValueError) as error:
        # Of a `TypeError` with this word Dynamo leaves the call to Python, where the error is raised.
        raise TypeError(f"argument: {error}") from error
