"""Compare a value with what a document prints."""

from __future__ import annotations

from fractions import Fraction

from conformance.case import Printed
from conformance.exact import FORMATS, ulp

#: The dtype of a run that a reading belongs to; the other readings belong to float64.
READ_IN = {"float32": "float32"}


def rounds_to(value: Fraction, printed: Printed) -> bool:
    """Whether the value, rounded to the digits that are printed, is the printed number."""
    digits = printed.digits if printed.digits is not None else 0
    return round(value, digits) == Fraction(printed.text)


def belongs_to(printed: Printed, dtype: str) -> bool:
    """Whether a run in this dtype is the one to compare with the print."""
    return READ_IN.get(printed.reading, "float64") == dtype


def complaint(printed: Printed, value: Fraction, slack: float) -> str | None:
    """Say how a value disagrees with the document, None where it does not.

    Parameters
    ----------
    printed
        The document's number.
    value
        The exact value, or a result.
    slack
        The tolerance of the case in ULP; 0 when the exact value itself is compared.
    """
    if printed.reading == "wrong":
        return _agrees_by_mistake(printed, value)
    if printed.reading == "rounded":
        return None if rounds_to(value, printed) else f"does not round to {printed.text}"
    target = Fraction(printed.value or printed.text)
    form = FORMATS["float32" if printed.reading == "float32" else "float64"]
    allowed = (Fraction(printed.ulp) + Fraction(slack)) * ulp(target, form)
    if printed.reading == "exact" and not slack:
        # Fifty digits stand in for an irrational formula.
        allowed = abs(target) * Fraction(1, 10**45)
    if abs(value - target) <= allowed:
        return None
    return f"is further than {printed.ulp} + {slack} ULP from {printed.text}"


def _agrees_by_mistake(printed: Printed, value: Fraction) -> str | None:
    if printed.value is not None:
        wrong = Fraction(printed.value)
        return f"equals {printed.text}" if abs(value - wrong) <= abs(wrong) / 10**6 else None
    return f"rounds to {printed.text}" if rounds_to(value, printed) else None
