"""What is added to a cross entropy of logits: a softcap c tanh(z / c), and z_loss · (log Σ exp z)²."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.case import Case
from conformance.reference.number import Array, Number, Row, mp
from conformance.reference.rows import logsumexp, softmax


def capped(case: Case, logits: Array) -> Array:
    """Return logits under the softcap, if there is one."""
    if "softcap" not in case.options:
        return logits
    cap = mp.mpf(case.options["softcap"])
    result: Array = np.vectorize(lambda z: cap * mp.tanh(z / cap), otypes=[object])(logits)
    return result


def cap_slope(case: Case, arrays: Mapping[str, Array]) -> Any:
    """Return the derivative of capped logits, 1 − tanh² = sech²."""
    if "softcap" not in case.options:
        return 1
    cap = mp.mpf(case.options["softcap"])
    return np.vectorize(lambda z: mp.sech(z / cap) ** 2, otypes=[object])(arrays["logits"])


def cost(case: Case, row: Row) -> Number:
    """Return z_loss · (log Σ exp z)²."""
    share = mp.mpf(case.options.get("z_loss", 0))
    return share * logsumexp(row) ** 2 if share else share


def slope(case: Case, row: Row, weight: Number) -> Row:
    """Return its derivative, 2 z_loss log Σ exp z · softmax, times a weight."""
    share = mp.mpf(case.options.get("z_loss", 0))
    if not share:
        return (share,) * len(row)
    return tuple(2 * share * weight * logsumexp(row) * a for a in softmax(row))
