"""What a textbook's formula tells far out: its value, and by how much rounding may have moved that.

A plain formula loses digits where its terms cancel, as √(1 + C²) − 1 does near certainty, and where a
probability has too few of them, as 1 − q does beside 1. A right loss keeps them, and must not be blamed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xent.testing.case import Case

ULP = 8
"""How often a formula rounds terms of the size that it has at moderate arguments."""


def told(case: Case, given: dict[str, Any]) -> tuple[Any, Any]:
    """Return what the textbook says and by how much it may be off, infinite where it says nothing.

    What is rounded on the way is a few ULP of its terms, and what it makes of probabilities that are
    another by an ULP is as good as what it makes of these.
    """
    classes = np.shape(given[case.form])[-1]
    with np.errstate(all="ignore"):
        value = np.asarray(case.said(given), np.float64)
        doubt = np.full_like(value, ULP * 2.0**-52 * case.size)
        for lean in (np.ones(classes), (-1.0) ** np.arange(classes)):  # all alike, and in turn
            up, down = (np.asarray(case.said(given, sign * lean)) for sign in (1, -1))
            doubt = doubt + np.abs(up - value) + np.abs(down - value)
    known = np.isfinite(value) & np.isfinite(doubt)
    return np.where(known, value, 0.0), np.where(known, doubt, np.inf)
