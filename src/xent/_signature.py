"""The options that losses share, in their signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints, is_typeddict

from xent import _options
from xent._check import arguments, calls

DEFAULTS: dict[str, Any] = {
    "axis": -1,
    "base": None,
    "class_weight": None,
    "pos_weight": None,
    "sample_weight": None,
    "where": None,
    "ignore_index": None,
    "label_smoothing": 0.0,
    "softcap": None,
    "temperature": 1.0,
    "z_loss": 0.0,
    "reduction": "mean",
    "denominator": None,
    "validate": None,
    "chunk_bytes": None,
}


def given(options: Mapping[str, Any], reductions: Sequence[str]) -> dict[str, Any]:
    """Return all options, those that were not given by their defaults; the reduction is one of some."""
    every = {**DEFAULTS, **options}
    arguments.choice("reduction", every["reduction"], reductions)
    return every


def parameter(name: str) -> inspect.Parameter:
    """Return a shared option as a parameter of a signature."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=DEFAULTS[name])


def documented(function: Callable[..., Any], options: type | None) -> tuple[str, ...]:
    """Give ``function`` the signature and the documentation of its options, if any; return its parameters.

    Its own signature ends in ``**options``, which the options of the typed dict replace.
    """
    signature = inspect.signature(function)
    signature = signature.replace(return_annotation=returned(function))
    if options is None:
        vars(function)["__signature__"] = signature
        return tuple(signature.parameters)
    taken = get_type_hints(options)
    names = [name for name in DEFAULTS if name in taken]
    calls.decorated(function, options, signature, names)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    shared = [parameter(name) for name in names]
    signature = signature.replace(parameters=own + shared)
    vars(function)["__signature__"] = signature
    text = inspect.cleandoc(function.__doc__ or "")
    section = "\n".join(_DOCS.get(name, name) for name in names)
    head, mark, tail = text.partition("\nReturns\n")
    if "\nParameters\n" not in head:
        head = f"{head.rstrip()}\n\nParameters\n----------"
    function.__doc__ = f"{head.rstrip()}\n{section}\n{mark}{tail}"
    return tuple(signature.parameters)


def returned(function: Callable[..., Any]) -> str:
    """Return what a loss returns, of a function that says so of its `Call`: an array where that is free."""
    said = str(function.__annotations__.get("return", ""))
    of_call = re.fullmatch(r"\w*Call\[(\w{2,}.*)\]", said)
    return of_call[1] if of_call else "Array"


def _documented(*groups: type) -> dict[str, str]:
    """Return what the docstrings of typed dicts say of each option, none where Python drops them."""
    texts = [inspect.cleandoc(group.__doc__ or "").partition("-\n")[2] for group in groups]
    entries = re.split(r"^(?=\w)", "\n".join(texts), flags=re.MULTILINE)
    return {entry.partition(" ")[0]: entry.rstrip() for entry in entries}


_DOCS = _documented(*(x for x in vars(_options).values() if is_typeddict(x)))
