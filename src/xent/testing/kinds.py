"""The cases of a loss: what its target may hold, as its `xent.Call` says, by forms and parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import xent
from xent._check.arguments import shown
from xent.testing.case import FORMS, KINDS, Case, forms_of


def cases(
    loss: Callable[..., Any],
    textbook: Callable[..., Any] | None,
    targets: tuple[str, ...] | None,
    parameters: tuple[Mapping[str, Any], ...],
    permutes: bool,
) -> Iterator[Case]:
    """Yield the cases of a loss: each kind of target with each form and each set of parameters.

    Where no ``targets`` are given they are those that the loss has kernels for.
    """
    own_names = {name for own in parameters for name in own}  # which may be called as a form is
    forms = forms_of(set(inspect.signature(loss).parameters) - own_names)
    every = [
        Case(loss, "nothing", form, tuple(own.items()), textbook, (), permutes)
        for form in forms
        for own in parameters
    ]
    found = [(case, kinds_of(case) if targets is None else targets) for case in every]
    for kind in KINDS:
        for case, kinds in found:
            if kind in kinds:
                yield replace(case, kind=kind, kinds=kinds)


def kinds_of(case: Case) -> tuple[str, ...]:
    """Return what a target may hold where a case has its form and its parameters, by the kernels for these.

    "labels" where that can't be told, which then raises what is wrong.
    """
    if case.names[0] in FORMS:
        return ("nothing",)
    call = _made(case, "call", case.names[0])
    if not isinstance(call, xent.Call):
        return ("labels",)
    if call.elementwise:
        return ("binary",)
    form = next((form for form, name in call.names.items() if name == case.form), case.form)
    there = {"labels": call.labels, "distributions": call.distributions}
    found = [kind for kind, of in there.items() if form in of and call.only in (None, kind)]
    if "target_logits" in case.names and _made(case, "problem", "target_logits"):
        found.append("target_logits")
    return tuple(found) or ("labels",)


def _made(case: Case, part: str, target: str) -> Any:
    """Return what a part of a loss makes of arrays, None where it raises."""
    given = case.draw()
    try:
        return vars(case.loss)[part](**{target: given[case.form]}, **given, **case.parameters)
    except Exception:  # whatever it is, the loss raises it once more where it is held
        return None


def several(name: str, given: Any, kind: type[Any]) -> tuple[Any, ...]:
    """Return what is one of a kind, or several, as a tuple; raise for what is neither, and for none."""
    one = isinstance(given, kind) or not isinstance(given, Iterable)
    every = (given,) if one else tuple(given)
    for x in every or (given,):
        if not isinstance(x, kind):
            takes = "a dict" if kind is Mapping else "a name"
            raise TypeError(f"{name} has {shown(x)}; it takes {takes}, or several")
    return every
