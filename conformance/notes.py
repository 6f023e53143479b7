"""What a run says of a module beside its results: functions that no case calls, and other arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from conformance.call import TRANSFORMS, lacking, named_by
from conformance.case import Case
from conformance.implementation import OWN

#: What the cases use of a module beside the functions that they name.
BESIDE = ("SparseDistribution", *(name for names in TRANSFORMS.values() for name in names))
#: Names that are listed; of more there is their number.
LISTED = 8


def uncallable(module: Any, cases: Sequence[Case], chosen: Sequence[Case]) -> dict[str, str]:
    """Return the functions of chosen cases that no case at all can call, and the arguments they lack.

    They would be absent, as if nobody had written them. The signature tells, so that which dtypes and
    options are chosen does not matter.
    """
    found = {}
    for name in dict.fromkeys(case.function for case in chosen):
        if hasattr(module, name):
            function = getattr(module, name)
            missing = {tuple(lacking(function, named_by(x))) for x in cases if x.function == name}
            least = min(map(len, missing))
            if least:
                found[name] = " or ".join(sorted(", ".join(x) for x in missing if len(x) == least))
    return found


def unknown(module: Any, cases: Sequence[Case]) -> list[str]:
    """Return the public functions of a module's own that no case knows, with a name that is near."""
    known = {*BESIDE, *(case.function for case in cases)}
    home = str(getattr(module, "__name__", "")).partition(".")[0]
    if home in ("", OWN):  # which has more than cases call
        return []
    names = [name for name, value in vars(module).items() if _is_own(name, value, home)]
    return [_beside(name, sorted(known)) for name in names if name not in known]


def listed(module: Any, cases: Sequence[Case]) -> str:
    """Return the first of what no case knows, and how many more there are."""
    names = unknown(module, cases)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _is_own(name: str, value: Any, home: str) -> bool:
    function = callable(value) and not isinstance(value, type) and not name.startswith("_")
    return function and str(getattr(value, "__module__", "")).partition(".")[0] == home


def _beside(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1, cutoff=0.8)
    return f"{name} ({near[0]}?)" if near else name


def notes(module: Any, cases: Sequence[Case], lacks: Mapping[str, str], backend: str) -> list[str]:
    """Return what is said, in sentences; ``lacks`` is what `uncallable` found."""
    said = [f"{name} is there, but no case could call it: it lacks {arguments}"
            for name, arguments in lacks.items()]  # fmt: skip
    others = listed(module, cases)
    if others:
        said.append(f"functions that no case knows: {others}")
    asked = getattr(module, "BACKEND", backend)
    if asked != backend:
        said.append(f"the module's BACKEND is {asked!r}: --backend {backend} gives it other arrays")
    return said
