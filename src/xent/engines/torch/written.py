"""What a call has that is no tensor, as a text, which a compiler's graph takes as a constant.

Of the text the plan is made again, in whatever process it runs.
"""

from __future__ import annotations

import pickle
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from xent import _nested
from xent._kernel import HOLE
from xent._plan import Target
from xent.engines.torch import tensor


def emptied(x: Any, given: list[Any]) -> Any:
    """Return operands with a mark in the place of each, which is added to the tensors that are ``given``."""

    def of(x: Any) -> Any:
        number = not isinstance(x, Tensor)
        given.append(tensor.symbol(x, torch.float64, tensor.HOST) if number else x)
        return float if number else HOLE

    return _nested.mapped(of, x)


def filled(x: Any, given: Iterator[Any]) -> Any:
    """Return operands with what was given in the place of each mark."""

    def of(mark: Any, own: Any) -> Any:
        if mark is float:
            own = tensor.bare(own)
            return own.item() if tensor.visible([own]) else own
        return own

    return _nested.filled(of, x, given)


def apart(x: Any) -> Any:
    """Return constants of which `_together` makes ``x``: torch.compile knows no other object's value."""
    if isinstance(x, Target):
        return (Target, type(x), x.name)
    if x is None or isinstance(x, (bool, int, float, str, Enum, type, FunctionType)):
        return x
    if isinstance(x, tuple):
        return (type(x), *map(apart, x))
    if is_dataclass(x):
        return (type(x), *(apart(getattr(x, f.name)) for f in fields(x)))
    return ...


def _together(x: Any) -> Any:
    """Return what was taken apart."""
    if not isinstance(x, tuple):
        if x is ...:
            raise TypeError("a parameter of a kernel that no text can hold")
        return x
    kind, parts = x[0], [_together(y) for y in x[1:]]
    if kind is Target:  # each is one, in the module of its class
        found = getattr(sys.modules[parts[0].__module__], parts[1])
        if type(found) is not parts[0]:
            raise TypeError("a target of one call")
        return found
    if is_dataclass(kind):
        made_by = next(vars(c) for c in x[0].__mro__ if "__init__" in vars(c))
        own = "__dataclass_params__" not in made_by or not made_by["__dataclass_params__"].init
        if own or hasattr(kind, "__post_init__"):
            raise TypeError("a kernel that is more than its fields")
        names = [f.name for f in fields(kind)]
        return x[0](**dict(zip(names, parts, strict=True)))
    return kind(parts) if kind is tuple else kind(*parts)


_WRITTEN: dict[str, Any] = {}
"""What each text of this process stands for; programs hold texts, so that none is forgotten."""


@torch.compiler.assume_constant_result
def written(constants: Any) -> str:
    """Return the text of what was taken apart, none where there is something that can't be written."""
    try:
        whole = _together(constants)
        text = b64encode(pickle.dumps(whole)).decode()
    except (pickle.PicklingError, AttributeError, KeyError, TypeError):
        return ""
    while _WRITTEN.setdefault(text, whole) != whole:  # a class of that name is another one now
        text = f" {text}"
    return text


def read(text: str) -> Any:
    """Return what a text stands for, of another process too: a program that is kept is trusted as code is."""
    whole = _WRITTEN.get(text)
    return whole or _WRITTEN.setdefault(text, pickle.loads(b64decode(text)))
