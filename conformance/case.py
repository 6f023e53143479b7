"""What a case is, and how the JSON files in ``cases/`` are read and written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("cases")
MANIFEST = "manifest.json"

#: What a file may say of an argument, see ``arguments.py``.
Argument = Mapping[str, Any]


@dataclass(frozen=True)
class Printed:
    """A number as a document prints it, and how it is to be read.

    Attributes
    ----------
    text
        The characters of the document, verbatim.
    reading
        ``"rounded"``: the value rounded to the printed digits is the printed number;
        ``"float64"`` or ``"float32"``: the print of a result computed in that format, within
        ``ulp`` of its units; ``"exact"``: a fraction or a formula with this very value;
        ``"wrong"``: the document is in error and the value must differ.
    digits
        Number of digits printed after the point, None for a fraction or a formula.
    at
        Index of the element that is printed, empty for a scalar.
    ulp
        How far the print may be from the value, in units of ``reading``.
    value
        Decimal digits of what is printed, where ``text`` is a formula.
    reason
        Why the print differs from the exact value, or why it is wrong.
    """

    text: str
    reading: str
    digits: int | None = None
    at: tuple[int, ...] = ()
    ulp: float = 0
    value: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Case:
    """One call, its exact result and where it comes from.

    Attributes
    ----------
    id
        Permanent: a case is never renamed, and an id is never used again.
    function, arguments, options
        The call; ``arguments.py`` says how arrays are written.
    dtypes
        The dtypes of the prediction in which the case runs.
    expected
        The exact result by dtype: nested decimal strings of fifty digits, ``{"every", "shape"}``
        for one value everywhere, empty where the call must raise.
    tolerance
        Largest error in ULP of the result's dtype.
    condition
        By dtype, what multiplies the tolerance where a result is a sum that cancels, computed by
        the oracle (``reference/condition.py``); ``reason`` says which sum.
    provenance
        ``document``, ``section`` and ``text``, the formula or the words verbatim.
    quantity
        ``"value"``, ``"gradient"`` (with respect to the prediction), ``"metrics"``: the value and what is
        logged beside it, ``"diagonal"``: gradient and diagonal of the Hessian, ``"vjp"``: value and
        pullback of a cotangent, or ``"parts"``: value and gradients of two parts of the classes.
    chain
        Features that the gradient is multiplied with: ∂L/∂θ = (∂L/∂z)ᵀ·x.
    printed
        What the document prints of the result.
    raises
        Name of an exception that is as good as the expected value, or the only right answer.
    result
        The result's dtype where it does not follow from the prediction's.
    pathology
        The defect this case guards against, where it is one that other libraries have.
    note
        Where the document errs, or what to know.
    """

    id: str
    function: str
    arguments: Mapping[str, Argument]
    dtypes: tuple[str, ...]
    expected: Mapping[str, Any]
    tolerance: float
    provenance: Mapping[str, str]
    quantity: str = "value"
    options: Mapping[str, Any] = field(default_factory=dict)
    chain: Argument | None = None
    condition: Mapping[str, Any] = field(default_factory=dict)
    printed: tuple[Printed, ...] = ()
    raises: str | None = None
    result: str = "prediction"
    pathology: str | None = None
    note: str | None = None


def _printed(record: Mapping[str, Any]) -> Printed:
    return Printed(**{**record, "at": tuple(record.get("at", ()))})


def case_of(record: Mapping[str, Any]) -> Case:
    """Build a case from its JSON record; an unknown key is an error, not a silent one."""
    printed = tuple(_printed(entry) for entry in record.get("printed", ()))
    changed = {
        "dtypes": tuple(record["dtypes"]),
        "expected": record["expected"] or {},
        "printed": printed,
    }
    return Case(**{**record, **changed})


def case_files(folder: Path = FOLDER) -> list[Path]:
    """Return the case files of a folder in order of their names."""
    return sorted(path for path in folder.glob("*.json") if path.name != MANIFEST)


def load(folder: Path = FOLDER) -> list[Case]:
    """Read every case of a folder."""
    return [case_of(record) for path in case_files(folder) for record in read(path)["cases"]]


def read(path: Path) -> dict[str, Any]:
    """Read one JSON file."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write one JSON file, an innermost list or a short object to a line."""
    path.write_text("".join(_lines(content, "", 110)) + "\n", encoding="utf-8")


def _lines(value: Any, indent: str, width: int) -> Iterator[str]:
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (list, dict)) or not value or len(indent) + len(flat) <= width:
        yield flat
        return
    inner = indent + "  "
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    items = value.items() if isinstance(value, dict) else enumerate(value)
    yield opening
    for position, (key, item) in enumerate(items):
        name = f"{json.dumps(key)}: " if isinstance(value, dict) else ""
        yield f"{',' if position else ''}\n{inner}{name}"
        yield from _lines(item, inner, width)
    yield f"\n{indent}{closing}"
