"""The ``oracle`` command: make the expected values of the case files, or check that they stand.

``python -m conformance oracle`` compares every stored value with a fresh computation;
``--write`` stores it instead. A new case is written with ``"expected": {}`` and its ``hex`` inputs
may be left out where ``decimal`` is given: both are filled in here. Needs mpmath and NumPy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from decimal import Context
from fractions import Fraction
from pathlib import Path
from typing import Any

from conformance.arguments import mapped
from conformance.case import FOLDER, case_files, case_of, load, read, write
from conformance.entry import FAILED, OK, case_folder
from conformance.reference import DIGITS, evaluate
from conformance.reference.condition import condition
from conformance.reference.formulas import FORMULAS
from conformance.reference.number import mp

#: Significant digits that are stored.
STORED = 50

#: Why a gradient by the parameters of a linear layer has a condition.
SUMMED = "Σ|term| / |Σ term| over what the chain rule sums: 8 ULP is the goal of each term."

#: Losses and measures cost +0; of a link or a gradient the sign of zero says nothing (R5).
SIGNED = (
    "entropy", "divergence", "self_information", "perplexity", "negative_log_likelihood",
    "distance", "variation", "brier_score",
)  # fmt: skip


def digits(value: Any, zero: str) -> Any:
    """Write an exact value: 50 digits, or the name of a special one; booleans stay."""
    if isinstance(value, bool):
        return value
    if mp.isnan(value):
        return "nan"
    if value == 0:
        return zero
    if mp.isinf(value):
        return "inf" if value > 0 else "-inf"
    # Rounded by decimal: versions of mpmath differ where a number lies halfway, as a dyadic one can.
    rounded = Context(prec=STORED).create_decimal(str(mp.nstr(value, 3 * STORED)))
    text = mp.nstr(mp.mpf(str(rounded)), STORED, min_fixed=-6, max_fixed=20)
    return str(text).removesuffix(".0")


def expected(record: Mapping[str, Any], precision: int = DIGITS) -> dict[str, Any]:
    """Return the expected values of a case record, one per dtype."""
    case = case_of({**record, "expected": {}})
    signed = case.quantity == "value" and case.function.endswith(SIGNED)
    zero = "0" if signed else "±0"
    with mp.workdps(precision):
        return {
            dtype: _by_rule(mapped(evaluate(case, dtype), lambda value: digits(value, zero)))
            for dtype in case.dtypes
        }


def formula(text: str, precision: int = DIGITS) -> str:
    """Return the value of a formula that a document prints."""
    with mp.workdps(precision):
        return str(digits(FORMULAS[text](), "0"))


def completed(record: Mapping[str, Any], precision: int = DIGITS) -> dict[str, Any]:
    """Return the record with everything that is computed filled in."""
    done = dict(record)
    done["arguments"] = {name: _hexed(value) for name, value in record["arguments"].items()}
    if record.get("chain"):
        done["chain"] = _hexed(record["chain"])
    if record["expected"] is not None:  # null: the call must raise
        done["expected"] = expected(done, precision)
        done.update(_conditioned(done, precision))
    for entry in done.get("printed", ()):
        if entry["text"] in FORMULAS:
            entry["value"] = formula(entry["text"], precision)
    return done


def _conditioned(record: Mapping[str, Any], precision: int) -> dict[str, Any]:
    """Return what multiplies the tolerance, for a gradient that is a sum of terms."""
    case = case_of(record)
    with mp.workdps(precision):
        found = {dtype: condition(case, dtype) for dtype in case.dtypes}
    numbers = {dtype: value for dtype, value in found.items() if value is not None}
    return {"condition": {**numbers, "reason": SUMMED}} if numbers else {}


def _hexed(argument: Mapping[str, Any]) -> dict[str, Any]:
    if "decimal" not in argument or "hex" in argument:
        return dict(argument)
    hexed = mapped(argument["decimal"], _nearest)
    return {"hex": hexed, **argument}


def _nearest(text: str) -> str:
    # A document prints fractions too: the double nearest to 1/4, 9/10 …
    written = float(Fraction(text) if "/" in text else text).hex()
    digits, point, power = written.partition("p")
    return (digits.rstrip("0").removesuffix(".") if "." in digits else digits) + point + power


def _by_rule(values: Any) -> Any:
    """Shorten a large array whose elements are all the same text."""
    shape, first = [], values
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0]
    flat = values if len(shape) == 1 else [item for row in values for item in row] if shape else []
    if len(flat) < 64 or any(item != first for item in flat):
        return values
    return {"every": first, "shape": shape}


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status: 1 where a stored value does not stand."""
    options = argparse.ArgumentParser(prog="python -m conformance oracle", description=__doc__)
    options.add_argument("--write", action="store_true", help="store the values")
    options.add_argument("--cases", type=case_folder, default=FOLDER, help="a folder of case files")
    chosen = options.parse_args(argv)
    files = case_files(chosen.cases)
    stale = [path for path in files if not _settled(path, chosen.write)]
    for path in stale:
        print(f"{path.name}: stored values are not what the oracle computes", file=sys.stderr)
    if not stale:
        count = f"cases: {len(load(chosen.cases))}, files: {len(files)}"
        print(f"the values {'are written' if chosen.write else 'stand'} ({count})")
    return FAILED if stale else OK


def _settled(path: Path, store: bool) -> bool:
    content = read(path)
    fresh = {**content, "cases": [completed(record) for record in read(path)["cases"]]}
    if store:
        write(path, fresh)
    return store or fresh == content
